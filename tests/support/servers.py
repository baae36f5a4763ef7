"""The servers of a test run: one for each major, started when the first test asks for it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count

import psycopg
from psycopg import sql

from pg_matrix import UnavailableError, installation
from pgsluice.model.postgres.versions import MAJORS, ServerVersion
from pgsluice.rehearsal.server import ThrowawayServer

OLDER = 14
"""The default run takes 18 and this one: the major that differs most from it."""

SETTINGS = {"wal_level": "logical", "max_prepared_transactions": "10", "shared_preload_libraries": "pg_stat_statements"}
OWNER = "shop owner"
"""An ordinary role; it has to be quoted so that every test shows that we quote."""

TEMPLATE = "pgsluice_template"


@dataclass
class TestServer:
    """A running server. `dsn` connects its superuser to the database `postgres`."""

    __test__ = False
    major: int
    process: ThrowawayServer
    _names: Iterator[int] = field(default_factory=count)

    @property
    def dsn(self) -> str:
        return self.process.dsn()

    @property
    def version(self) -> ServerVersion:
        with psycopg.connect(self.dsn) as connection:
            return ServerVersion(connection.info.server_version)

    @contextmanager
    def fresh_database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The name of a new database that OWNER owns, empty unless `template` names another one to copy, which nobody may
        be connected to; dropped afterwards with whatever still uses it."""
        name = f"test_{next(self._names)}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            self._make_template(connection)
            # copying files beats writing the template through the WAL: dropping it again then needs no long checkpoint
            strategy = sql.SQL("STRATEGY file_copy" if self.major >= 15 else "")
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} {}").format(
                    sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER), strategy
                )
            )
        try:
            yield name
        finally:
            self._drop(name)

    def _make_template(self, connection: psycopg.Connection) -> None:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            password = sql.Literal(self.process.password)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(OWNER), password))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(TEMPLATE)))

    def _drop(self, name: str) -> None:
        """Prepared transactions and slots would keep DROP DATABASE from succeeding."""
        with psycopg.connect(self.process.dsn(name), autocommit=True) as connection:
            for (gid,) in connection.execute("SELECT gid FROM pg_prepared_xacts WHERE database = %s", [name]).fetchall():
                connection.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
            connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", [name])
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class ServerPool:
    """Servers by major, started on first use and ended together."""

    def __init__(self) -> None:
        self._running: dict[int, TestServer] = {}
        self._unwinding = ExitStack()

    def server(self, major: int) -> TestServer:
        """The running server of a major; raises UnavailableError."""
        if major not in self._running:
            process = self._unwinding.enter_context(ThrowawayServer(installation(major), SETTINGS))
            self._running[major] = TestServer(major, process)
        return self._running[major]

    def close(self) -> None:
        self._running.clear()
        self._unwinding.close()


def summary(outcomes: dict[int, Counter[str]]) -> Iterator[str]:
    """A line for each major: what it is and how its tests ended."""
    for major, counted in sorted(outcomes.items()):
        yield f"{describe(major)}: " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items()))


def describe(major: int) -> str:
    """What stands for a major on this machine, or that nothing does."""
    try:
        found = installation(major)
    except UnavailableError:
        return f"PostgreSQL {major} (not here)"
    return f"PostgreSQL {found.version()}"


def missing(major: int) -> str | None:
    """Why a major cannot be used; None where it can."""
    try:
        installation(major)
    except UnavailableError as problem:
        return str(problem)
    return None


def majors(choice: str) -> tuple[int, ...]:
    """`default` (18 and one older one), `all`, or a list such as '14,17'; raises ValueError."""
    if choice == "all":
        return MAJORS
    if choice == "default":
        return (next((m for m in (OLDER, *MAJORS) if missing(m) is None), OLDER), MAJORS[-1])
    chosen = tuple(int(part) for part in choice.split(","))
    if not set(chosen) <= set(MAJORS):
        raise ValueError(f"majors are {MAJORS[0]} to {MAJORS[-1]}")
    return chosen
