"""Where a rehearsal happens: a throw-away server, or a given one on which databases of our own are made and dropped again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.connection_string import with_database
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import UsageError
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer
from pgsluice.rehearsal.server.installation import Installation

PREFIX = "pgsluice_rehearsal_"


@dataclass(slots=True)
class Place:
    """A server to rehearse on. `base` is a connection string to any of its databases. `installation` has programs of its major,
    or of a newer one; None without any."""

    base: str
    installation: Installation | None
    made: list[str] = field(default_factory=list)

    def dsn(self, name: str) -> str:
        return with_database(self.base, PREFIX + name, "--server")

    def make(self, name: str, template: str | None = None) -> str:
        """A new database, empty or a copy; its connection string. An old one of the name, from a rehearsal that died, goes first."""
        copied = f" TEMPLATE {PREFIX}{template}" if template else ""
        with session(self.base) as base:
            base.run(f"DROP DATABASE IF EXISTS {PREFIX}{name} WITH (FORCE)")
            base.run(f"CREATE DATABASE {PREFIX}{name}{copied}")
            self.made.append(name)
        return self.dsn(name)

    def drop_all(self) -> None:
        with session(self.base) as base:
            for name in reversed(self.made):
                base.run(f"DROP DATABASE IF EXISTS {PREFIX}{name} WITH (FORCE)")
        self.made.clear()


@contextmanager
def session(dsn: str) -> Iterator[Session]:
    found = connect(dsn, "rehearse", environment={})
    try:
        yield found
    finally:
        found.close()


@contextmanager
def place_of(server: str | None, bindir: str | None) -> Iterator[Place]:
    """A given server, or a throw-away one of the installation whose programs are in `bindir`, by default the embedded one.

    Raises ConnectionFailedError, and UsageError `bindir-incomplete`."""
    if server is not None:
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
    with ThrowawayServer(installation, MEASURING_SETTINGS) as throwaway:
        dumping = throwaway.installation if throwaway.installation.program("pg_dump").is_file() else _embedded()
        yield Place(throwaway.dsn(), dumping)


def _embedded() -> Installation | None:
    from pgsluice.model.errors import ConnectionFailedError

    try:
        return Installation.embedded()
    except ConnectionFailedError:
        return None
