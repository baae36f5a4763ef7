"""Runs a command under guard, and again where it was stopped and that was asked for; or guards all DDL of a database."""

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.guard.command import LOCK_TIMEOUT_S, handed_down, new_application, start, wait
from pgsluice.execution.guard.judging import Policy
from pgsluice.execution.guard.recognition import Recognition
from pgsluice.execution.guard.watchman import Tell, Watchman, now
from pgsluice.model.errors import ConnectionFailedError, StoppedError
from pgsluice.model.guarding import STOPPED, Deed, GuardEvent, GuardNotice
from pgsluice.model.settings import Settings
from pgsluice.model.snapshot import Backend, prepared_id

_QUERIES = named_queries(__package__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Before another attempt, doubled each time and drawn between half of it and all: each may cost the application a stall budget."""

POLL_S = 0.25
"""Between two looks whether the transactions are still there that were in the way."""

Connect = Callable[[], Session]
Story = Callable[[Sequence[GuardEvent]], str]


class Guarding:
    """One call of `pgsluice guard`. `tell` takes the news from several threads."""

    def __init__(self, connect: Connect, settings: Settings, tell: Tell) -> None:
        self._connect, self._settings, self._tell = connect, settings, tell
        self._events: list[GuardEvent] = []
        self.watchman: Watchman | None = None

    def run(self, command: Sequence[str], story: Story) -> int:
        """The command's exit code. Raises StoppedError `command-stopped` with the `story` where it failed because of us, and
        there was no other attempt (left); UsageError `command-not-run`; ConnectionFailedError before it was begun."""
        end, attempt = time.monotonic() + self._settings.patience, 0
        while True:
            attempt += 1
            events = len(self._events)
            invalid = self._invalid_indexes()
            code = self._attempt(command, attempt)
            since = self._events[events:]
            if code == 0 or not any(event.deed in STOPPED for event in since):
                return code
            left = self._invalid_indexes() - invalid
            if not self._settings.retry or time.monotonic() >= end:
                raise self._stopped(code, attempt, story(since), left)
            for name in sorted(left):
                self._tell(GuardNotice(now(), f"the command left the invalid index {name} behind: drop it", attempt))
            self._pause(attempt, since, end)

    def watch_all(self, stop: Callable[[], bool]) -> None:
        """Guards all DDL until `stop` says so (asked several times a second)."""
        self.watchman = Watchman(
            self._connect, self._policy(every_ddl=True), lambda backend: False, self._note, dry_run=self._settings.dry_run
        )
        self.watchman.start()
        try:
            while not stop():
                time.sleep(0.1)
        finally:
            self.watchman.stop()

    def figures(self) -> tuple[bool, int, int, float]:
        """Whether the database can be watched, looks so far, sessions that wait behind DDL for too long now, the longest of them."""
        watchman = self.watchman
        return (False, 0, 0, 0.0) if watchman is None else (watchman.connected, watchman.looks, *watchman.gauge)

    def _attempt(self, command: Sequence[str], attempt: int) -> int:
        application = new_application()
        recognition = Recognition(application)
        watchman = Watchman(self._connect, self._policy(), recognition, self._note, dry_run=self._settings.dry_run)
        watchman.attempt, self.watchman = attempt, watchman
        environment = handed_down(os.environ, application, notices_dead_clients=self._notices_dead_clients())
        watchman.start()
        try:
            process = start(command, environment)
            recognition.root = process.pid
            code = wait(process)
        finally:
            watchman.stop()
        self._note_expired(watchman, attempt)
        return code

    def _policy(self, *, every_ddl: bool = False) -> Policy:
        return Policy(self._settings.stall_budget, self._settings.max_waiting, every_ddl)

    def _note(self, news: GuardEvent | GuardNotice) -> None:
        if isinstance(news, GuardEvent):
            self._events.append(news)
        self._tell(news)

    def _note_expired(self, watchman: Watchman, attempt: int) -> None:
        """Waits that were about as long as the lock_timeout which we handed down."""
        done = {(e.backend.pid, e.backend.statement_began) for e in self._events}
        for statement, (waited_s, backend, blockers) in watchman.own_waits.items():
            if statement not in done and waited_s >= LOCK_TIMEOUT_S - 0.5:
                ddl = backend.definition or "a statement"
                self._note(GuardEvent(now(), Deed.TIMED_OUT, backend, ddl, 0, 0.0, blockers, "", attempt))

    def _stopped(self, code: int, attempt: int, story: str, left: set[str]) -> StoppedError:
        again = "run it again once they are gone, or with --retry"
        if left:
            again = f"drop the invalid index that it left behind first ({', '.join(sorted(left))}); then {again}"
        tries = f" in attempt {attempt}" if attempt > 1 else ""
        return StoppedError("command-stopped", f"the command was stopped{tries} (its exit code was {code}): {story}", next=again)

    def _pause(self, attempt: int, events: Sequence[GuardEvent], end: float) -> None:
        """Until those are gone that were in the way, where that can be seen, and at least the backoff."""
        backoff = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
        self._tell(GuardNotice(now(), f"runs again when those are gone that were in the way, after {backoff:.1f} s at least", attempt))
        blockers = {id for event in events for b in event.blockers if (id := _transaction(b)) is not None}
        until = time.monotonic() + backoff
        while time.monotonic() < until or (blockers and time.monotonic() < end and self._still_there(blockers)):
            time.sleep(POLL_S)

    def _still_there(self, transactions: set[str]) -> bool:
        return bool(self._ask("still_there", transactions=list(transactions))[0]["count"])

    def _invalid_indexes(self) -> set[str]:
        return {str(row["name"]) for row in self._ask("invalid_indexes")}

    def _notices_dead_clients(self) -> bool:
        """Our own session asked for the same (db/connect.py): whether it was granted."""
        session = self._connect()
        try:
            return str(session.value("SELECT pg_catalog.current_setting('client_connection_check_interval')")) != "0"
        finally:
            session.close()

    def _ask(self, query: str, **facts: object) -> list[Mapping[str, object]]:
        try:
            session = self._connect()
        except ConnectionFailedError:
            return [{"count": 0}] if query == "still_there" else []
        try:
            session.run(_QUERIES["settings"])
            return list(session.rows(_QUERIES[query], facts or None))
        except DatabaseError as error:
            self._tell(GuardNotice(now(), f"could not ask the database: {message_of(error)}"))
            return [{"count": 0}] if query == "still_there" else []
        finally:
            session.close()


def _transaction(backend: Backend) -> str | None:
    """What the query `still_there` knows it by; None where that is hidden."""
    if backend.pid is None:
        return prepared_id(backend.gid or "")
    return f"{backend.pid} {backend.transaction_began}" if backend.transaction_began else None
