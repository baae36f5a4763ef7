"""What of a database, as it stands, is worth saying beside the findings: who replays, what runs out, what is broken."""

from collections.abc import Iterable, Iterator

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.planner.statement_locks import statement_locks
from pgsluice.model.catalog import Catalog, Sequence
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock

NEAR_END = 0.75
"""The part of a sequence's numbers from which on it is named: at a steady rate the last quarter is used up in a third of the time
so far."""

NEAR_WRAPAROUND = 180_000_000
"""Transactions since a table was frozen: at 200,000,000, the default of autovacuum_freeze_max_age, an autovacuum begins that
does not give way to a lock."""

_SHOWN = 10


def blocking_locks(migrations: Iterable[Migration], catalog: Catalog) -> tuple[Lock, ...]:
    """The locks that the files need and that the application waits for, each once."""
    needed = (lock for s in statement_locks(migrations, catalog) for lock in s.locks if lock.mode.blocks_application)
    return tuple(dict.fromkeys(needed))


def surroundings(catalog: Catalog, locks: Iterable[Lock]) -> Iterator[str]:
    """Notes about the database of the catalog, for statements that need these locks; none where nothing was read from one."""
    if not catalog.known:
        return
    needed = {lock.relation: lock.mode for lock in locks if lock.mode.blocks_application}
    yield from _several([note for s in catalog.sequences.values() if (note := _running_out(s))])
    broken = [i.name for i in catalog.indexes() if not i.valid and not i.partitioned]
    yield from _several([f"the index {name} is invalid: a build failed; DROP INDEX CONCURRENTLY {name}" for name in broken])
    old = sorted(str(t.name) for t in catalog.tables.values() if t.wraparound_age >= NEAR_WRAPAROUND and str(t.name) in needed)
    yield from _several([f"an autovacuum against wraparound is due for {name}: it does not give way to a lock" for name in old])
    if catalog.replicas and LockMode.ACCESS_EXCLUSIVE in needed.values():
        yield f"ACCESS EXCLUSIVE is replayed on {', '.join(catalog.replicas)}: queries there wait for it, or are cancelled for it"


def _running_out(found: Sequence) -> str | None:
    if not found.last_value or found.maximum <= 0 or found.last_value < NEAR_END * found.maximum:
        return None
    owner = f" ({found.owned_by[0]}.{found.owned_by[1]})" if found.owned_by else ""
    return (
        f"the sequence {found.name}{owner} has used {found.last_value / found.maximum:.0%} of its numbers, which end at {found.maximum:,}"
    )


def _several(notes: list[str]) -> Iterator[str]:
    yield from notes[:_SHOWN]
    if len(notes) > _SHOWN:
        yield f"... and {len(notes) - _SHOWN} more of the kind"
