"""News of a run, for reporters. The journal is the truth; losing an event loses nothing."""

from dataclasses import dataclass

from pgsluice.model.activity import Blocker


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; `migration` and `step` are the ids they belong to ('' where there is none)."""

    migration: str
    step: str


@dataclass(frozen=True, slots=True)
class MigrationStarted(Event):
    steps: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    phase: str
    kind: str
    sql: str
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """`held_ms` is the time from the lock request to the end of COMMIT of a strike (0 for other kinds)."""

    duration_s: float
    held_ms: float = 0.0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class StepSkipped(Event):
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """We wait; `blockers` hold what we need. Sent once for each set of blockers, and again when it changes."""

    what: str
    blockers: tuple[Blocker, ...]
    waited_s: float


@dataclass(frozen=True, slots=True)
class StrikeFailed(Event):
    attempt: int
    lock_timeout_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """`done` of `total` in `unit` (blocks, rows); total None when unknown. `detail` is a phrase such as a phase."""

    done: int
    total: int | None
    unit: str
    detail: str


@dataclass(frozen=True, slots=True)
class Notice(Event):
    message: str


@dataclass(frozen=True, slots=True)
class GateReached(Event):
    """The run stopped before `contract`; `waiting` are the SQL texts of the steps that wait."""

    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MigrationDone(Event):
    duration_s: float
