"""What a handler is given to carry out one step, and what it gives back."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from pgsluice.execution.db.session import Session
from pgsluice.model.backfills import Bounds, PaceName
from pgsluice.model.errors import PgsluiceError
from pgsluice.model.events import Event
from pgsluice.model.postgres.versions import ServerVersion
from pgsluice.model.steps import Step


@dataclass(frozen=True, slots=True)
class Limits:
    """`stall_budget_s`: the most that any application query may wait because of us. `patience_s`: how long a step looks for a
    gap before it gives up. `cancel_idle_s`: end blockers that are idle in transaction for longer than this; None: end nobody.
    Backfills go at `pace` (gentle: one process builds an index, too) in so many `workers`, and hold or slow down beyond `bounds`."""

    stall_budget_s: float = 0.100
    patience_s: float = 600.0
    cancel_idle_s: float | None = None
    pace: PaceName = PaceName.NORMAL
    workers: int = 1
    bounds: Bounds = field(default_factory=Bounds)


def _nothing() -> None:
    return None


def _from_the_start(worker: int) -> str | None:
    return None


def _nobody(count: int) -> AbstractContextManager[Sequence[Session]]:
    return nullcontext(())


@dataclass(frozen=True, slots=True)
class StepContext:
    """Everything that one step needs.

    `work` runs the step. `watch` is a second connection of the same role: it looks, and it cancels `work` as the belt;
    the handler uses it from one other thread while `work` is busy. Neither is in a transaction when a handler starts, nor
    when it ends (after an error either). `standbys` are sessions on hot standbys that are watched as well.
    `record_sql` returns SQL that checks the fencing number (raising when it is lost) and writes this step's journal row as
    done. Handlers of transactional kinds (`Step.transaction`) run it in the step's own transaction; for all other kinds the
    run loop records the step after the handler has returned.
    `record_batch` (worker, cursor, SQL that counts the rows) returns SQL for the transaction of each batch of a backfill; `position`
    reads the cursor that the worker saved last, None without one. `helpers` opens so many more sessions like `work` for a while.
    `report` takes events from either thread and never raises. `checkpoint` is called between attempts, with no lock held that
    blocks the application: it raises StoppedError (or whatever the run loop wants to pass through) when the run shall stop.
    `ours` are further backends of this run (lease, heartbeat): they are never named as blockers."""

    work: Session
    watch: Session
    limits: Limits
    report: Callable[[Event], None]
    migration: str
    step: Step
    record_sql: Callable[[], str]
    standbys: tuple[Session, ...] = ()
    ours: frozenset[int] = frozenset()
    record_batch: Callable[[int, str, str], str] | None = None
    position: Callable[[int], str | None] = field(default=_from_the_start)
    helpers: Callable[[int], AbstractContextManager[Sequence[Session]]] = field(default=_nobody)
    checkpoint: Callable[[], None] = field(default=_nothing)

    @property
    def version(self) -> ServerVersion:
        return self.work.version

    @property
    def place(self) -> str:
        """Where an error happened, for people."""
        return f"{self.migration}, step {self.step.id} ({self.step.source.path}:{self.step.source.line})"

    @property
    def own_pids(self) -> frozenset[int]:
        """Every backend of this run."""
        return self.ours | {self.work.pid, self.watch.pid}


@dataclass(frozen=True, slots=True)
class StepResult:
    """`duration_s` is all of the handler's time, `held_ms` the time from the lock request to the end of COMMIT of the
    successful strike (0 for other kinds), `attempts` how often it was tried."""

    duration_s: float
    held_ms: float = 0.0
    attempts: int = 1


Handler = Callable[[StepContext], StepResult]
"""Carries a step out. Raises PatienceError (nothing changed), StepFailedError, StoppedError, or OutcomeUnknownError."""


class OutcomeUnknownError(PgsluiceError):
    """The connection died while the step ran: it may be done or not. The run loop reconnects, waits until the backend
    `pid` is gone, and looks: at the journal for a transactional step (its row is in the same transaction), at the catalog
    for the others."""

    def __init__(self, what: str, pid: int, *, where: str) -> None:
        super().__init__(
            "outcome-unknown", what, where=where, next="run again: pgsluice looks at the journal and the catalog before it goes on"
        )
        self.pid = pid
