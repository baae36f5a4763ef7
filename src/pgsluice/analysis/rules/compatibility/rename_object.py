"""A schema, sequence, type or function that gets another name, or moves to another schema, while a release runs that names it.

## What it does

`ALTER ... RENAME` and `SET SCHEMA` of a schema, sequence, type, domain, function or procedure, and the renaming of an enum's
value or a composite type's attribute, are brief: only the catalog changes.

## Why it is dangerous

Statements of the running release that name it fail from that moment on, and so do function bodies, which PostgreSQL does not
look into. An enum's value that was renamed comes back from queries under a name that the release does not know.

## The safe way

Make the new one beside the old one (a function that calls the other, a new value that is used from the next release on) and drop
the old one when no release names it.

## When the safe way does not apply

Where nothing runs that names it, allow the rule with a directive on the statement, or with `--allow rename-object`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity

_OBJECTS = ("SCHEMA", "SEQUENCE", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE")
_KINDS = frozenset(f"ALTER {o} {w}" for o in _OBJECTS for w in ("RENAME", "SET SCHEMA")) | {
    "ALTER TYPE RENAME VALUE",
    "ALTER TYPE RENAME ATTRIBUTE",
}


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in _KINDS:
        return None
    return Hazard("statements of the running release that use the old name fail from that moment on", _NONE)


_NONE = NoRewrite(
    "an object has one name at a time",
    "make the new one beside the old one; or, where no running release names it, "
    "write `-- pgsluice: allow rename-object because ...` above the statement",
)

RULE = Rule("rename-object", Severity.ERROR, Category.RELEASE, _match)
