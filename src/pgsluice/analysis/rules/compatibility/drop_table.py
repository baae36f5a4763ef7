"""A table that goes, with its rows.

## What it does

`DROP TABLE` takes ACCESS EXCLUSIVE on the table and on every table that it references or that references it, one after the
other, holding the first while it waits for the next.

## Why it is dangerous

The release that runs fails wherever it names the table, and the rows are gone. Where foreign keys tie it to busy tables those
are locked, too.

## The safe way

The statement belongs to the phase `contract`, which never runs by itself: first a release that does not name the table, then the
drop. Drop its foreign keys one at a time before it, so that no other table is locked by the drop itself.

## When the safe way does not apply

For databases that no release uses, such as those of tests, `run --through contract` goes all the way.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity

_KINDS = frozenset({"DROP TABLE", "DROP VIEW", "DROP MATERIALIZED VIEW", "DROP FOREIGN TABLE"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in _KINDS or action.relation is None:
        return None
    name, table = context.name(action.relation), context.table(action)
    if (table is None and context.catalog.known) or (table is not None and table.made_by_run):
        return None
    tied = _tied(table, context) if table is not None else []
    others = f"; its foreign keys lock {', '.join(tied)} as well" if tied else ""
    return Hazard(f"the running release must not name {name} any more, and its rows are gone{others}", None)


def _tied(table: Table, context: Context) -> list[str]:
    referenced = {str(k.references) for k in table.foreign_keys if k.references not in (None, table.name)}
    referencing = {str(k.table) for k in context.catalog.foreign_keys_to(table.name) if k.table != table.name}
    return sorted(referenced | referencing)


RULE = Rule("drop-table", Severity.WARNING, Category.RELEASE, _match)
