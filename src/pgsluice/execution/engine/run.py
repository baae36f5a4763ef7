"""A run on one database: what is left to do, then doing it, under one lease."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType

from pgsluice.execution.backfill.signals import bounds_of, try_query
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import Limits
from pgsluice.execution.engine.gate import pass_gate
from pgsluice.execution.engine.history import Todo, is_pending, left_to_do
from pgsluice.execution.engine.one_step import Crew
from pgsluice.execution.engine.preflight.publications import check_publications
from pgsluice.execution.engine.progression import run_migration, waits
from pgsluice.execution.engine.tenure import Connect, Tenure
from pgsluice.execution.engine.undo import Ask, roll_back
from pgsluice.execution.foreign.book import ForeignBook
from pgsluice.execution.journal.installation import installed_version
from pgsluice.execution.journal.store import Journal
from pgsluice.execution.journal.stored_plan import StoredPlan
from pgsluice.model.backfills import PaceName
from pgsluice.model.errors import RefusedError
from pgsluice.model.events import Event
from pgsluice.model.plan import PhaseName, Plan
from pgsluice.model.progress import MigrationFile, MigrationProgress, MigrationState
from pgsluice.model.settings import Settings
from pgsluice.model.steps import Step

AT_GATE = (MigrationState.WAITING, MigrationState.DONE)
"""Where contract goes on, or has nothing to do; one that failed or is being rolled back must be run to the gate first."""


class Run:
    """Holds the lease on a database from `with` to the end of its block.

        with Run(connect, settings, report) as run:
            todo = run.left_to_do(files)
            run.resume(todo)
            run.apply(plan_of(todo.fresh))

    `connect` opens a session for `control`, `work` or `watch`. `report` takes events, from several threads, and never
    raises. `wait_s`: how long to wait for another run. `checkpoint` is called between steps and attempts, and raises
    StoppedError where the run shall stop. Nothing is changed, and no journal is made, before the first call that must.

    Raises UsageError `bad-option`; entering PatienceError `another-run`, UsageError `bad-query` and ConnectionFailedError."""

    def __init__(
        self,
        connect: Connect,
        settings: Settings,
        report: Callable[[Event], None],
        *,
        wait_s: float = 0.0,
        standbys: Sequence[Session] = (),
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._wait_s = settings, wait_s
        self._tenure = Tenure(connect, report, settings.patience)
        pace, self._bounds = PaceName(settings.pace), bounds_of(settings)
        limits = Limits(settings.stall_budget, settings.patience, settings.cancel_idle, pace, settings.workers, self._bounds)
        self._crew = Crew(self._tenure, limits, report, tuple(standbys), checkpoint)
        self._settled = False

    def __enter__(self) -> "Run":
        try:
            self._tenure.begin(self._wait_s)
            if self._bounds.query is not None:
                try_query(self._tenure.control, self._bounds.query)
        except BaseException:
            self._tenure.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._tenure.end()

    def record_as(self, open_: Callable[[Session], ForeignBook]) -> None:
        """What is done from here on is recorded in another tool's table, too; raises as `open_book`."""
        self._crew = replace(self._crew, book=open_(self._tenure.control))

    def history(self) -> tuple[MigrationProgress, ...]:
        """What the journal knows, in the order in which migrations began; nothing without a journal."""
        if installed_version(self._tenure.control) is None:
            return ()
        return Journal(self._tenure.control).migrations()

    def left_to_do(self, files: Sequence[MigrationFile]) -> Todo:
        """What is to be done with these files, which are in the order in which they run; raises as `left_to_do` there."""
        return left_to_do(self._tenure.control, self.history(), files, self._settings.start_after, from_start=self._settings.from_start)

    def adopt(self, files: Sequence[MigrationFile]) -> None:
        """Records migrations as applied without running them, all or none."""
        if files:
            self._settle((), ())
            self._tenure.journal.adopt(files)

    def resume(self, names: Sequence[str]) -> None:
        """Goes on with migrations that have begun, in order, each from its stored plan, through the phase of the settings.

        Raises as `run_migration`, and RefusedError `contract-order`."""
        for name in names:
            self._resume(name, PhaseName(self._settings.through))

    def apply(self, plan: Plan) -> None:
        """Runs the migrations of a plan, one after the other, through the phase of the settings. Raises as `run_migration`."""
        if not plan.migrations:
            return
        through = PhaseName(self._settings.through)
        steps = [step for migration in plan.migrations for _, step in migration.steps(through)]
        self._settle(steps, plan.search_path)
        for migration in plan.migrations:
            run_migration(self._crew, StoredPlan(migration, plan.search_path, plan.server_version), through)

    def contract(self, name: str) -> None:
        """Passes the gate of one migration: the old release is gone. Raises as `resume`, RefusedError `not-at-gate`, and StoppedError
        `old-shape-in-use`. One that was let through before, and broken off, is not looked at again."""
        history = self.history()
        record = next((r for r in history if r.name == name), None)
        if record is None or is_pending(record) or (record.state not in AT_GATE and record.through is not PhaseName.CONTRACT):
            raise RefusedError(
                "not-at-gate",
                f"migration {name} {'has not run' if record is None else f'is {record.state}'}: it does not wait for contract",
                next="`pgsluice run` first; `pgsluice status` names what waits",
            )
        _refuse_contract_before(history, record)
        if record.through is not PhaseName.CONTRACT and record.waiting:
            pass_gate(self._tenure.control, record, self._settings, self._crew.report)
        self._resume(name, PhaseName.CONTRACT)

    def roll_back(self, name: str, ask: Ask) -> None:
        """Takes a migration back; raises as `roll_back` there."""
        self._settle((), ())
        roll_back(self._crew, name, ask)

    def _resume(self, name: str, through: PhaseName) -> None:
        if self._crew.book is not None:
            self._crew.book.expect(name)
        records = self.history()
        record = next(r for r in records if r.name == name)
        if not waits(record, through):
            return
        if through is PhaseName.CONTRACT:
            _refuse_contract_before(records, record)
        plan = Journal(self._tenure.control).plan(name)
        entered = [step for phase, step in plan.migration.steps(through) if phase in _not_asked_for(record)]
        self._settle(entered, plan.search_path)
        run_migration(self._crew, plan, through)

    def _settle(self, steps: Sequence[Step], search_path: Sequence[str]) -> None:
        """Before the first change: the subscribers; then the journal and the lease's number."""
        check_publications(self._tenure.control, steps, search_path, ready=self._settings.subscribers_ready)
        if not self._settled:
            self._tenure.settle()
            self._settled = True


def _not_asked_for(record: MigrationProgress) -> list[PhaseName]:
    phases = list(PhaseName)
    return phases if record.through is None else phases[phases.index(record.through) + 1 :]


def _refuse_contract_before(records: Sequence[MigrationProgress], record: MigrationProgress) -> None:
    """What an earlier migration would destroy may be what a later one's contract relies on."""
    standing = (r for r in records if r.order < record.order and not is_pending(r))
    earlier = [r.name for r in standing if any(s.phase is PhaseName.CONTRACT for s in r.waiting)]
    if earlier:
        raise RefusedError(
            "contract-order",
            f"migration {record.name} cannot be contracted before {', '.join(earlier)}",
            next=f"`pgsluice contract {earlier[0]}` first",
        )
