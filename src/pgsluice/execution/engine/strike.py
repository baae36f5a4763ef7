"""Watch, then strike: the only way in which a lock that blocks the application is taken."""

import time
from collections import deque

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.engine import strike_sql
from pgsluice.execution.engine.attempt import Attempt, Outcome, prepare, strike_once
from pgsluice.execution.engine.cadence import Cadence
from pgsluice.execution.engine.context import StepContext, StepResult
from pgsluice.execution.engine.lookout import Lookout
from pgsluice.execution.engine.passage import Passage
from pgsluice.execution.engine.refusals import exceeds_budget, lost, patience_spent
from pgsluice.execution.monitor.waiting import activity_of
from pgsluice.model.activity import Blocker
from pgsluice.model.events import StrikeFailed

TOO_LONG_TRIES = 3
"""The first run of a statement may be slow because nothing is cached yet; the third time it is the statement."""

REMEMBERED = 3
"""Of so many strikes that waited for somebody it is known for whom: the last one may have met a query that merely passed."""


class Strike:
    """One step's strikes until one succeeds, patience ends, or the work shows itself as too long."""

    def __init__(self, context: StepContext) -> None:
        self._context = context
        self._lookout = Lookout(context)
        self._passage = Passage(context)
        self._met: deque[tuple[Blocker, ...]] = deque(maxlen=REMEMBERED)
        self._cadence = Cadence(context.limits.stall_budget_s, time.monotonic())
        self._attempts = 0
        self._too_long = 0

    def run(self) -> StepResult:
        """Returns when the step is committed; raises as Handler says. The work session is never left in a transaction."""
        began = time.monotonic()
        try:
            while True:
                attempt = self._next()
                if attempt is not None and attempt.outcome is Outcome.DONE:
                    return StepResult(time.monotonic() - began, attempt.held_ms, self._attempts)
        finally:
            self._passage.release()

    def _next(self) -> Attempt | None:
        """One look, and what follows from it; None where that was no strike."""
        self._context.checkpoint()
        holders = self._lookout.look()
        if self._passage.stale:
            self._passage.release()
        if self._passage.wanted(holders):
            self._passage.take(holders)
            return None
        lock_ms = self._cadence.lock_ms(holders, time.monotonic())
        if lock_ms is None:
            self._wait(holders)
            return None
        attempt = self._strike(lock_ms)
        if attempt.outcome is not Outcome.DONE:
            self._failed(attempt, lock_ms, holders)
        return attempt

    def _wait(self, holders: tuple[Blocker, ...]) -> None:
        if self._lookout.waited_s > self._context.limits.patience_s:
            raise patience_spent(self._context, self._in_the_way(holders), self._lookout.waited_s, self._attempts)
        time.sleep(self._lookout.pause_s)

    def _strike(self, lock_ms: int) -> Attempt:
        """In a transaction of its own, or in the passage's after its savepoint."""
        self._attempts += 1
        try:
            prepare(self._context, "" if self._passage.held else strike_sql.opening(self._context.version))
            return strike_once(self._context, lock_ms)
        except DatabaseError as error:
            return _unprepared(self._context, error)
        finally:
            self._undo()

    def _undo(self) -> None:
        work = self._context.work
        if work.in_transaction:
            work.run(f"ROLLBACK TO SAVEPOINT {strike_sql.SAVEPOINT}" if self._passage.held else "ROLLBACK")

    def _in_the_way(self, holders: tuple[Blocker, ...]) -> tuple[Blocker, ...]:
        """Those that we see, and those for whom the last strikes waited, though nobody expected them."""
        unexpected = (blocker for met in reversed(self._met) for blocker in met)
        return tuple({blocker.pid or blocker.gid: blocker for blocker in (*unexpected, *holders)}.values())

    def _failed(self, attempt: Attempt, lock_ms: int, holders: tuple[Blocker, ...]) -> None:
        context = self._context
        met = activity_of(context.watch, attempt.sighting.blockers)
        if met:  # on a busy machine the belt may come too late to see a wait of 20 ms
            self._met.append(met)
        named = "; ".join(blocker.describe() for blocker in met)
        why = f"{attempt.why}; it waited for {named}" if named else attempt.why
        context.report(StrikeFailed(context.migration, context.step.id, self._attempts, lock_ms, why))
        self._cadence.failed(lock_ms, time.monotonic())
        self._too_long += attempt.outcome is Outcome.TOO_LONG
        if self._too_long >= TOO_LONG_TRIES:
            raise exceeds_budget(context, TOO_LONG_TRIES, attempt.why)
        if self._lookout.waited_s > context.limits.patience_s:
            raise patience_spent(context, self._in_the_way(holders), self._lookout.waited_s, self._attempts)


def _unprepared(context: StepContext, error: DatabaseError) -> Attempt:
    """What came before the strike failed: nothing was locked. Raises what will not pass by itself."""
    match trouble_of(error):
        case Trouble.CONNECTION_LOST:
            raise lost(context, error) from error
        case Trouble.LOCK_TIMEOUT | Trouble.CANCELLED | Trouble.DEADLOCK | Trouble.SERIALIZATION:
            return Attempt(Outcome.TRY_AGAIN, why=f"before the strike: {message_of(error)}")
    raise error
