"""How far everything is: what the journal knows, as plain frozen data, and what stands in the database unexplained.

Times are timezone-aware; durations are left to the reader. Names of states: `execution/engine/states.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pgsluice.model.backfills import JobState, News, Wanted
from pgsluice.model.gate import GateLook
from pgsluice.model.plan import PhaseName
from pgsluice.model.steps import StepKind


class MigrationState(StrEnum):
    """Where a migration stands. One that has no record, or is ROLLED_BACK, is pending."""

    RUNNING = "running"
    """Under way, or interrupted where no living run holds the lease."""
    FAILED = "failed"
    """A step failed; `run` goes on, `rollback` takes back."""
    WAITING = "waiting"
    """Everything asked for is done; later phases wait (the gate)."""
    DONE = "done"
    ROLLING_BACK = "rolling back"
    ROLLBACK_STOPPED = "rollback stopped"
    """Taken back as far as it can be: the next step to take back has no undo. `run` goes forward again."""
    ROLLED_BACK = "rolled back"
    ADOPTED = "adopted"
    """Applied before pgsluice came (--start-after, import-history); never run by us."""


class StepState(StrEnum):
    PENDING = "pending"
    STARTED = "started"
    """Sent, or about to be: after a crash only the catalog or the step's own transaction can tell."""
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """A migration as it stands in the user's directory: enough to tell whether it has run, and unchanged. `repeatable`: it runs
    again when it was edited."""

    name: str
    checksum: str
    path: str
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class StepProgress:
    """`sql` is that of the stored plan. `error` is the last attempt's, None after a success."""

    id: str
    phase: PhaseName
    kind: StepKind
    sql: str
    state: StepState
    attempts: int = 0
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """`migration` '': one of the command line, called `step`; only such have `state`, `error`, `sql`, and `alive` where somebody works
    on them. `bad_rows` could not be changed and were passed over; `news` None: it has not begun."""

    migration: str
    step: str
    rows_done: int
    updated_at: datetime
    wanted: Wanted = Wanted.RUN
    news: News | None = None
    bad_rows: int = 0
    state: JobState | None = None
    error: str | None = None
    sql: str | None = None
    alive: bool = False

    @property
    def name(self) -> str:
        """What `pause`, `resume` and `throttle` call it."""
        return f"{self.migration} {self.step}".strip()


@dataclass(frozen=True, slots=True)
class MigrationProgress:
    """`order` counts in the order in which migrations began. `through` is the last phase asked for so far; None for an
    adopted one, which has no steps either. `by` is the role that started it."""

    name: str
    checksum: str
    path: str
    order: int
    state: MigrationState
    through: PhaseName | None = None
    error: str | None = None
    by: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    steps: tuple[StepProgress, ...] = ()

    @property
    def changed_anything(self) -> bool:
        """Whether any step has left, or may have left, something behind."""
        return any(s.state is not StepState.PENDING and not self._unmade(s) for s in self.steps)

    @staticmethod
    def _unmade(step: StepProgress) -> bool:
        """A transactional step that is not done was rolled back by the server."""
        transactional = step.kind in (StepKind.STRIKE, StepKind.TRANSACTION)
        return transactional and step.state in (StepState.STARTED, StepState.FAILED)

    @property
    def contracted(self) -> bool:
        """Whether a step of `contract` is done or may be: then the old release is gone, and there is no way back."""
        return any(s.phase is PhaseName.CONTRACT and s.state is not StepState.PENDING and not self._unmade(s) for s in self.steps)

    @property
    def waiting(self) -> tuple[StepProgress, ...]:
        """The steps of phases that nobody has asked for yet."""
        phases = list(PhaseName)
        last = -1 if self.through is None else phases.index(self.through)
        return tuple(s for s in self.steps if phases.index(s.phase) > last and s.state is StepState.PENDING)


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who runs, or ran, migrations on this database. `alive`: its session stands. `fence` grows with each holder;
    `backends` are the process ids of its sessions in the server. `doing` is 'migration step', '' between steps."""

    fence: int
    host: str
    pid: int
    user: str
    role: str
    since: datetime
    doing: str
    backends: tuple[int, ...]
    alive: bool

    @property
    def died(self) -> bool:
        """Whether the run ended in the middle of a step without a word."""
        return not self.alive and bool(self.doing)

    def describe(self) -> str:
        """One line: who, where, since when, doing what."""
        doing = f", running {self.doing}" if self.doing else ""
        return f"{self.user}@{self.host} pid {self.pid} (role {self.role}) since {self.since:%Y-%m-%d %H:%M:%S%z}{doing}"


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that taking `step` back would destroy; `what` they are, in the plan's words."""

    step: str
    what: str
    rows: int


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something in the catalog that no run explains. `what` is such as 'invalid index' or 'helper constraint';
    `name` is quoted and qualified; `next` is what to do about it."""

    what: str
    name: str
    next: str


@dataclass(frozen=True, slots=True)
class Status:
    """One reading. `journal_version` None: there is no journal yet. `lease` is None where nobody ever ran. `gates`: a look at each
    migration that waits for `contract`."""

    journal_version: int | None
    migrations: tuple[MigrationProgress, ...] = ()
    backfills: tuple[BackfillProgress, ...] = ()
    lease: LeaseHolder | None = None
    leftovers: tuple[Leftover, ...] = ()
    gates: tuple[GateLook, ...] = ()

    @property
    def running_backfills(self) -> tuple[BackfillProgress, ...]:
        """Those that have not ended, interrupted ones among them."""
        over = {(m.name, s.id) for m in self.migrations for s in m.steps if s.state in (StepState.DONE, StepState.PENDING)}
        return tuple(b for b in self.backfills if b.state is not JobState.DONE and (b.migration, b.step) not in over)

    @property
    def waiting_for_contract(self) -> tuple[str, ...]:
        """Names of the migrations whose `contract` phase waits, in order."""
        waiting = (m for m in self.migrations if m.state is MigrationState.WAITING)
        return tuple(m.name for m in waiting if any(s.phase is PhaseName.CONTRACT for s in m.waiting))
