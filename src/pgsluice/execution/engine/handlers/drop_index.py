"""DROP_INDEX: DROP INDEX CONCURRENTLY; interrupted, it leaves an index that is not valid, and may simply run again."""

import time

from pgsluice.execution.engine.concurrent import Concurrently
from pgsluice.execution.engine.context import StepContext, StepResult


def handle(context: StepContext) -> StepResult:
    """Drops the index; see `Handler` for what it raises. It waits for every transaction that uses the table, blocking none."""
    began, concurrently = time.monotonic(), Concurrently(context)
    failure = concurrently.run(context.step.sql)
    if failure is not None:
        raise concurrently.failed(failure, f"index {context.step.subject} could not be dropped") from failure
    return StepResult(time.monotonic() - began)
