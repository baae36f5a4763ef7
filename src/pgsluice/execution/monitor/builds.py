"""Index builds: the state that they leave, how far a running one is, and who may be building."""

from collections.abc import Iterable
from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import Sightings, conflicting_holders
from pgsluice.model.activity import Blocker
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock

_QUERIES = named_queries(__package__)


@dataclass(frozen=True, slots=True)
class IndexState:
    """`valid` False: a build that runs, or what a dead one left. `live` False: half dropped. `table` is quoted, qualified."""

    valid: bool
    live: bool
    table: str
    definition: str

    @property
    def usable(self) -> bool:
        return self.valid and self.live


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """A running build: `done` of `total` in `unit`; both 0 where the phase does not count. `locker` is the pid of the
    transaction that it waits for, None where it works (or waits for a prepared transaction)."""

    phase: str
    waiting: bool
    locker: int | None
    done: int
    total: int
    unit: str


def index_state(session: Session, index: str) -> IndexState | None:
    """The state of an index by its quoted qualified name; None without one of that name."""
    rows = session.rows(_QUERIES["index_state"], {"index": index})
    return IndexState(**rows[0]) if rows else None


def invalid_indexes(session: Session, subject: str) -> dict[str, str]:
    """The indexes that are not valid on a table and its TOAST table (or on the table of an index): quoted qualified name to
    plain name."""
    return {row["name"]: row["short"] for row in session.rows(_QUERIES["indexes_of"], {"subject": subject})}


def possible_builders(session: Session, table: str, *, ours: Iterable[int] = (), sightings: Sightings | None = None) -> tuple[Blocker, ...]:
    """Who might be building an index on the table at this moment: every holder of a lock that conflicts with SHARE UPDATE
    EXCLUSIVE, which a build holds from its start to its end, autovacuum left out; the backend of a client that died is one, too.

    pg_stat_progress_create_index hides from an ordinary role what others build; locks are visible to everybody."""
    lock = Lock(table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    return tuple(h for h in conflicting_holders(session, (lock,), ours=ours, sightings=sightings) if not h.autovacuum)


def build_progress(session: Session, pid: int) -> BuildProgress | None:
    """How far the index build of the backend `pid` is; None where it builds none (or has not begun)."""
    rows = session.rows(_QUERIES["build_progress"], {"pid": pid})
    if not rows:
        return None
    row = rows[0]
    waiting = row["phase"].startswith("waiting")
    for unit in ("lockers",) if waiting else ("blocks", "tuples"):
        done, total = row[f"{unit}_done"] or 0, row[f"{unit}_total"] or 0
        if total:
            break
    return BuildProgress(row["phase"], waiting, row["locker"], done, total, "transactions" if unit == "lockers" else unit)
