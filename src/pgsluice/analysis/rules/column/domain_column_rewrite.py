"""A new column of a domain with constraints, for which the whole table is written anew.

## What it does

`ADD COLUMN` of a domain that has a CHECK or NOT NULL writes the table and all of its indexes anew, under ACCESS EXCLUSIVE, even
where the column has no default: PostgreSQL asks the domain for every row.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk and in WAL.

## The safe way

There is none that ends with a column of that domain. A column of the domain's base type with the domain's conditions as CHECK
constraints of the table holds the same values, and is added without a rewrite.

## When the safe way does not apply

Where the column must have the domain as its type: in a maintenance window, with the rule allowed for the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.column.new_column import in_use, message, plain_column
from pgsluice.analysis.rules.column.volatile_default_rewrite import is_constrained_domain
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column = plain_column(action, context)
    if column is None or in_use(action, context) is None or not impact.rewrites or not is_constrained_domain(column, context):
        return None
    return Hazard(message(action, context), _NONE)


_NONE = NoRewrite(
    "adding a column of a domain with constraints always writes the table anew",
    "add a column of the domain's base type, with the domain's conditions as CHECK constraints of the table",
)

RULE = Rule("domain-column-rewrite", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
