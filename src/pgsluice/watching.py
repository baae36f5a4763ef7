"""The door for looking at a busy server, and for what a look may lead to: cancelling, ending, pacing, guarding other programs' DDL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pgsluice.api import _in_words
from pgsluice.model.errors import UsageError
from pgsluice.model.settings import Settings

if TYPE_CHECKING:
    from pgsluice.execution.db.session import Session
    from pgsluice.model.guarding import GuardEvent, GuardNotice
    from pgsluice.model.snapshot import Backend, Snapshot

Look = Callable[[], "Snapshot"]
"""Takes one look at the server."""

Tell = Callable[["GuardEvent | GuardNotice"], None]
"""Takes the news of a guard, from several threads; must not raise."""


@contextmanager
def watching(settings: Settings | None = None) -> Iterator[Look]:
    """Gives a function that looks at the server, its queues of locks and our runs, at a bounded cost; changes nothing. Where the server
    is lost later, the look says so and the next one tries again.

    Raises UsageError, ConnectionFailedError."""
    from pgsluice.execution.db.connect import connect
    from pgsluice.execution.engine.watching import Watch

    chosen = settings or Settings()

    def open_session(dsn: str | None) -> Session:
        return connect(dsn, "watch", environment=os.environ, read_only=True)

    standbys = [(f"standby {number}", lambda dsn=dsn: open_session(dsn)) for number, dsn in enumerate(chosen.standby, 1)]
    watch = Watch(lambda: open_session(chosen.database), standbys)
    try:
        yield watch.look
    finally:
        watch.close()


def guard(
    command: Sequence[str], settings: Settings | None = None, tell: Tell = lambda news: None, stop: Callable[[], bool] = lambda: False
) -> int:
    """Runs a command and cancels its DDL behind which others wait for longer than the stall budget, or more than `settings.max_waiting`;
    returns its exit code. With `settings.all`, without a command, all DDL of the database is guarded until `stop`.

    Raises UsageError, ConnectionFailedError, StoppedError `command-stopped`."""
    from pgsluice.execution.db.connect import connect
    from pgsluice.execution.guard.guarding import Guarding
    from pgsluice.execution.guard.hooks import Hooks
    from pgsluice.execution.guard.metrics import Figures, serve
    from pgsluice.model.guarding import GuardEvent, GuardNotice
    from pgsluice.report.guard import event_json, story

    chosen, figures = settings or Settings(), Figures()
    if bool(command) == chosen.all:
        usage = "pgsluice guard -- COMMAND, or pgsluice guard --all"
        raise UsageError("no-command", "guard takes either a command or --all", next=usage)
    hooks = Hooks(chosen.webhook, chosen.exec, lambda said: tell(GuardNotice("", said)))

    def note(news: GuardEvent | GuardNotice) -> None:
        if isinstance(news, GuardEvent):
            figures.deeds[news.deed] += 1
        figures.attempts = max(figures.attempts, news.attempt)
        hooks.put(event_json(news))
        tell(news)

    guarding = Guarding(lambda: connect(chosen.database, "guard", environment=os.environ, read_only=True), chosen, note)
    figures.watching = guarding.figures
    server = serve(figures, chosen.metrics) if chosen.metrics else None
    try:
        with _in_words():
            if not chosen.all:
                return guarding.run(command, story)
            guarding.watch_all(stop)
            return 0
    finally:
        hooks.close()
        if server is not None:
            server.shutdown()
            server.server_close()


def cancel(backend: Backend, settings: Settings | None = None) -> bool:
    """Cancels the statement that the backend ran when it was looked at; False where it has ended or gone on to another one meanwhile.
    Raises ConnectionFailedError, also where our role may not."""
    from pgsluice.execution.guard.signals import cancel_statement

    return _signalled(lambda session: cancel_statement(session, backend), settings)


def end(backend: Backend, settings: Settings | None = None) -> bool:
    """Ends the session of the backend, if it still is the one that was looked at; otherwise as `cancel`."""
    from pgsluice.execution.guard.signals import end_session

    return _signalled(lambda session: end_session(session, backend), settings)


def steer(order: str, settings: Settings | None = None) -> str:
    """Gives the only backfill that has not ended an order: `pause`, `resume`, `slower` or `faster`; returns what to say.

    Raises UsageError `no-such-backfill`, `name-needed`, `nobody-works-on-it`; ConnectionFailedError."""
    from pgsluice import backfills
    from pgsluice.api import status
    from pgsluice.model.backfills import PaceName

    chosen = settings or Settings()
    if order == "pause":
        return f"{backfills.pause(None, chosen)}: paused"
    there = status(chosen).running_backfills
    if order == "resume":
        if len(there) == 1 and not there[0].migration and not there[0].alive:
            again = f"pgsluice resume {there[0].name}"
            raise UsageError("nobody-works-on-it", f"nobody works on the backfill {there[0].name}; go on with it: {again}", next=again)
        return f"{backfills.resume(None, chosen)[0]}: goes on"
    paces = list(PaceName)
    pace = there[0].news.pace if there and there[0].news is not None else PaceName.NORMAL
    at = paces.index(pace) + (1 if order == "faster" else -1)
    wanted = paces[min(max(at, 0), len(paces) - 1)]
    return f"{backfills.throttle(None, replace(chosen, pace=wanted.value))}: pace {wanted.value}"


def _signalled(send: Callable[[Session], bool], settings: Settings | None) -> bool:
    from pgsluice.execution.db.connect import connect

    session = connect((settings or Settings()).database, "watch", environment=os.environ, read_only=True)
    try:
        with _in_words():
            return send(session)
    finally:
        session.close()
