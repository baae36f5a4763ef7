"""A column of a published table that comes, before the subscribers have it.

## What it does

Logical replication carries rows, not DDL. After `ADD COLUMN` on the publisher the first changed row holds a column that the
subscriber's table does not have.

## Why it is dangerous

The subscription stops there ("missing replicated column") and tries again for ever, while its slot holds back the WAL of the
publisher, until the disk is full.

## The safe way

Add the column on the subscribers first, then on the publisher; drop it in the reverse order. `pgsluice run` asks whether
that was done (`--subscribers-ready`).

## When the safe way does not apply

Where the publication lists its columns a new one is not replicated until it is listed. It is met only with `--database`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    table = context.table(action)
    if table is None or table.made_by_run:
        return None
    names = publications(table, context)
    if not names:
        return None
    first = "on the subscribers first" if action.kind.endswith("ADD COLUMN") else "on the subscribers afterwards"
    return Hazard(f"{table.name} is published by {', '.join(names)}: {first}, or replication stops", None)


def publications(table: Table, context: Context) -> list[str]:
    """The publications that carry the table's rows."""
    every = (p.name for p in context.catalog.publications if p.all_tables or table.name.schema in p.schemas)
    return sorted({*table.published_by, *every})


RULE = Rule(
    "published-column",
    Severity.WARNING,
    Category.REPLICA,
    _match,
    kinds=frozenset({"ALTER TABLE ADD COLUMN", "ALTER TABLE DROP COLUMN", "ALTER TABLE ALTER COLUMN TYPE"}),
)
