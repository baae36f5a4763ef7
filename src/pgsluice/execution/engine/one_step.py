"""One step, forward or back: said to the journal, handed to its handler, and looked up where nobody knows how it ended."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, sqlstate_of, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import Handler, Limits, OutcomeUnknownError, StepContext, StepResult
from pgsluice.execution.engine.tenure import Tenure, set_search_path
from pgsluice.execution.foreign.book import ForeignBook
from pgsluice.execution.journal import backfills
from pgsluice.execution.journal.recording import LEASE_LOST, batch_record, step_record
from pgsluice.model.errors import PgsluiceError, StepFailedError, StoppedError
from pgsluice.model.events import Event
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.progress import StepState
from pgsluice.model.steps import Step, StepKind

_NOT_REPEATABLE = re.compile(r"\A\s*(CALL|DO)\b", re.IGNORECASE)
"""What commits for itself, piece by piece: running it again may do a piece twice."""


@dataclass(frozen=True, slots=True)
class Direction:
    """The journal's state while the step is at work, and when it has ended well."""

    at_work: StepState
    ended: StepState


FORWARD = Direction(StepState.STARTED, StepState.DONE)
BACK = Direction(StepState.UNDOING, StepState.PENDING)
PREPARING = Direction(StepState.UNDOING, StepState.UNDOING)
"""What is done before a step is taken back, and again where that was interrupted."""


@dataclass(frozen=True, slots=True)
class Crew:
    """What all steps of a run share. `standbys` are watched as well; `checkpoint` raises where the run shall stop; `book` is
    another tool's, in which what is done is recorded, too."""

    tenure: Tenure
    limits: Limits
    report: Callable[[Event], None]
    standbys: tuple[Session, ...] = ()
    checkpoint: Callable[[], None] = lambda: None
    book: ForeignBook | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """A step of a migration, the way it goes, and the schemas that its names are resolved in. `again` are steps whose work goes with it:
    its transaction says that they are to be done again."""

    migration: str
    step: Step
    direction: Direction
    search_path: tuple[str, ...]
    again: tuple[str, ...] = ()

    def for_the_first_time(self) -> "Errand":
        """What stands there already is not ours: whether that is an error or fine (IF NOT EXISTS) the user's SQL says."""
        return replace(self, step=replace(self.step, done_when=None))

    @property
    def place(self) -> str:
        return f"{self.step.source.path}:{self.step.source.line} (migration {self.migration}, step {self.step.id})"


def carry_out(crew: Crew, errand: Errand, was: StepState) -> StepResult | None:
    """Does the step, durably. `was` is what the journal says before.

    Returns None where it turned out to be done already. Raises PatienceError, StepFailedError, StoppedError (the journal
    then still says `at_work`) and, where a connection was lost, OutcomeUnknownError or DatabaseError."""
    tenure, migration, step = crew.tenure, errand.migration, errand.step
    if _is_done(crew, errand, was):
        tenure.journal.end_step(migration, step.id, errand.direction.ended)
        return None
    tenure.journal.start_step(migration, step.id, errand.direction.at_work)
    try:
        result = _handle(crew, errand if was is not StepState.PENDING else errand.for_the_first_time())
    except DatabaseError as error:
        raise _in_words(errand, error) from error
    if step.transaction:
        _refuse_unrecorded(tenure, errand)
    tenure.journal.end_step(migration, step.id, errand.direction.ended)
    return result


def _is_done(crew: Crew, errand: Errand, was: StepState) -> bool:
    """Looks where the journal cannot know. A step's own transaction knows; the catalog is asked only about what was
    sent before: for a first try the user's SQL decides what it means that something is there already."""
    if was is errand.direction.ended:
        return True
    step = errand.step
    if step.transaction or was is StepState.PENDING:
        return False
    if step.done_when is not None:
        set_search_path(crew.tenure.work, errand.search_path)
        return bool(crew.tenure.work.value(step.done_when))
    if step.kind is StepKind.OUTSIDE and was is errand.direction.at_work and _NOT_REPEATABLE.match(step.sql):
        raise _ask(errand)
    return False


def _ask(errand: Errand) -> StepFailedError:
    where = f"WHERE migration = {literal(errand.migration)} AND id = {literal(errand.step.id)}"
    return StepFailedError(
        "outcome-unknown",
        "the statement was sent, the connection was lost, and nothing in the catalog tells how far it came",
        where=errand.place,
        next="look for yourself. If it has done its work: "
        f"UPDATE pgsluice.step SET state = {literal(errand.direction.ended)} {where}; "
        f"if it may run again: UPDATE pgsluice.step SET state = 'failed' {where}; then run again",
    )


def _handle(crew: Crew, errand: Errand) -> StepResult:
    tenure, step = crew.tenure, errand.step
    set_search_path(tenure.work, errand.search_path)
    context = _context(crew, errand)
    if step.session:
        tenure.stain_work()
    return handler_of(step.kind)(context)


def _context(crew: Crew, errand: Errand) -> StepContext:
    tenure, way = crew.tenure, errand.direction

    def checkpoint() -> None:
        if tenure.lost:
            raise OutcomeUnknownError("the control session was lost", tenure.control.pid, where=errand.place)
        crew.checkpoint()

    return StepContext(
        work=tenure.work,
        watch=tenure.watch,
        limits=crew.limits,
        report=crew.report,
        migration=errand.migration,
        step=errand.step,
        record_sql=lambda: step_record(tenure.fence, errand.migration, errand.step.id, way.at_work, way.ended, errand.again),
        standbys=crew.standbys,
        ours=frozenset({tenure.control.pid}),
        record_batch=lambda worker, cursor, rows: batch_record(tenure.fence, errand.migration, errand.step.id, cursor, rows, worker=worker),
        position=lambda worker: backfills.position(tenure.control, errand.migration, errand.step.id, worker),
        helpers=lambda count: tenure.helpers(count, errand.search_path),
        checkpoint=checkpoint,
    )


def handler_of(kind: StepKind) -> Handler:
    """The `handle` of the module that is named like the kind."""
    handler: Handler = import_module(f"pgsluice.execution.engine.handlers.{kind.value}").handle
    return handler


def _refuse_unrecorded(tenure: Tenure, errand: Errand) -> None:
    """The step's transaction must have written its row; a COMMIT or ROLLBACK hidden in its SQL would cut it off."""
    if tenure.journal.step_state(errand.migration, errand.step.id) is not errand.direction.ended:
        raise StepFailedError(
            "step-not-recorded",
            "the step ended, but its transaction did not leave its row in the journal: it must not end transactions itself",
            where=errand.place,
            next="see what it has done; take COMMIT and ROLLBACK out of the statement",
        )


def _in_words(errand: Errand, error: DatabaseError) -> PgsluiceError | DatabaseError:
    """What a handler let through; a lost connection stays what it is."""
    if sqlstate_of(error) == LEASE_LOST:
        return StoppedError("lease-lost", "another run took over this database", where=errand.place, next="see `pgsluice status`")
    if trouble_of(error) is Trouble.CONNECTION_LOST:
        return error
    return StepFailedError(
        "statement-failed",
        f"the server refused: {message_of(error)}",
        where=errand.place,
        next="correct the cause and run again, or roll back",
    )
