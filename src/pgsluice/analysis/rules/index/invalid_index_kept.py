"""A CREATE INDEX CONCURRENTLY IF NOT EXISTS, which takes an index that a failed build left behind for a good one.

## What it does

A concurrent build that fails or is cut short leaves an *invalid* index behind: every write keeps it up to date, no query uses it.
`IF NOT EXISTS` looks at the name alone, finds the invalid index, and says that all is well.

## Why it is dangerous

The migration is recorded as done, and the index is never there. A unique one guards nothing that stood before, and its
duplicates stay.

## The safe way

`pgsluice run` looks for an invalid index of that name first and drops it. Where another tool runs the file, put
`DROP INDEX CONCURRENTLY IF EXISTS` in front and leave `IF NOT EXISTS` out. To see what was left behind:
`SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid`.

## When the safe way does not apply

Where `pgsluice run` runs the file there is no hazard, and with `--database` only an index that is invalid now is reported.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import QualifiedName


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    index = index_definition(action)
    if index is None or not index.concurrent or not index.if_not_exists or index.name is None:
        return None
    name = QualifiedName(context.name(index.table).schema, index.name)
    found = context.catalog.index(name)
    if found is not None and not found.valid:
        return Hazard(f"{name} is there, and invalid: IF NOT EXISTS takes it for a good one; drop it first", None, Severity.ERROR)
    if found is not None or context.catalog.known or not context.busy(context.name(index.table)) or _dropped(name, context):
        return None
    return Hazard(f"where an earlier attempt failed, {name} is there and invalid, and IF NOT EXISTS takes it for a good one", None)


def _dropped(name: QualifiedName, context: Context) -> bool:
    """Whether the file drops it first."""
    return any(a.kind == "DROP INDEX" and a.relation is not None and a.relation[1] == name.name for a in context.earlier)


RULE = Rule("invalid-index-kept", Severity.WARNING, Category.OUTAGE, _match, kinds=frozenset({"CREATE INDEX"}))
