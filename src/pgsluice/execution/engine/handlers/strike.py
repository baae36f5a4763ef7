"""STRIKE: brief work under a lock that blocks the application."""

import time
from dataclasses import replace

from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.engine.durable import make_durable
from pgsluice.execution.engine.strike import Strike


def handle(context: StepContext) -> StepResult:
    """Watches, strikes, and makes it durable; see `Handler` for what it raises."""
    began = time.monotonic()
    result = Strike(context).run()
    make_durable(context)
    return replace(result, duration_s=time.monotonic() - began)
