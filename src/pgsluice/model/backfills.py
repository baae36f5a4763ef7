"""Backfills as people steer them: their pace, what is wanted of them, and how far they are."""

from dataclasses import dataclass
from enum import StrEnum

from pgsluice.model.steps import Fill


class PaceName(StrEnum):
    """How much of the server a backfill takes."""

    GENTLE = "gentle"
    """Batches of 5 ms, three quarters of the time at rest."""
    NORMAL = "normal"
    """Batches of 20 ms, a third of the time at rest."""
    FULL = "full"
    """Batches of 20 ms, one after the other."""


class Wanted(StrEnum):
    RUN = "run"
    PAUSE = "pause"


class JobState(StrEnum):
    RUNNING = "running"
    """Under way, or interrupted where no living runner holds it."""
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Orders:
    """What the journal says that a backfill shall do; `pace` None: what its runner was started with."""

    wanted: Wanted = Wanted.RUN
    pace: PaceName | None = None


@dataclass(frozen=True, slots=True)
class News:
    """How far a backfill is. `share` of the first pass, from 0 to 1; `hot` the share of updates that stayed on their page; `wal_bytes`
    what the whole server has written meanwhile; `eta_s` None where it cannot be told yet; `waiting` the reason why it holds."""

    share: float = 0.0
    rows_per_s: float = 0.0
    hot: float = 0.0
    wal_bytes: int = 0
    eta_s: float | None = None
    waiting: str | None = None
    pace: PaceName = PaceName.NORMAL


@dataclass(frozen=True, slots=True)
class Bounds:
    """Beyond which a backfill holds or slows down: the age of what a standby shows, bytes of WAL a second, active sessions of others,
    while a query says true, and outside of a time of the day (22:00-06:00)."""

    lag_s: float = 10.0
    wal_rate: float | None = None
    active: int | None = None
    query: str | None = None
    during: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A backfill of the command line, as the journal keeps it. `sql` is the whole change as one statement; `search_path` are the
    schemas that its names are resolved in."""

    name: str
    sql: str
    fill: Fill
    search_path: tuple[str, ...] = ()
    skip_triggers: bool = False
    skip_failing: bool = False
