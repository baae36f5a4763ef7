"""DETACH: DETACH PARTITION ... CONCURRENTLY; interrupted, it leaves the partition half detached, and has to be finalized."""

import time
from dataclasses import replace

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.engine.concurrent import Concurrently
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.engine.handlers.strike import handle as strike
from pgsluice.model.steps import StepKind

_QUERIES = named_queries(__package__)


def handle(context: StepContext) -> StepResult:
    """Detaches the partition; see `Handler` for what it raises. What an earlier attempt, or one that was cancelled for the application's
    sake, has left half detached is finalized by a strike: that is brief, as nobody uses the partition through its parent any more."""
    began, failure = time.monotonic(), None
    concurrently = Concurrently(context, vital=True)
    if _half_detached(context) is None:
        failure = concurrently.run(context.step.sql)
    parent = _half_detached(context)
    if parent is not None:
        sql = f"ALTER TABLE {parent} DETACH PARTITION {context.step.subject} FINALIZE"
        return strike(replace(context, step=replace(context.step, kind=StepKind.STRIKE, sql=sql)))
    if failure is not None:
        raise concurrently.failed(failure, f"{context.step.subject} could not be detached") from failure
    return StepResult(time.monotonic() - began)


def _half_detached(context: StepContext) -> str | None:
    """The table from which the step's partition is about to be detached, quoted and qualified; None where it is not half-way."""
    parent: str | None = context.watch.value(_QUERIES["detach_pending"], {"partition": context.step.subject})
    return parent
