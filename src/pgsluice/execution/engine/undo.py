"""Taking a migration back: its steps in reverse, each by its Undo, as far as that goes."""

from collections.abc import Callable, Sequence
from functools import partial

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.engine.backward import backward, prepare
from pgsluice.execution.engine.history import is_pending
from pgsluice.execution.engine.one_step import BACK, Crew, Errand, carry_out
from pgsluice.execution.engine.persistence import persist
from pgsluice.execution.engine.states import follow, may_follow
from pgsluice.execution.engine.tenure import set_search_path
from pgsluice.execution.journal.stored_plan import StoredPlan
from pgsluice.model.errors import PatienceError, RefusedError, StepFailedError, StoppedError
from pgsluice.model.events import MigrationStarted, Notice, StepDone, StepSkipped, StepStarted
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import Loss, MigrationProgress, MigrationState, StepState
from pgsluice.model.steps import Step, Undo

Ask = Callable[[tuple[Loss, ...]], bool]
"""Shown what rows would be destroyed; True: go ahead."""


def roll_back(crew: Crew, name: str, ask: Ask) -> None:
    """Takes back every step of the migration that is done or may be, the last one first; it is pending afterwards.

    Rows that would be lost are counted first, and `ask` is called where there are any. A rollback that died goes on.
    Raises RefusedError `unknown-migration`, `contracted`, `not-the-latest`, `nothing-to-roll-back`; StoppedError
    `rollback-declined` (nothing was changed by this call); StepFailedError `no-undo` at a step that cannot be taken back
    (those after it are, and none before it); PatienceError and StepFailedError of a step."""
    _refuse(crew.tenure.journal.migrations(), name)
    agreed: list[bool] = []

    def ask_once(losses: tuple[Loss, ...]) -> bool:
        """Who agreed is not asked again because a connection was lost meanwhile."""
        if not agreed and ask(losses):
            agreed.append(True)
        return bool(agreed)

    persist(crew, name, lambda: _take_back(crew, name, ask_once))


def _take_back(crew: Crew, name: str, ask: Ask) -> None:
    record = crew.tenure.journal.migration(name)
    if record is None or record.state is MigrationState.ROLLED_BACK:
        return  # its last word was written before the connection was lost
    plan = crew.tenure.journal.plan(name)
    going, stop = _reachable(plan, record)
    losses = _losses(crew, plan, going)
    if losses and not ask(losses):
        raise StoppedError("rollback-declined", f"migration {name} was not rolled back", next="its rows are as they were")
    crew.tenure.journal.move(name, record.state, follow(record.state, MigrationState.ROLLING_BACK))
    crew.report(MigrationStarted(name, "", len(going), record.state is MigrationState.ROLLING_BACK))
    for number, (phase, step, was) in enumerate(going, 1):
        crew.checkpoint()
        crew.report(StepStarted(name, step.id, phase.value, _undo(step).kind.value, _undo(step).sql, number, len(going)))
        _take_step_back(crew, plan, step, was)
    _end(crew, name, stop)


def _refuse(records: Sequence[MigrationProgress], name: str) -> None:
    """Only the latest that stands may be taken back, and only while it is not contracted."""
    record = next((r for r in records if r.name == name), None)
    if record is None:
        raise RefusedError("unknown-migration", f"the journal has no migration {name!r}", next="`pgsluice status` names them")
    if record.contracted:
        raise RefusedError("contracted", f"migration {name} is contracted: what the old release used is gone", next="write a new migration")
    # one that failed before it changed anything may be taken back too: then it is only said to be pending
    if not may_follow(record.state, MigrationState.ROLLING_BACK):
        raise RefusedError(
            "nothing-to-roll-back", f"migration {name} is {record.state}", next="`pgsluice status` shows what can be rolled back"
        )
    later = [r.name for r in records if r.order > record.order and not is_pending(r)]
    if later:
        raise RefusedError(
            "not-the-latest",
            f"migration {name} cannot be rolled back while later ones stand: {', '.join(later)}",
            next=f"roll back {later[-1]} first",
        )


