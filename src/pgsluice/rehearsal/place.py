"""Where a rehearsal happens: a throw-away server, or a given one on which databases of our own are made and dropped again."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.connection_string import with_database
from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import ConnectionFailedError, UsageError
from pgsluice.model.postgres.identifiers import quote
from pgsluice.rehearsal.server import MEASURING_SETTINGS, StandbyServer, ThrowawayServer
from pgsluice.rehearsal.server.installation import Installation
from pgsluice.rehearsal.server.standby import refuse_without_basebackup

PREFIX = "pgsluice_rehearsal_"
REPLAY_TIMEOUT_S = 120.0
"""A standby that has not replayed what was written before, long after, has stopped."""


@dataclass(slots=True)
class Place:
    """A server to rehearse on. `base` is a connection string to any of its databases. `installation` has programs of its major,
    or of a newer one; None without any. `standby` is a connection string to its standby, None without one. `search_path` is that of
    sessions on the databases that are made from then on, the server's own where it is empty."""

    base: str
    installation: Installation | None
    standby: str | None = None
    search_path: tuple[str, ...] = ()
    made: list[str] = field(default_factory=list)

    def dsn(self, name: str) -> str:
        return with_database(self.base, PREFIX + name, "--server")

    def dsn_on_standby(self, name: str) -> str | None:
        """The same database on the standby, once it has replayed all that the server has written; None without one.

        Raises ConnectionFailedError where it does not get there."""
        if self.standby is None:
            return None
        _await_replay(self.base, self.standby)
        return with_database(self.standby, PREFIX + name, "--standby")

    def make(self, name: str, template: str | None = None) -> str:
        """A new database, empty or a copy; its connection string. An old one of the name, from a rehearsal that died, goes first."""
        copied = f" TEMPLATE {PREFIX}{template}" if template else ""
        with session(self.base) as base:
            base.run(f"DROP DATABASE IF EXISTS {PREFIX}{name} WITH (FORCE)")
            base.run(f"CREATE DATABASE {PREFIX}{name}{copied}")
            self.made.append(name)
            if self.search_path:
                base.run(f"ALTER DATABASE {PREFIX}{name} SET search_path = {', '.join(map(quote, self.search_path))}")
        return self.dsn(name)

    def drop_all(self) -> None:
        with session(self.base) as base:
            for name in reversed(self.made):
                base.run(f"DROP DATABASE IF EXISTS {PREFIX}{name} WITH (FORCE)")
        self.made.clear()


@contextmanager
def session(dsn: str, *, read_only: bool = False) -> Iterator[Session]:
    found = connect(dsn, "rehearse", environment={}, read_only=read_only, option="--server")
    try:
        yield found
    finally:
        found.close()


def _await_replay(primary: str, standby: str) -> None:
    deadline_s = time.monotonic() + REPLAY_TIMEOUT_S
    with session(primary) as source, session(standby, read_only=True) as copy:
        written = source.value("SELECT pg_catalog.pg_current_wal_insert_lsn()")
        while not copy.value("SELECT pg_catalog.pg_last_wal_replay_lsn() >= %s::pg_lsn", [written]):
            if time.monotonic() > deadline_s:
                raise ConnectionFailedError(
                    "standby-does-not-follow", f"after {REPLAY_TIMEOUT_S:.0f} s the standby has not replayed {written}"
                )
            time.sleep(0.05)


@contextmanager
def live_session(dsn: str) -> Iterator[Session]:
    """A session that only reads, on a database of the user's: what the connection string lacks is libpq's to find."""
    found = connect(dsn, "rehearse", environment=os.environ, read_only=True, option="--from")
    try:
        yield found
    finally:
        found.close()


@contextmanager
def place_of(server: str | None, bindir: str | None, standby: bool = False) -> Iterator[Place]:
    """A given server, or a throw-away one of the installation whose programs are in `bindir`, by default the embedded one;
    with a streaming `standby` of it.

    Raises ConnectionFailedError, and UsageError `bindir-incomplete` and `standby-of-given-server`."""
    if server is not None:
        if standby:
            what = "a standby can be made of a server of our own only"
            raise UsageError("standby-of-given-server", what, where="--server", next="leave --server out, or --standby")
        place = Place(server, _embedded())
        try:
            yield place
        finally:
            place.drop_all()
        return
    installation = Installation(Path(bindir)) if bindir else Installation.embedded()
    if not installation.complete:
        what = f"{bindir} does not hold initdb, pg_ctl and postgres"
        raise UsageError("bindir-incomplete", what, where="--bindir", next="name the bin directory of a PostgreSQL server")
    if standby:
        refuse_without_basebackup(installation)
    with ExitStack() as stack:
        throwaway = stack.enter_context(ThrowawayServer(installation, MEASURING_SETTINGS))
        dumping = throwaway.installation if throwaway.installation.program("pg_dump").is_file() else _embedded()
        beside = stack.enter_context(StandbyServer(throwaway)).dsn() if standby else None
        try:
            yield Place(throwaway.dsn(), dumping, beside)
        except (DatabaseError, ConnectionFailedError) as error:
            if (said := throwaway.last_words) is None:
                raise
            what = f"the server of the rehearsal broke down: {said}"
            next = "where its disk is full: fewer --rows, or TMPDIR on a larger one"
            raise ConnectionFailedError("rehearsal-server-broke-down", what, where=str(throwaway.directory), next=next) from error


def _embedded() -> Installation | None:
    try:
        return Installation.embedded()
    except ConnectionFailedError:
        return None
