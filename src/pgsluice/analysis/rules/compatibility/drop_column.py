"""A column that goes, with what hangs on it.

## What it does

`DROP COLUMN` is brief: only the catalog changes. With the column go the indexes, UNIQUE, CHECK and foreign key constraints that
contain it, those over several columns too, without a word. A foreign key's other table is locked as well.

## Why it is dangerous

The release that runs fails wherever it names the column, and the values are gone.

## The safe way

The statement belongs to the phase `contract`, which never runs by itself: first a release that does not name the column, then
the drop. What would go with the column is listed here, and the functions in whose text its name stands: PostgreSQL does not look into
them, and they fail when they run. The space of the column comes back only as rows are written anew.

## When the safe way does not apply

For databases that no release uses, such as those of tests, `run --through contract` goes all the way.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.naming_functions import may_use
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind != "ALTER TABLE DROP COLUMN" or action.relation is None:
        return None
    column, table = action.node.get("name", ""), context.table(action)
    if table is not None and (table.made_by_run or table.column(column) is None):
        return None
    lost = _lost(table, column) if table is not None else []
    with_it = f"; with it go {', '.join(lost)}" if lost else ""
    name = context.name(action.relation)
    with_it += may_use(context.catalog, name, column)
    return Hazard(f"the running release must not name {quote(column)} of {name} any more{with_it}", None)


def _lost(table: Table, column: str) -> list[str]:
    """The table's indexes and constraints that contain the column."""
    indexes = [f"index {i.name.name}" for i in table.indexes if column in i.columns and i.constraint is None]
    named = [c for c in table.constraints if column in c.columns and c.name != _not_null(table, column)]
    return indexes + [f"constraint {c.name}" for c in named]


def _not_null(table: Table, column: str) -> str | None:
    found = table.column(column)
    return found.not_null_constraint if found is not None else None


RULE = Rule("drop-column", Severity.WARNING, Category.RELEASE, _match)
