"""A table that goes, with its rows.

## What it does

`DROP TABLE` takes ACCESS EXCLUSIVE on the table and on every table that it references or that references it, one after the
other, holding the first while it waits for the next.

## Why it is dangerous

The release that runs fails wherever it names the table, and the rows are gone. Where foreign keys tie it to busy tables those
are locked, too.

## The safe way

The statement belongs to the phase `contract`, which never runs by itself: first a release that does not name the table, then the
drop. Its foreign keys (with CASCADE those to it, too) are dropped before it one at a time, each in a transaction of its own: the
drop itself then locks no other table.

## When the safe way does not apply

For databases that no release uses, such as those of tests, `run --through contract` goes all the way.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import cascades
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.compatibility.foreign_keys_first import foreign_keys_first
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import Table, TableKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName

_KINDS = frozenset({"DROP TABLE", "DROP VIEW", "DROP MATERIALIZED VIEW", "DROP FOREIGN TABLE"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in _KINDS or action.relation is None:
        return None
    name, table = context.name(action.relation), context.table(action)
    if (table is None and context.catalog.known) or (table is not None and table.made_by_run):
        return None
    tied = _tied(table, context) if table is not None else []
    others = f"; its foreign keys lock {', '.join(tied)} as well" if tied else ""
    message = f"the running release must not name {name} any more, and its rows are gone{others}"
    return Hazard(message, _way(action, table, context) if table is not None and action.kind == "DROP TABLE" else None)


def _way(action: Action, table: Table, context: Context) -> Rewrite | None:
    to_it = tuple(k for k in context.catalog.foreign_keys_to(table.name) if k.table != table.name)
    if not cascades(action) and (to_it or context.catalog.views_on(table.name) or (table.children and table.kind is TableKind.TABLE)):
        return None  # the server refuses the drop, and nothing may have changed then
    first = tuple(foreign_keys_first((*table.foreign_keys, *(to_it if cascades(action) else ())), context))
    return Rewrite((*first, Part(action.sql, "no release names it any more", PhaseName.CONTRACT, apart=True))) if first else None


def _tied(table: Table, context: Context) -> list[str]:
    referenced = {str(k.references) for k in table.foreign_keys if k.references not in (None, table.name)}
    referencing = {str(k.table) for k in context.catalog.foreign_keys_to(table.name) if k.table != table.name}
    return sorted(referenced | referencing)


RULE = Rule("drop-table", Severity.WARNING, Category.RELEASE, _match)
