"""A DROP ... CASCADE, which takes along whatever depends on the object.

## What it does

`CASCADE` drops views, materialised views, foreign keys of other tables, defaults, triggers and policies that depend on what is dropped, and
what depends on those. The file names none of it; each is locked with ACCESS EXCLUSIVE.

## Why it is dangerous

What goes is decided by what happens to be there when the file runs, on the database where it runs: a view that somebody made for a report
yesterday goes without a question.

## The safe way

Drop by name what is meant to go, in its own order, without CASCADE: then the server refuses when there is more.

## When the safe way does not apply

For schemas and tables that the same file makes nothing is said. With `--database` the finding lists what would go.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import cascades
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import QualifiedName

_PARTS = frozenset({"ALTER TABLE DROP COLUMN", "ALTER TABLE DROP CONSTRAINT", "ALTER TYPE DROP ATTRIBUTE"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if not (action.kind.startswith("DROP ") or action.kind in _PARTS) or not cascades(action):
        return None
    if action.relation is None:
        return Hazard("whatever depends on it goes as well, unnamed", None)
    name = context.name(action.relation)
    if not context.stood_before(name) and context.catalog.index(name) is None:
        return None
    going = _going(name, action, context)
    if (
        context.catalog.known
        and not going
        and action.kind in ("DROP TABLE", "DROP VIEW", "DROP MATERIALIZED VIEW", "ALTER TABLE DROP COLUMN")
    ):
        return None
    return Hazard(f"with it go {', '.join(going)}" if going else "whatever depends on it goes as well, unnamed", None)


def _going(name: QualifiedName, action: Action, context: Context) -> list[str]:
    """The views that read it and the foreign keys that reference it, as far as they are known."""
    column = action.node.get("name") if action.kind == "ALTER TABLE DROP COLUMN" else None
    views = [v for v in context.catalog.views_on(name) if column is None or (name, column) in v.depends_on]
    keys = [k for k in context.catalog.foreign_keys_to(name) if column is None or column in k.referenced_columns]
    return [f"{v.kind} {v.name}" for v in views] + [f"foreign key {k.name} of {k.table}" for k in keys if k.table != name]


RULE = Rule("drop-cascade", Severity.WARNING, Category.DATA, _match)
