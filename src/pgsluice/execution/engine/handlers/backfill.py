"""BACKFILL: a batched update, with its cursor in the journal."""

import time

from pgsluice.execution.backfill.fill import Worker, run_fill
from pgsluice.execution.backfill.overseer import Overseer
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.reins import Reins
from pgsluice.execution.backfill.signals import signals_of
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.engine.durable import make_durable
from pgsluice.execution.journal import backfills
from pgsluice.execution.throttle.throttle import Throttle
from pgsluice.model.backfills import Bounds, PaceName
from pgsluice.model.events import Notice


def handle(context: StepContext) -> StepResult:
    """Fills what `step.fill` says, from where the journal says; see `run_fill` for what it raises beyond `Handler`."""
    began, step = time.monotonic(), context.step
    assert step.fill is not None and context.record_batch is not None, "a step of this kind says what it fills, and is recorded"
    if step.session:
        context.work.run(step.session)
    name, tally = (context.migration, step.id), Tally()
    backfills.open_backfill(context.watch, *name)
    limits = FillLimits(stall_budget_s=context.limits.stall_budget_s, patience_s=context.limits.patience_s)
    reins = Reins(limits.at(PaceName.NORMAL), context.checkpoint)
    worker = Worker(context.work, context.record_batch, context.position())
    signals = signals_of(Bounds(), step.fill.table, lambda: [context.work.pid])
    with (
        Throttle(lambda: context.watch, signals, lambda text: context.report(Notice(*name, text)), lent=True) as throttle,
        Overseer(context.watch, reins, tally, name, PaceName.NORMAL, report=context.report, verdict=lambda: throttle.verdict),
    ):
        run_fill([worker], step.fill, reins, report=context.report, migration=context.migration, step=step.id, tally=tally)
    make_durable(context)
    return StepResult(time.monotonic() - began)
