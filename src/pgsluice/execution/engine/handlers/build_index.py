"""BUILD_INDEX: CREATE INDEX CONCURRENTLY, with the invalid index that an unfinished build leaves taken away before and after."""

import time

from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.engine.concurrent import Concurrently
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.monitor.builds import IndexState, index_state
from pgsluice.model.errors import StepFailedError
from pgsluice.model.events import Notice

TRIES = 3
"""A build that is the victim of a deadlock (with somebody who waits for us and holds a snapshot) is begun anew."""


def handle(context: StepContext) -> StepResult:
    """Builds `step.subject`; see `Handler` for what it raises. After a failure no invalid index is left."""
    began, concurrently, index = time.monotonic(), Concurrently(context), _subject(context)
    attempts, deadlock = 0, True
    while deadlock and attempts < TRIES:
        attempts += 1
        context.checkpoint()
        state = _settled(context, concurrently, index)
        failure = None if state and _is_done(context, index, state) else concurrently.run(context.step.sql)
        _settled(context, concurrently, index)
        deadlock = failure is not None and trouble_of(failure) is Trouble.DEADLOCK
    _refuse(context, concurrently, index, failure)
    return StepResult(time.monotonic() - began, attempts=attempts)


def _subject(context: StepContext) -> str:
    assert context.step.subject is not None, "a step of this kind names its index"
    return context.step.subject


def _settled(context: StepContext, concurrently: Concurrently, index: str) -> IndexState | None:
    """The valid index that stands there, None without one: a build that runs is awaited, a leftover is dropped."""
    state = index_state(context.watch, index)
    if state is not None and not state.usable:
        concurrently.drop_leftovers([index], state.table)
        state = index_state(context.watch, index)
    return state


def _is_done(context: StepContext, index: str, state: IndexState) -> bool:
    """Whether the valid index of that name is the one that the step makes. Without `done_when` nobody can tell: then the
    server's own words decide (an error, or nothing with IF NOT EXISTS)."""
    step = context.step
    if step.done_when is None or not context.watch.value(step.done_when):
        return False
    context.report(Notice(context.migration, step.id, f"index {index} stands already: {state.definition}"))
    return True


def _refuse(context: StepContext, concurrently: Concurrently, index: str, failure: DatabaseError | None) -> None:
    """Raises StepFailedError where the build failed, or the index is not there and valid in spite of what the server said."""
    if failure is not None:
        raise concurrently.failed(failure, f"index {index} could not be built") from failure
    state = index_state(context.watch, index)
    if state is None or not state.usable:
        raise StepFailedError(
            "index-not-valid",
            f"the server reported index {index} as built, but it is {'missing' if state is None else 'not valid'}",
            where=context.place,
            next="run again",
        )
