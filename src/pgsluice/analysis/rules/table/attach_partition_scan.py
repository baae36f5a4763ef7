"""A new partition, for which the table that becomes one, or the default partition, is scanned under the strongest lock.

## What it does

`ATTACH PARTITION` takes ACCESS EXCLUSIVE on the table that is attached and looks whether each of its rows fits. Where there is a
default partition that is locked and searched as well, for rows that would belong to the new one; so it is by `CREATE TABLE ...
PARTITION OF`. Indexes that the parent has and the new partition lacks are built meanwhile.

## Why it is dangerous

Reads and writes that touch the partition, or the default one, wait until the scans and builds are done.

## The safe way

A helper `CHECK` on the table that proves the bounds, and one on the default partition that excludes them, each NOT VALID and then
validated while nobody waits; the parent's indexes, built concurrently, and its constraints. The partition is then attached, or made, in a
moment, and the helpers go. A query looks in the default partition for rows that belong to the new one before anything changes: with
one of them the statement must fail.

From the helper on, until the partition is there, the default partition refuses rows that belong to the new one.

## When the safe way does not apply

Where the table is partitioned by several columns, by an expression with a collation of its own, or with bounds that are no plain constants:
the server does not see that a CHECK proves them. Where the table that is attached is partitioned itself. Without a default partition
`CREATE TABLE ... PARTITION OF` is brief as it is.
"""

from collections.abc import Iterator

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.bounds import Bounds, partition_bounds
from pgsluice.analysis.parsing.changes import partition_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.analysis.rules.table.partition_parts import UnknownPartError, missing_parts
from pgsluice.model.catalog import Table, TableKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, bounds_helper, quote

_KINDS = frozenset({"ALTER TABLE ATTACH PARTITION", "CREATE TABLE PARTITION OF"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in _KINDS or not context.hurts(impact):
        return None
    worked = ", ".join(sorted(str(n) for n in impact.works if context.busy(n)))
    parent, partition, bound = _parties(action, context)
    message = f"nobody can read or write {worked} while it is scanned"
    if parent is None or bound is None or parent.partition_key is None:
        return Hazard(message, _NONE)
    bounds = partition_bounds(parent.partition_key, bound)
    default = context.catalog.table(parent.default_partition) if parent.default_partition is not None else None
    candidate = context.catalog.table(partition)
    if _stand_ready(partition, [t for t in (default, candidate) if t is not None]):
        return None
    unproved = bounds is None and (default is not None or candidate is not None)
    nested = any(t is not None and t.kind is not TableKind.TABLE for t in (default, candidate))
    if unproved or nested:
        return Hazard(message, _NONE)
    try:
        parts = tuple(_parts(action, parent, partition, bounds, default, candidate, context))
    except UnknownPartError:
        return Hazard(message, _NONE)
    return Hazard(message, Rewrite(parts) if len(parts) > 1 else _NONE)


def _stand_ready(partition: QualifiedName, tables: list[Table]) -> bool:
    """Whether our own helpers stand and are valid, so that the statement is the one that uses them."""
    helpers = [t.constraint(bounds_helper(t.name.name, partition)) for t in tables]
    return bool(helpers) and all(h is not None and h.validated for h in helpers)


def _parties(action: Action, context: Context) -> tuple[Table | None, QualifiedName, str | None]:
    """The partitioned table, the partition, and its bounds (None for DEFAULT)."""
    definition, change = table_definition(action), partition_change(action)
    if definition is not None and definition.partition_of is not None:
        parent = context.catalog.table(context.name(definition.partition_of))
        name = QualifiedName(definition.name[0] or context.catalog.creation_schema, definition.name[1])
        return parent, name, None if definition.default_partition else definition.bound_sql
    assert change is not None
    return context.table(action), context.name(change.partition), None if change.default else change.bound_sql


def _parts(
    action: Action,
    parent: Table,
    partition: QualifiedName,
    bounds: Bounds | None,
    default: Table | None,
    candidate: Table | None,
    context: Context,
) -> Iterator[Part]:
    """What is proved already is left out; the statement itself comes with the helpers' end in one transaction."""
    helpers: list[tuple[QualifiedName, str]] = []
    if candidate is not None and bounds is not None:
        name = bounds_helper(candidate.name.name, partition)
        yield from _proof(candidate, name, bounds.inside, f"rows of {candidate.name} do not fit the bounds", None, context)
        helpers.append((candidate.name, name))
        yield from missing_parts(parent, candidate, context)
    if default is not None and bounds is not None:
        name = bounds_helper(default.name.name, partition)
        notice = f"until {partition} is a partition {default.name} refuses rows that belong to it"
        yield from _proof(default, name, bounds.outside, f"rows of {default.name} belong to {partition}", notice, context)
        helpers.append((default.name, name))
    yield Part(action.sql, "the bounds are proved, so nothing is scanned", PhaseName.MIGRATE, with_next=bool(helpers))
    for number, (table, name) in enumerate(helpers, 1):
        drop = f"ALTER TABLE {table} DROP CONSTRAINT {quote(name)}"
        yield Part(drop, "the helper has done its work", PhaseName.MIGRATE, with_next=number < len(helpers))


def _proof(table: Table, name: str, condition: str, what: str, notice: str | None, context: Context) -> Iterator[Part]:
    add = f"ALTER TABLE {table.name} ADD CONSTRAINT {quote(name)} CHECK ({condition}) NOT VALID"
    preflight = evidence.none_outside(context, table.name, condition, what)
    yield Part(add, "new rows are checked from here on", preflight=preflight, releases_notice=notice)
    validate = f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {quote(name)}"
    yield Part(validate, "checks the rows that were there before, while nobody waits", PhaseName.MIGRATE)


_NONE = NoRewrite(
    "the bounds cannot be proved by a CHECK that the server understands, or indexes are missing",
    "add CHECK constraints that prove the bounds and exclude them from the default partition (NOT VALID, then VALIDATE), then attach "
    "with attach-partition-scan allowed",
)

RULE = Rule("attach-partition-scan", Severity.ERROR, Category.OUTAGE, _match)