def _reachable(plan: StoredPlan, record: MigrationProgress) -> tuple[list[tuple[PhaseName, Step, StepState]], Step | None]:
    """The steps to take back, the last one first, and the one without an undo at which it stops."""
    states = {step.id: step.state for step in record.steps}
    going: list[tuple[PhaseName, Step, StepState]] = []
    for phase, step in reversed(list(plan.migration.steps())):
        state = states[step.id]
        if state is StepState.PENDING or (step.transaction and state in (StepState.STARTED, StepState.FAILED)):
            continue
        if step.undo is None:
            return going, step
        going.append((phase, step, state))
    return going, None


def _losses(crew: Crew, plan: StoredPlan, going: Sequence[tuple[PhaseName, Step, StepState]]) -> tuple[Loss, ...]:
    work, name, found = crew.tenure.work, plan.migration.name, list[Loss]()
    set_search_path(work, plan.search_path)
    for _, step, _ in going:
        for what, query in _undo(step).loses:
            try:
                rows = int(work.value(query) or 0)
            except DatabaseError as error:
                if trouble_of(error) is Trouble.CONNECTION_LOST:
                    raise
                raise _uncounted(name, step, what, error) from error
            if rows > 0:
                found.append(Loss(step.id, what, rows))
    return tuple(found)


def _uncounted(migration: str, step: Step, what: str, error: DatabaseError) -> RefusedError:
    return RefusedError(
        "losses-unknown",
        f"how many rows would be lost ({what}) cannot be counted: {message_of(error)}",
        where=f"migration {migration}, step {step.id}",
        next="nothing was changed; see whether what the step made still stands as it was made",
    )


def _take_step_back(crew: Crew, plan: StoredPlan, step: Step, was: StepState) -> None:
    name, undo = plan.migration.name, _undo(step)
    try:
        prepare(crew, name, step, undo.first, plan.search_path)
        if not undo.sql.strip():
            crew.tenure.journal.end_step(name, step.id, StepState.PENDING)
            crew.report(StepSkipped(name, step.id, "nothing to take back"))
            return
        result = carry_out(crew, Errand(name, backward(step, undo), BACK, plan.search_path, undo.again), was)
    except (PatienceError, StepFailedError) as error:
        _record_failure(crew, name, step, error)
        raise
    if result is None:
        crew.report(StepSkipped(name, step.id, "found taken back"))
    else:
        crew.report(StepDone(name, step.id, result.duration_s, result.held_ms, result.attempts))


def _undo(step: Step) -> Undo:
    if step.undo is None:
        raise ValueError(f"step {step.id} has no undo")
    return step.undo


def _record_failure(crew: Crew, migration: str, step: Step, error: PatienceError | StepFailedError) -> None:
    journal, why = crew.tenure.journal, str(error)
    try:
        journal.end_step(migration, step.id, StepState.UNDOING, why)
        journal.move(migration, MigrationState.ROLLING_BACK, MigrationState.ROLLING_BACK, error=why)
    except DatabaseError as lost:
        error.add_note(f"this could not be written to the journal: {lost}")


def _end(crew: Crew, migration: str, stop: Step | None) -> None:
    becomes = MigrationState.ROLLED_BACK if stop is None else MigrationState.ROLLBACK_STOPPED
    book, also = crew.book, None
    if stop is None and book is not None:
        left = [r.name for r in crew.tenure.journal.migrations() if r.name != migration and not is_pending(r)]
        also = partial(book.undone, name=migration, left=left)
    crew.tenure.journal.move(migration, MigrationState.ROLLING_BACK, follow(MigrationState.ROLLING_BACK, becomes), also=also)
    if stop is None:
        crew.report(Notice(migration, "", "rolled back: it is pending again"))
        return
    raise StepFailedError(
        "no-undo",
        f"rollback stopped at step {stop.id}, which cannot be taken back ({' '.join(stop.sql.split())[:100]});"
        " the steps after it are taken back, it and those before it stand",
        where=f"{stop.source.path}:{stop.source.line} (migration {migration})",
        next="run again to go forward, or mend the data by hand",
    )
