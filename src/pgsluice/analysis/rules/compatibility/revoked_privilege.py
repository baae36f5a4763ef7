"""A privilege or ownership that is taken away from under the running release.

## What it does

`REVOKE` takes a right away, `OWNER TO` makes somebody else the owner. Both hold from the commit on, for sessions that are connected too.

## Why it is dangerous

Statements of the running release fail with "permission denied" (SQLSTATE 42501). A new owner loses nothing, the former one may lose
everything: what it could do it could do as the owner, without any grant.

## The safe way

Grant the new role first, let the releases move to it, then revoke.

## When the safe way does not apply

Where the role is not used any more there is nothing to do. Revoking from PUBLIC on a function that the same file makes is a good habit, and
nothing is said of it.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

_OWNED = ("TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "FOREIGN TABLE")
_KINDS = frozenset({"REVOKE", *(f"ALTER {o} OWNER TO" for o in _OWNED)})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not _was_there(action, context):
        return None
    name = context.name(action.relation)
    if action.kind == "REVOKE":
        return Hazard(f"statements of the running release on {name} that need the right fail from that moment on", None)
    return Hazard(f"the former owner of {name} keeps only what it is granted", None, Severity.INFO)


def _was_there(action: Action, context: Context) -> bool:
    name = context.name(action.relation or (None, ""))
    sequence = context.catalog.sequences.get(name)
    return not sequence.made_by_run if sequence is not None else context.stood_before(name)


RULE = Rule("revoked-privilege", Severity.WARNING, Category.RELEASE, _match, kinds=_KINDS)
