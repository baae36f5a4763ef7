"""A default that changes for the running release.

## What it does

`SET DEFAULT` and `DROP DEFAULT` are brief: only the catalog changes, rows that are there keep their values.

## Why it is dangerous

INSERTs of the running release that leave the column out store the new default from that moment on. Without a default they
store NULL, and where the column is NOT NULL they fail.

## The safe way

Dropping a default (or an identity) belongs to the phase `contract`, which never runs by itself: until then both releases have
what they need. Where the same file gives the column another default, an identity or another type, it is dropped at once. A new
default is harmless where both releases can live with either value.

## When the safe way does not apply

A column that the same file has added is known to nobody yet, and its default waits for `contract` all the same: until then the
running release, which does not name the column, can insert rows. Only a NOT NULL column is reported then.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import column_name
from pgsluice.analysis.parsing.columns import column_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    name = column_name(action)
    if name is None or action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    table = context.table(action)
    column = table.column(name) if table is not None else None
    added = any((c := column_definition(a)) is not None and c.name == name and a.relation == action.relation for a in context.earlier)
    if action.kind.endswith("SET DEFAULT"):
        return (
            None
            if added
            else Hazard(f"INSERTs of the running release that leave {quote(name)} out store the new default", None, Severity.INFO)
        )
    never_null = column.not_null if column is not None else _added_not_null(name, action, context)
    if never_null:
        return Hazard(
            f"INSERTs of the running release that leave {quote(name)} out fail: it is NOT NULL, and has no default any more", None
        )
    return None if added else Hazard(f"INSERTs of the running release that leave {quote(name)} out store NULL", None, Severity.INFO)


def _added_not_null(name: str, action: Action, context: Context) -> bool:
    """Whether the file has added it as NOT NULL, where the catalog does not know the table."""
    made = (column_definition(a) for a in context.earlier if a.relation == action.relation)
    return any(c is not None and c.name == name and c.never_null for c in made)


RULE = Rule(
    "default-change",
    Severity.WARNING,
    Category.RELEASE,
    _match,
    kinds=frozenset({"ALTER TABLE SET DEFAULT", "ALTER TABLE DROP DEFAULT"}),
)
