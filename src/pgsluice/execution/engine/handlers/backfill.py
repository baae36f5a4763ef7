"""BACKFILL: a batched update, with its cursors in the journal."""

import time
from collections.abc import Sequence
from functools import partial

from pgsluice.execution.backfill.fill import Worker
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.signals import signals_of
from pgsluice.execution.backfill.steered import run_steered
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.engine.durable import make_durable
from pgsluice.execution.journal import backfills
from pgsluice.execution.throttle.throttle import Throttle
from pgsluice.model.events import Notice


def handle(context: StepContext) -> StepResult:
    """Fills what `step.fill` says, from where the journal says; see `run_fill` for what it raises beyond `Handler`."""
    began, step = time.monotonic(), context.step
    assert step.fill is not None, "a step of this kind says what it fills"
    with context.helpers(0 if step.fill.key else context.limits.workers - 1) as more:
        sessions = (context.work, *more)
        if step.session:
            for session in sessions:
                session.run(step.session)
        backfills.open_backfill(context.watch, context.migration, step.id)
        _fill(context, sessions)
    make_durable(context)
    return StepResult(time.monotonic() - began)


def _fill(context: StepContext, sessions: Sequence[Session]) -> None:
    name, asked, fill = (context.migration, context.step.id), context.limits, context.step.fill
    assert fill is not None
    signals = signals_of(asked.bounds, fill.table, lambda: [session.pid for session in sessions])
    run_steered(
        [_worker(context, session, number) for number, session in enumerate(sessions)],
        fill,
        FillLimits(stall_budget_s=asked.stall_budget_s, patience_s=asked.patience_s),
        asked.pace,
        name,
        looks=context.watch,
        throttle=Throttle(lambda: context.watch, signals, lambda text: context.report(Notice(*name, text)), lent=True),
        tally=Tally(),
        report=context.report,
        checkpoint=context.checkpoint,
    )


def _worker(context: StepContext, session: Session, number: int) -> Worker:
    assert context.record_batch is not None, "what is filled is recorded"
    return Worker(session, partial(context.record_batch, number), context.position(number))
