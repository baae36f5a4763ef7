"""One migration, from where it stands through the phase that is asked for."""

import time
from collections.abc import Iterator

from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.engine.backward import prepare
from pgsluice.execution.engine.history import is_pending, runs_again
from pgsluice.execution.engine.one_step import FORWARD, Crew, Errand, carry_out
from pgsluice.execution.engine.persistence import persist
from pgsluice.execution.engine.preflight.lasting import check_lasting
from pgsluice.execution.engine.preflight.step_queries import check_step_queries, foresee_step_queries
from pgsluice.execution.engine.states import follow, settled
from pgsluice.execution.engine.tenure import set_search_path
from pgsluice.execution.journal.stored_plan import StoredPlan
from pgsluice.model.errors import PatienceError, StepFailedError
from pgsluice.model.events import GateReached, MigrationDone, MigrationStarted, StepDone, StepSkipped, StepStarted
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import MigrationProgress, MigrationState, StepState
from pgsluice.model.steps import Step, StepKind

_PHASES = list(PhaseName)


def run_migration(crew: Crew, plan: StoredPlan, through: PhaseName) -> None:
    """Runs the steps of `plan` through a phase: begins the migration, or goes on where the journal says that it stands.

    A migration that has begun runs its stored plan, whatever `plan` says, and at least through the phase that was asked
    for before. The preflights of all steps come before the first change, and what stands against later phases already is
    reported. Raises RefusedError (nothing was changed), PatienceError, StepFailedError, StoppedError; the journal then knows
    how far it came, and running again goes on."""
    began = time.monotonic()
    persist(crew, plan.migration.name, lambda: _progress(crew, plan, through, began))


def _progress(crew: Crew, plan: StoredPlan, through: PhaseName, began: float) -> None:
    name = plan.migration.name
    record = crew.tenure.journal.migration(name)
    again = runs_again(record, plan.migration.repeatable, plan.migration.checksum)
    if record is not None and settled(record.state) and not again:
        return
    pending = record is None or is_pending(record) or again
    stored = plan if pending else crew.tenure.journal.plan(name)
    asked = through if pending or record is None else _furthest(through, record.through)
    _preflight(crew, stored, _entered(stored, None if pending else record, asked))
    if pending:
        foresee_step_queries(crew.tenure.work, name, _left(stored, asked), crew.report)
    _begin(crew, stored, None if pending else record, asked)
    total = len(list(stored.migration.steps(asked)))
    crew.report(MigrationStarted(name, "", total, not pending))
    _steps(crew, stored, asked)
    _end(crew, stored, asked, time.monotonic() - began)


def waits(record: MigrationProgress, through: PhaseName) -> bool:
    """Whether running through this phase has anything to do for a migration that has begun."""
    if settled(record.state):
        return False
    steps = (s for s in record.steps if _PHASES.index(s.phase) <= _PHASES.index(_furthest(through, record.through)))
    return record.state is not MigrationState.WAITING or any(s.state is not StepState.DONE for s in steps)


def _furthest(asked: PhaseName, before: PhaseName | None) -> PhaseName:
    return asked if before is None else max(asked, before, key=_PHASES.index)


def _entered(plan: StoredPlan, record: MigrationProgress | None, through: PhaseName) -> list[Step]:
    """The steps of the phases that are entered for the first time now: earlier ones passed their preflights."""
    before = -1 if record is None or record.through is None else _PHASES.index(record.through)
    return [step for phase, step in plan.migration.steps(through) if _PHASES.index(phase) > before]


def _preflight(crew: Crew, plan: StoredPlan, steps: list[Step]) -> None:
    set_search_path(crew.tenure.work, plan.search_path)
    check_lasting(crew.tenure.work, plan.migration.name, steps)
    check_step_queries(crew.tenure.work, plan.migration.name, steps, crew.limits.patience_s, crew.report)


def _begin(crew: Crew, plan: StoredPlan, record: MigrationProgress | None, through: PhaseName) -> None:
    journal, name = crew.tenure.journal, plan.migration.name
    if record is None:
        journal.begin(plan, through)
    else:
        journal.move(name, record.state, follow(record.state, MigrationState.RUNNING), through=through)


def _steps(crew: Crew, plan: StoredPlan, through: PhaseName) -> None:
    steps = list(plan.migration.steps(through))
    for number, (phase, step) in enumerate(steps, 1):
        crew.checkpoint()
        was = crew.tenure.journal.step_state(plan.migration.name, step.id)
        if was is StepState.DONE or (was is StepState.UNDOING and step.transaction):
            if was is not StepState.DONE:
                _keep(crew, plan, step)
            crew.report(StepSkipped(plan.migration.name, step.id, "done before"))
            continue
        crew.report(StepStarted(plan.migration.name, step.id, phase.value, step.kind.value, step.sql, number, len(steps)))
        _step(crew, plan, step, was)


def _keep(crew: Crew, plan: StoredPlan, step: Step) -> None:
    """An undo that did not commit left a transactional step as it was; what was prepared for it goes."""
    name = plan.migration.name
    try:
        prepare(crew, name, step, step.undo.if_kept if step.undo is not None else (), plan.search_path)
    except (PatienceError, StepFailedError) as error:
        _record_failure(crew, name, step, error, StepState.UNDOING)
        raise
    crew.tenure.journal.end_step(name, step.id, StepState.DONE)


def _step(crew: Crew, plan: StoredPlan, step: Step, was: StepState) -> None:
    name = plan.migration.name
    if was is StepState.PENDING and step.kind is StepKind.BACKFILL:
        crew.tenure.journal.forget_backfill(name, step.id)  # of an attempt that was taken back: its rows are gone
    try:
        result = carry_out(crew, Errand(name, step, FORWARD, plan.search_path), was)
    except (PatienceError, StepFailedError) as error:
        _record_failure(crew, name, step, error)
        raise
    if result is None:
        crew.report(StepSkipped(name, step.id, "found done"))
    else:
        crew.report(StepDone(name, step.id, result.duration_s, result.held_ms, result.attempts))


def _record_failure(
    crew: Crew, migration: str, step: Step, error: PatienceError | StepFailedError, state: StepState = StepState.FAILED
) -> None:
    """Where even this cannot be written, the journal goes on saying that it runs: the next run finds a dead one."""
    journal, why = crew.tenure.journal, str(error)
    try:
        journal.end_step(migration, step.id, state, why)
        journal.move(migration, MigrationState.RUNNING, follow(MigrationState.RUNNING, MigrationState.FAILED), error=why)
    except DatabaseError as lost:
        error.add_note(f"this could not be written to the journal: {lost}")


def _end(crew: Crew, plan: StoredPlan, through: PhaseName, duration_s: float) -> None:
    name, left = plan.migration.name, list(_left(plan, through))
    becomes = MigrationState.WAITING if left else MigrationState.DONE
    book = crew.book
    also = None if book is None else lambda session: book.done(session, name)
    crew.tenure.journal.move(name, MigrationState.RUNNING, follow(MigrationState.RUNNING, becomes), also=also)
    crew.report(GateReached(name, "", tuple(step.sql for step in left)) if left else MigrationDone(name, "", duration_s))


def _left(plan: StoredPlan, through: PhaseName) -> Iterator[Step]:
    for phase, step in plan.migration.steps():
        if _PHASES.index(phase) > _PHASES.index(through):
            yield step
