"""Scenes in which a DDL waits, and what a look at them shows."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pgsluice.execution.db.connect import connect
from pgsluice.execution.monitor.overview import Observer
from pgsluice.model.lock_forest import Branch, lock_forest
from pgsluice.model.snapshot import Snapshot
from tests.support.scenes import in_background, until
from tests.support.sql import value

ALTER = "ALTER TABLE t ADD COLUMN late int"
READ = "SELECT count(*) FROM t"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"


@contextmanager
def running(dsn: str, *queries: str, application: str = "") -> Iterator[list[psycopg.Connection]]:
    """Each query in a session and a thread of its own; returns once each is sent, cancels what is left after the block."""
    sessions = [psycopg.connect(dsn, autocommit=True, application_name=application or "shop") for _ in queries]
    threads = [in_background(lambda s=session, q=query: s.execute(q))[0] for session, query in zip(sessions, queries, strict=True)]
    try:
        yield sessions
    finally:
        for session in sessions:
            session.cancel()
        for thread in threads:
            thread.join()
        for session in sessions:
            session.close()


@contextmanager
def ddl_with_readers_behind(dsn: str, readers: int = 5, ddl: str = ALTER) -> Iterator[int]:
    """A DDL that waits (for what the test has made before) and so many readers behind it; its pid."""
    before = value(dsn, WAITING)
    with running(dsn, ddl, application="deploy") as (deploy,):
        until(lambda: value(dsn, WAITING) == before + 1)
        with running(dsn, *[READ] * readers):
            until(lambda: value(dsn, WAITING) == before + 1 + readers)
            yield deploy.info.backend_pid


def look(dsn: str) -> Snapshot:
    """One look by a session that is gone afterwards."""
    session = connect(dsn, "watch", environment={}, read_only=True)
    try:
        return Observer(session).look()
    finally:
        session.close()


def tree(seen: Snapshot) -> Branch:
    """The only tree of the forest."""
    (found,) = lock_forest(seen.queues)
    return found
