"""A new generated column, for which the whole table is written anew.

## What it does

`ADD COLUMN ... GENERATED ALWAYS AS (...) STORED` computes the value of every row: PostgreSQL writes the table and all of its
indexes anew, under ACCESS EXCLUSIVE.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk and in WAL.

## The safe way

From PostgreSQL 18 on: a `VIRTUAL` column, which is computed when it is read and costs nothing to add. Its NOT NULL is made safe on
its own.

## When the safe way does not apply

A stored column cannot be made of an ordinary one that was filled before. Use an ordinary column, a trigger that keeps it
up to date and a batched UPDATE; or accept the time without the table in a maintenance window and allow the rule.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.column.new_column import cut, in_use, message, not_null_parts, not_null_spans, plain_column
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column = plain_column(action, context)
    if column is None or in_use(action, context) is None or not column.generated:
        return None
    if column.generated == "stored":
        return Hazard(message(action, context), _STORED)
    if not column.not_null:
        return None
    add = Part(cut(action.sql, not_null_spans(column)), "a virtual column is computed when it is read")
    return Hazard(f"{message(action, context)}: NOT NULL is checked for each row", Rewrite((add, *not_null_parts(action, column, context))))


_STORED = NoRewrite(
    "an ordinary column that was filled in batches cannot become a stored generated one",
    "use VIRTUAL (18), or an ordinary column with a trigger and a batched UPDATE",
)

RULE = Rule("generated-column-rewrite", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
