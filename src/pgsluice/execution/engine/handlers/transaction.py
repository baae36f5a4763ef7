"""TRANSACTION: one transaction whose locks block no application query: VALIDATE CONSTRAINT, CREATE TABLE, COMMENT ..."""

import random
import time
from enum import Enum

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.engine import strike_sql
from pgsluice.execution.engine.attempt import absorb_cancel, prepare
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.engine.durable import make_durable
from pgsluice.execution.engine.refusals import blocks_application, lost, patience_spent, refused
from pgsluice.execution.engine.vigil import Vigil
from pgsluice.execution.monitor.holders import conflicting_holders
from pgsluice.execution.monitor.waiting import deadlock_timeout_ms, lockable
from pgsluice.model.activity import Blocker
from pgsluice.model.events import StrikeFailed
from pgsluice.model.postgres.locks import LockMode

LOCK_MS = 20
"""For every lock that is not taken beforehand: should one of them block the application after all, this is how long it
may queue for it; as with a strike's first lock_timeout."""

GENTLE_MARGIN_MS = 4_000
"""How long beyond deadlock_timeout one wait for SHARE UPDATE EXCLUSIVE lasts before we look up to see whether to stop."""

HARM_TRIES = 3
PAUSE_S = 1.0


class _End(Enum):
    DONE = 1
    WAITED = 2
    HARMED = 3


def handle(context: StepContext) -> StepResult:
    """Runs the step in one transaction with its journal row; see `Handler` for what it raises."""
    began, attempts, harmed = time.monotonic(), 0, 0
    while True:
        context.checkpoint()
        attempts += 1
        vigil = Vigil(context)
        end, why = _attempt(context, vigil, began + context.limits.patience_s - time.monotonic())
        if end is _End.DONE:
            make_durable(context)
            return StepResult(time.monotonic() - began, attempts=attempts)
        harmed += end is _End.HARMED
        if vigil.harmed is not None and harmed >= HARM_TRIES:
            raise blocks_application(context, harmed, vigil.harmed.what)
        context.report(StrikeFailed(context.migration, context.step.id, attempts, LOCK_MS, why))
        waited_s = time.monotonic() - began
        if waited_s > context.limits.patience_s:
            raise patience_spent(context, _holders(context), waited_s, attempts)
        time.sleep(PAUSE_S * random.uniform(0.5, 1.5))


def _holders(context: StepContext) -> tuple[Blocker, ...]:
    return conflicting_holders(context.watch, context.step.locks, ours=context.own_pids)


def _attempt(context: StepContext, vigil: Vigil, patience_s: float) -> tuple[_End, str]:
    """One try; the server's message where it was not DONE. The work session is in no transaction afterwards."""
    work = context.work
    gentle = [lock.relation for lock in context.step.locks if lock.mode is LockMode.SHARE_UPDATE_EXCLUSIVE]
    tables = lockable(context.watch, gentle) if gentle else ()
    wait_ms = min(deadlock_timeout_ms(context.watch) + GENTLE_MARGIN_MS, max(LOCK_MS, int(patience_s * 1000)))
    failure: DatabaseError | None = None
    with vigil:
        try:
            work.run(f"{strike_sql.opening(context.version)};\n{strike_sql.gentle_locks(tables, wait_ms)}")
            prepare(context)
        except DatabaseError as error:
            failure, prepared = error, False
        else:
            failure, prepared = _work(context), True
    if vigil.harmed:
        absorb_cancel(context)
    if work.in_transaction:
        work.run("ROLLBACK")
    return (_End.DONE, "") if failure is None else _judge(context, vigil, failure, prepared)


def _work(context: StepContext) -> DatabaseError | None:
    """The step itself and COMMIT, as one message; what failed."""
    try:
        context.work.run(f"{strike_sql.timeouts(LOCK_MS, 0)};\n{context.step.sql}\n;COMMIT")
    except DatabaseError as error:
        return error
    return None


def _judge(context: StepContext, vigil: Vigil, failure: DatabaseError, prepared: bool) -> tuple[_End, str]:
    """Whether to try again; raises where that would not help."""
    trouble, why = trouble_of(failure), message_of(failure)
    if trouble is Trouble.CONNECTION_LOST:
        raise lost(context, failure) from failure
    if vigil.failure is not None and trouble is Trouble.CANCELLED:
        raise vigil.failure  # cancelled because nobody watched any more
    if vigil.harmed is not None and trouble is Trouble.CANCELLED:
        return _End.HARMED, f"cancelled: an application query waited behind it for {vigil.harmed.what}"
    if trouble in (Trouble.LOCK_TIMEOUT, Trouble.DEADLOCK, Trouble.SERIALIZATION) or (trouble is Trouble.CANCELLED and not prepared):
        return _End.WAITED, why
    if not prepared:
        raise failure  # the journal's business: the run loop knows its codes
    raise refused(context, failure) from failure
