"""Past a running autovacuum, as an ordinary role and without harm to the application.

Autovacuum gives way only to a waiter that has waited for deadlock_timeout, which no strike may. SHARE UPDATE EXCLUSIVE
blocks no read and no write, so that lock is what waits; the strikes then come from the same transaction.
"""

import random
import time
from collections.abc import Sequence

from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.engine import strike_sql
from pgsluice.execution.engine.cadence import QUIET_S
from pgsluice.execution.engine.context import StepContext
from pgsluice.execution.engine.refusals import lost
from pgsluice.execution.monitor.waiting import deadlock_timeout_ms, lockable
from pgsluice.model.activity import Blocker
from pgsluice.model.events import Notice

MARGIN_MS = 1_000
"""Beyond deadlock_timeout: the vacuum ends within some milliseconds of its signal, more under load."""

HELD_S = 30.0
"""For how long the lock is kept while strikes fail: it keeps VACUUM, VALIDATE and concurrent builds from the table."""

MOST_TRIES, PAUSE_S = 5, 30.0
"""The table needs its vacuum: it is not made to give way again and again."""


class Passage:
    """SHARE UPDATE EXCLUSIVE on the tables that an autovacuum works on, in an open transaction of the work session."""

    def __init__(self, context: StepContext) -> None:
        self._context = context
        self._held_since: float | None = None
        self._tries = 0
        self._next = 0.0

    @property
    def held(self) -> bool:
        return self._held_since is not None

    @property
    def stale(self) -> bool:
        """Whether it has been held for as long as it may be."""
        return self._held_since is not None and time.monotonic() - self._held_since > HELD_S

    def wanted(self, holders: Sequence[Blocker]) -> bool:
        """Whether nothing but autovacuum, not against wraparound, has been in the way for long."""
        old = [holder for holder in holders if holder.oldest_s > QUIET_S]
        may = not self.held and self._tries < MOST_TRIES and time.monotonic() >= self._next
        return may and bool(old) and all(holder.autovacuum and not holder.wraparound for holder in old)

    def take(self, holders: Sequence[Blocker]) -> None:
        """Takes the locks, or says that the vacuum did not give way. Raises OutcomeUnknownError, DatabaseError."""
        work = self._context.work
        self._tries += 1
        self._next = time.monotonic() + PAUSE_S * random.uniform(0.75, 1.25)
        tables = lockable(self._context.watch, [holder.relation for holder in holders if holder.autovacuum])
        if not tables:
            return
        work.run(strike_sql.opening(self._context.version))
        try:
            work.run(strike_sql.gentle_locks(tables, deadlock_timeout_ms(self._context.watch) + MARGIN_MS))
            work.run(f"SAVEPOINT {strike_sql.SAVEPOINT}")
            self._held_since = time.monotonic()
        except DatabaseError as error:
            self._refused(error)

    def release(self) -> None:
        """Gives the locks back, if any are held."""
        self._held_since = None
        if self._context.work.in_transaction:
            self._context.work.run("ROLLBACK")

    def _refused(self, error: DatabaseError) -> None:
        self.release()
        if trouble_of(error) is Trouble.CONNECTION_LOST:
            raise lost(self._context, error) from error
        said = "a vacuum works on the table and did not give way; waiting until it ends"
        self._context.report(Notice(self._context.migration, self._context.step.id, said))
