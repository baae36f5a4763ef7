"""A change of how a table is stored, for which it is written anew.

## What it does

`SET LOGGED`, `SET UNLOGGED`, `SET ACCESS METHOD` and `SET TABLESPACE` write the table (and, but for the tablespace, all of its
indexes) anew, under ACCESS EXCLUSIVE.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk. All of it
goes through the WAL.

## The safe way

There is none in place: PostgreSQL has no concurrent form.

## When the safe way does not apply

Always. A new table that takes the old one's place, or an extension such as pg_repack for the tablespace; or a maintenance
window with the rule allowed for the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity

_CLAUSES = ("SET LOGGED", "SET UNLOGGED", "SET ACCESS METHOD", "SET TABLESPACE")
_KINDS = frozenset(f"ALTER {o} {c}" for o in ("TABLE", "MATERIALIZED VIEW", "INDEX") for c in _CLAUSES)


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in _KINDS or action.relation is None or not context.hurts(impact):
        return None
    return Hazard(f"nobody can read or write {context.name(action.relation)} while it is written anew", _NONE)


_NONE = NoRewrite(
    "how a table is stored cannot be changed while it is in use",
    "make a new table that takes its place, or allow storage-rewrite for a maintenance window",
)

RULE = Rule("storage-rewrite", Severity.ERROR, Category.OUTAGE, _match)
