"""A column that goes, with what hangs on it.

## What it does

`DROP COLUMN` is brief: only the catalog changes. With the column go the indexes, UNIQUE, CHECK and foreign key constraints that
contain it, those over several columns too, without a word. A foreign key's other table is locked as well: the key is dropped before, in a
transaction of its own.

## Why it is dangerous

The release that runs fails wherever it names the column, and the values are gone.

## The safe way

The statement belongs to the phase `contract`, which never runs by itself: first a release that does not name the column, then
the drop. A column that is NOT NULL and has no default may be NULL from `expand` on, because the new release gives it no value any
more; `rollback` proves NOT NULL again while nobody waits, and stops where a row has none. What would go with the column is
listed here, and the functions in whose text its name stands: PostgreSQL does not look into them, and they fail when they run.
The space of the column comes back only as rows are written anew.

## When the safe way does not apply

For databases that no release uses, such as those of tests, `run --through contract` goes all the way.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.compatibility.foreign_keys_first import foreign_keys_first
from pgsluice.analysis.rules.naming_functions import may_use
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import ConstraintKind, Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName
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
    way = _way(action, table, column, context) if table is not None else None
    with_it += _still_needed(table, column) if table is not None else ""
    return Hazard(f"the running release must not name {quote(column)} of {name} any more{with_it}", way)


def _way(action: Action, table: Table, column: str, context: Context) -> Rewrite | None:
    """Foreign keys go first, and from expand on the new release need not give the column a value."""
    read = any((table.name, column) in v.depends_on for v in context.catalog.views_on(table.name))
    keys = [] if read else [k for k in table.foreign_keys if column in k.columns]  # read by a view: the server refuses the drop
    first = (*_loosened(table, column), *foreign_keys_first(keys, context))
    drop = Part(action.sql, "no release names it any more", PhaseName.CONTRACT, apart=any(p.apart for p in first))
    return Rewrite((*first, drop)) if first else None


def _loosened(table: Table, column: str) -> tuple[Part, ...]:
    if not _must_be_given(table, column) or column in _key(table):
        return ()
    loosen = Part(
        f"ALTER TABLE {table.name} ALTER COLUMN {quote(column)} DROP NOT NULL",
        f"the new release gives {quote(column)} no value any more, and its INSERTs may not fail before the column goes",
        releases_notice=f"INSERTs into {table.name} need not name {quote(column)} from here on; where one does not, the old release reads "
        "NULL in it, and a rollback stops until the row has a value there",
    )
    return (loosen,)


def _must_be_given(table: Table, column: str) -> bool:
    found = table.column(column)
    return found is not None and found.not_null and not (found.default is not None or found.identity or found.generated)


def _key(table: Table) -> tuple[str, ...]:
    return next((c.columns for c in table.constraints if c.kind is ConstraintKind.PRIMARY_KEY), ())


def _still_needed(table: Table, column: str) -> str:
    if not _must_be_given(table, column) or column not in _key(table):
        return ""
    return "; it is part of the primary key, so that the new release must give it a value until contract"


def _lost(table: Table, column: str) -> list[str]:
    """The table's indexes and constraints that contain the column."""
    indexes = [f"index {i.name.name}" for i in table.indexes if column in i.columns and i.constraint is None]
    named = [c for c in table.constraints if column in c.columns and c.name != _not_null(table, column)]
    return indexes + [f"constraint {c.name}" for c in named]


def _not_null(table: Table, column: str) -> str | None:
    found = table.column(column)
    return found.not_null_constraint if found is not None else None


RULE = Rule("drop-column", Severity.WARNING, Category.RELEASE, _match)
