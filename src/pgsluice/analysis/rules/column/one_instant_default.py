"""A default such as now() that all rows get alike.

## What it does

`ADD COLUMN ... DEFAULT now()` does not write the table: the default is evaluated once, when the column is added, and every
row that was there before has that one value.

## Why it is dangerous

A column `created_at` then says of all old rows that they were made when the migration ran. Nobody can tell them apart later.

## The safe way

Add the column without the default, set the default, and fill the old rows with what is known of them, or leave them NULL,
which says that it is not known.

## When the safe way does not apply

Where one instant for all old rows is meant there is nothing to do.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.column.new_column import added_column
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote

_INSTANTS = frozenset(
    {
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_timestamp",
        "localtimestamp",
        "current_date",
        "current_time",
        "localtime",
    }
)


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column = added_column(action, context)
    if column is None or action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    if column.default is None or impact.rewrites or not any(name in _INSTANTS for _, name in column.default.functions):
        return None
    return Hazard(f"all rows that are there get the same {quote(column.name)}: the instant at which the column is added", None)


RULE = Rule("one-instant-default", Severity.INFO, Category.DATA, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
