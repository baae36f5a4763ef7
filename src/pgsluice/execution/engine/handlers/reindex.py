"""REINDEX: REINDEX ... CONCURRENTLY, with the transient indexes that an unfinished one leaves taken away before and after."""

import re
import time
from collections.abc import Iterable

from pgsluice.execution.db.errors import Trouble, trouble_of
from pgsluice.execution.engine.concurrent import Concurrently
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.monitor.builds import index_state, invalid_indexes

_TRANSIENT = re.compile(r"_cc(new|old)[0-9]*\Z")
"""The suffixes that ReindexRelationConcurrently gives (src/backend/commands/indexcmds.c)."""


TRIES = 3
"""One that is the victim of a deadlock is begun anew."""


def handle(context: StepContext) -> StepResult:
    """Rebuilds the index, or the indexes of a table, schema or database; see `Handler` for what it raises. After a failure no
    `_ccnew` or `_ccold` index is left."""
    began, concurrently, step = time.monotonic(), Concurrently(context), context.step
    subjects = [step.subject] if step.subject else sorted({lock.relation for lock in step.locks})
    attempts, deadlock = 0, True
    while deadlock and attempts < TRIES:
        attempts += 1
        context.checkpoint()
        _drop_transient(context, concurrently, subjects)
        failure = concurrently.run(step.sql)
        deadlock = failure is not None and trouble_of(failure) is Trouble.DEADLOCK
    _drop_transient(context, concurrently, subjects)
    if failure is not None:
        raise concurrently.failed(failure, f"{step.subject or step.sql} could not be reindexed") from failure
    return StepResult(time.monotonic() - began, attempts=attempts)


def _drop_transient(context: StepContext, concurrently: Concurrently, subjects: Iterable[str]) -> None:
    """An index of the user's own that is not valid is left alone: REINDEX is what makes it valid."""
    for subject in subjects:
        found = [name for name, short in invalid_indexes(context.watch, subject).items() if _TRANSIENT.search(short)]
        state = index_state(context.watch, subject)
        concurrently.drop_leftovers(found, subject if state is None else state.table)
