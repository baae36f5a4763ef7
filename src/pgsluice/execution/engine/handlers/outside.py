"""OUTSIDE: any other statement that cannot run inside a transaction: VACUUM, ALTER SYSTEM, DETACH PARTITION CONCURRENTLY ..."""

import time

from pgsluice.execution.engine.concurrent import Concurrently
from pgsluice.execution.engine.context import StepContext, StepResult


def handle(context: StepContext) -> StepResult:
    """Runs the statement as it is, without a timeout, cancelled where application queries wait behind it; see `Handler`."""
    began, concurrently = time.monotonic(), Concurrently(context, vital=True)
    failure = concurrently.run(context.step.sql)
    if failure is not None:
        raise concurrently.failed(failure, "the server refused the step") from failure
    return StepResult(time.monotonic() - began)
