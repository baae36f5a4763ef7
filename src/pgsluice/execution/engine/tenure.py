"""A run's time on a database: its three sessions, its lease, and the way back to both when a connection is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat

from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import OutcomeUnknownError
from pgsluice.execution.journal import lease
from pgsluice.execution.journal.installation import install
from pgsluice.execution.journal.store import Journal
from pgsluice.model.errors import ConnectionFailedError, StoppedError
from pgsluice.model.events import Event, Notice
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.progress import LeaseHolder

Connect = Callable[[str], Session]
"""Opens a session for a purpose: `control` (lease and journal), `work` (steps) or `watch` (looks, cancels)."""


TELL_AFTER_S = 2.0
"""A write that takes longer than this waits for a standby, or for a disk that is as good as dead."""

_DURABLE = """SELECT pg_catalog.set_config('synchronous_commit', 'local', false)
WHERE pg_catalog.current_setting('synchronous_commit') = 'off'"""
"""The journal's writes survive a crash of the server; beyond that they wait for standbys as the user's own commits do."""

PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Between two tries to connect again; a server that restarts after a crash takes from half a second to minutes."""


def is_lost(error: Exception) -> bool:
    """Whether it says that a connection is gone, or cannot be had now, and nothing worse."""
    if isinstance(error, OutcomeUnknownError):
        return True
    if isinstance(error, ConnectionFailedError):
        return error.code == "cannot-connect"
    return isinstance(error, DatabaseError) and trouble_of(error) is Trouble.CONNECTION_LOST


class Tenure:
    """Sessions and lease of one run. `begin`, then `settle`; `end` in any case.

    Between the two only the run's lock is held and nothing has been changed: the place for checks that refuse."""

    def __init__(self, connect: Connect, report: Callable[[Event], None], patience_s: float) -> None:
        self._connect, self._report, self._patience_s = connect, report, patience_s
        self._heart: Heart | None = None
        self._open: dict[str, Session] = {}
        self._stained = False
        self.fence = 0

    def begin(self, wait_s: float = 0.0) -> None:
        """Takes the run's lock, waiting `wait_s` for another run, and ends what a dead one left working in the server.

        Raises PatienceError `another-run` or `backend-alive`, ConnectionFailedError."""
        control = self._session("control")
        control.run(_DURABLE)
        lease.await_lock(control, wait_s, self._say_who)
        ended = lease.clear_backends(control, (control.pid,), self._patience_s)
        if ended:
            self._report(Notice("", "", f"an earlier run died; its server processes {', '.join(map(str, ended))} have ended now"))

    def settle(self) -> None:
        """Makes the journal where it is missing, opens the other sessions and takes the lease, with a new number."""
        with self._writing():
            install(self.control)
        for purpose in ("work", "watch"):
            lease.mark_present(self._session(purpose))
        with self._writing():
            self.fence = lease.take(self.control)
        self._name_backends()
        self._heart = Heart(self.control)

    def resume(self) -> None:
        """All of it anew, after a connection was lost: then only the server knows what was done.

        A server that does not answer, or not yet, is tried until the patience limit. Raises as `begin`."""
        give_up = time.monotonic() + self._patience_s
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            self.end()
            try:
                self.begin(self._patience_s)
                return self.settle()
            except (DatabaseError, ConnectionFailedError) as error:
                if not is_lost(error) or time.monotonic() >= give_up:
                    raise
            time.sleep(pause_s)

    def stain_work(self) -> None:
        """The work session is about to get a file's SET statements: the next step must have another one."""
        self._stained = True

    def end(self) -> None:
        """Closes the sessions, and with them the lease; nobody will think that we died in the middle of a step."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
            with suppress(DatabaseError):
                lease.rest(self.control, self.fence)
        self._stained = False
        for session in self._open.values():
            with suppress(DatabaseError):
                session.close()
        self._open.clear()

    @property
    def control(self) -> Session:
        return self._open["control"]

    @property
    def work(self) -> Session:
        """A new one where the last step's settings may still hold in the old one: the only sure way to be rid of them."""
        if self._stained:
            self._open.pop("work").close()
            lease.mark_present(self._session("work"))
            self._name_backends()
            self._stained = False
        return self._open["work"]

    @contextmanager
    def helpers(self, count: int, search_path: tuple[str, ...]) -> Iterator[tuple[Session, ...]]:
        """So many more sessions that work, for one step; names are resolved in those schemas."""
        purposes = [f"work {number}" for number in range(2, count + 2)]
        try:
            for purpose in purposes:
                lease.mark_present(self._session(purpose))
                set_search_path(self._open[purpose], search_path)
            if purposes:
                self._name_backends()
            yield tuple(self._open[purpose] for purpose in purposes)
        finally:
            for session in filter(None, (self._open.pop(purpose, None) for purpose in purposes)):
                with suppress(DatabaseError):
                    session.close()

    @property
    def watch(self) -> Session:
        return self._open["watch"]

    @property
    def journal(self) -> Journal:
        return Journal(self.control, self.fence, self._writing)

    @property
    def lost(self) -> bool:
        """Whether the control session died, and the lease with it."""
        return self._heart is not None and self._heart.stopped_beating

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Around a durable write: says that it waits for a standby, and ends the wait after the patience limit."""
        control, silent = self.control, threading.Event()

        def give_up() -> None:
            silent.set()
            with suppress(DatabaseError):
                control.cancel()

        timers = threading.Timer(TELL_AFTER_S, self._say_waiting), threading.Timer(self._patience_s, give_up)
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()
                timer.join()
        if silent.is_set():
            raise StoppedError(
                "standby-silent",
                f"the journal is written here, but no synchronous standby has confirmed it within {self._patience_s:.0f} s",
                next="bring the standby back (or correct synchronous_standby_names), then run again",
            )

    def _say_waiting(self) -> None:
        text = "writing the journal: waiting for a synchronous standby (or the disk) to confirm it, with no lock held"
        self._report(Notice("", "", text))

    def _session(self, purpose: str) -> Session:
        self._open[purpose] = self._connect(purpose)
        return self._open[purpose]

    def _name_backends(self) -> None:
        with self._writing():
            lease.name_backends(self.control, self.fence, [s.pid for s in self._open.values()])

    def _say_who(self, holder: LeaseHolder | None) -> None:
        who = holder.describe() if holder else "one that has not begun yet"
        self._report(Notice("", "", f"waiting for another run: {who}"))


class Heart:
    """A thread that says every few seconds that the run lives, and notices when the control session does not.

    The driver lets one statement at a time onto a connection, so that it may share the session with the run loop."""

    def __init__(self, control: Session) -> None:
        self._control, self._stop = control, threading.Event()
        self.stopped_beating = False
        self._thread = threading.Thread(target=self._beat, name="pgsluice heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(lease.HEARTBEAT_S):
            try:
                self._control.value("SELECT 1")
            except DatabaseError as error:
                # inside a failed transaction of the run loop the statement fails, but the session lives
                if trouble_of(error) is Trouble.CONNECTION_LOST:
                    self.stopped_beating = not self._stop.is_set()
                    return


def set_search_path(session: Session, schemas: tuple[str, ...]) -> None:
    """Names mean in this session what they meant when the plan was made; none given: what the role has."""
    if schemas:
        session.run(f"SET search_path = {', '.join(quote(s) for s in schemas)}")
