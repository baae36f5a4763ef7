"""Looking at a server again and again: what it tells of itself, and what the journal says of our runs, joined in one snapshot.

Only looks: its sessions belong to no run, so that losing them hurts nobody. When the server is lost it says so, and connects again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal.under_way import JournalReader
from pgsluice.execution.monitor.overview import Observer
from pgsluice.model.errors import ConnectionFailedError
from pgsluice.model.snapshot import Runs, Snapshot

Connect = Callable[[], Session]


class Watch:
    """Looks by `connect`'s session and those of `standbys`, by the names under which to show them. Close it."""

    def __init__(self, connect: Connect, standbys: Sequence[tuple[str, Connect]] = ()) -> None:
        """Raises what connecting raises: only later is a lost server a problem that passes."""
        self._connect, self._connect_standbys = connect, standbys
        self._sessions: list[Session] = []
        self._journal = JournalReader()
        self._last = Snapshot("")
        self._observer: Observer | None = self._open()

    def look(self) -> Snapshot:
        """One look; where the server cannot be reached `problem` says why, and the next look tries again."""
        try:
            self._observer = self._observer or self._open()
            self._last = self._with_runs(self._observer.look())
            return self._last
        except (DatabaseError, ConnectionFailedError) as error:
            self.close()
            said = error.what if isinstance(error, ConnectionFailedError) else message_of(error)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            return Snapshot(now, self._last.database, self._last.server_version, problem=f"the server cannot be looked at: {said}")

    def close(self) -> None:
        self._observer = None
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    def _open(self) -> Observer:
        try:
            self._sessions.append(self._connect())
            found = []
            for name, connect in self._connect_standbys:
                self._sessions.append(connect())
                found.append((name, self._sessions[-1]))
            return Observer(self._sessions[0], found)
        except BaseException:
            self.close()
            raise

    def _with_runs(self, seen: Snapshot) -> Snapshot:
        try:
            return replace(seen, runs=self._journal.read(self._sessions[0]))
        except ConnectionFailedError as error:
            return replace(seen, unseen=(*seen.unseen, f"our runs: {error.what}"), runs=Runs())
        except DatabaseError as error:
            if trouble_of(error) is Trouble.CONNECTION_LOST:
                raise
            return replace(seen, unseen=(*seen.unseen, f"our runs: {message_of(error)}"), runs=Runs())
