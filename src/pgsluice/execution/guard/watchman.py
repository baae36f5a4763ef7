"""Looks again and again for those who wait behind DDL, and cancels it in time; in a thread of its own."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.guard.judging import Policy, Verdict, judge
from pgsluice.execution.guard.signals import cancel_statement, end_session
from pgsluice.execution.monitor.queues import read_queues
from pgsluice.model.errors import ConnectionFailedError
from pgsluice.model.guarding import Deed, GuardEvent, GuardNotice
from pgsluice.model.snapshot import Backend, LockQueues

_QUERIES = named_queries(__package__)

LOOK_S, LONGEST_PAUSE_SHARE, LOOK_COST_FACTOR = 0.015, 0.2, 10
"""Between two looks; looks take a tenth of the time, but no pause outgrows this part of the stall budget."""

CANCEL_AGAIN_S, END_AFTER_S = 0.1, 1.0
"""A statement that does not obey (a trigger may catch the cancel) is cancelled again, and its session ended after a second."""

PAUSES_S = (0.05, 0.2, 0.5, 1.0)
"""Between two tries to connect again."""

Tell = Callable[[GuardEvent | GuardNotice], None]


class Watchman:
    """Keeps watch from `start` to `stop`. `tell` takes the news, in the watchman's thread. `connect` opens a session.

    `gauge` is what the last look saw: how many waited behind DDL, and the longest."""

    def __init__(self, connect: Callable[[], Session], policy: Policy, belonging: Callable[[Backend], bool], tell: Tell, *, dry_run: bool):
        """Raises what connecting raises: a guard that cannot watch must not let the command begin."""
        self._connect, self._policy, self.belonging, self._tell, self._dry_run = connect, policy, belonging, tell, dry_run
        self._session: Session | None = self._open()
        self._database = str(self._session.value("SELECT pg_catalog.current_database()")) if self._session else ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="pgsluice-guard", daemon=True)
        self._first_cancel: dict[_Id, float] = {}
        self._last_told: set[tuple[_Id, Deed]] = set()
        self.attempt = 1
        self.looks, self.gauge, self.connected = 0, (0, 0.0), True
        self.own_waits: dict[_Id, tuple[float, Backend, tuple[Backend, ...]]] = {}
        """How long DDL of the command has waited for locks, by statement."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._session is not None:
            self._session.close()

    def _open(self) -> Session:
        session = self._connect()
        session.run(_QUERIES["settings"])
        session.keep_plans()
        return session

    def _keep(self) -> None:
        pause, failures = LOOK_S, 0
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                self._session = self._session or self._open()
                self.look(self._session)
                failures = 0
                if not self.connected:
                    self.connected = True
                    self._tell(GuardNotice(now(), "connected again: the watch goes on", self.attempt))
            except (DatabaseError, ConnectionFailedError) as error:
                self._missed(error)
                pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                failures += 1
                continue
            cost = time.monotonic() - began
            pause = min(max(LOOK_S, LOOK_COST_FACTOR * cost), max(LOOK_S, LONGEST_PAUSE_SHARE * self._policy.stall_budget_s))

    def _missed(self, error: Exception) -> None:
        """A look that took too long is tried again; a lost connection is said once."""
        if isinstance(error, DatabaseError) and trouble_of(error) is not Trouble.CONNECTION_LOST:
            return
        if self._session is not None:
            self._session.close()
            self._session = None
        if self.connected:
            self.connected = False
            said = error.what if isinstance(error, ConnectionFailedError) else message_of(error)
            self._tell(GuardNotice(now(), f"the database cannot be watched, so nothing is cancelled meanwhile: {said}", self.attempt))

    def look(self, session: Session) -> None:
        """One look, and what follows from it."""
        queues = read_queues(session, self._database)
        verdicts = judge(queues, self.belonging, self._policy) if queues.waits else ()
        for verdict in verdicts:
            self._carry_out(session, verdict)
        self.looks += 1
        self.gauge = max(((v.waiting, v.longest_s) for v in verdicts), default=(0, 0.0))
        self._note_own_waits(queues)

    def _note_own_waits(self, queues: LockQueues) -> None:
        backends = {backend.id: backend for backend in queues.backends}
        for wait in queues.waits:
            backend = backends.get(wait.waiter)
            defines = backend is not None and backend.definition is not None
            if backend is not None and defines and wait.waited_s > 1.0 and self.belonging(backend):
                self.own_waits[_id(backend)] = (wait.waited_s, backend, tuple(backends[b] for b in wait.blockers if b in backends))

    def _carry_out(self, session: Session, verdict: Verdict) -> None:
        if not verdict.act:
            self._say(verdict, Deed.REPORTED, verdict.why)
        elif self._dry_run:
            self._say(verdict, Deed.WOULD_CANCEL)
        else:
            self._act(session, verdict)

    def _act(self, session: Session, verdict: Verdict) -> None:
        """Cancels, or ends what runs nothing or does not obey."""
        id, moment = _id(verdict.backend), time.monotonic()
        first = self._first_cancel.setdefault(id, moment)
        end = verdict.idle or moment - first >= END_AFTER_S
        try:
            done = end_session(session, verdict.backend) if end else cancel_statement(session, verdict.backend)
        except DatabaseError as error:
            if trouble_of(error) is not Trouble.NOT_PERMITTED:
                raise
            self._say(verdict, Deed.REFUSED, message_of(error))
            return
        if done:
            self._say(verdict, Deed.ENDED if end else Deed.CANCELLED)

    def _say(self, verdict: Verdict, deed: Deed, why: str = "") -> None:
        """Once for each statement and deed."""
        key = (_id(verdict.backend), deed)
        if key not in self._last_told:
            self._last_told.add(key)
            self._tell(
                GuardEvent(
                    now(), deed, verdict.backend, verdict.ddl, verdict.waiting, verdict.longest_s, verdict.blockers, why, self.attempt
                )
            )


_Id = tuple[int | None, str | None]


def _id(backend: Backend) -> _Id:
    """What tells a statement from the session's next one."""
    return backend.pid, backend.statement_began


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
