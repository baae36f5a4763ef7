"""A type change after which the planner knows nothing of the column.

## What it does

Every `ALTER COLUMN TYPE`, also one that only changes the catalog, such as varchar to text, deletes the column's statistics.

## Why it is dangerous

Until the table is analysed again the planner guesses how many rows a condition on the column finds. Autovacuum does not
notice: nothing was written. A query that took an index may read the whole table, for days.

## The safe way

`ANALYZE table (column)` right behind it. It blocks no query.

## When the safe way does not apply

It always does. Where a later statement of the file analyses the table nothing is said, nor of a change that rewrites the table, which is
worse.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import column_name
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    name = column_name(action)
    if name is None or action.relation is None or impact.rewrites or not context.busy(context.name(action.relation)):
        return None
    if any(a.kind in ("ANALYZE", "VACUUM") and a.relation in (None, action.relation) for a in context.later):
        return None
    table = context.name(action.relation)
    return Hazard(f"the statistics of {quote(name)} are gone: ANALYZE {table} ({quote(name)}) behind it", None)


RULE = Rule("type-statistics-lost", Severity.INFO, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ALTER COLUMN TYPE"}))
