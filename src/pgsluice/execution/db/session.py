"""A session: one connection in autocommit mode, so that each transaction is one that we wrote."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import TupleRow, dict_row

from pgsluice.model.postgres.versions import NEWEST, ServerVersion


class Session:
    """One server session. Not shared between threads, but for `cancel`."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self.connection = connection

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    @property
    def closed(self) -> bool:
        """Whether the connection is closed, or known to be lost."""
        return self.connection.closed

    @property
    def version(self) -> ServerVersion:
        return ServerVersion(self.connection.info.server_version)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know about this server before trusting us with it."""
        if self.version.major <= NEWEST:
            return ()
        return (f"PostgreSQL {self.version} is newer than {NEWEST}, the newest that pgsluice was tested with",)

    @property
    def idle(self) -> bool:
        """Whether it is outside of any transaction and runs nothing: the only state in which more may be sent for certain."""
        return self.connection.info.transaction_status.name == "IDLE"

    @property
    def in_transaction(self) -> bool:
        return self.connection.info.transaction_status.name in ("INTRANS", "INERROR")

    def run(self, sql: str) -> None:
        """Send `sql` as one simple query (it may hold several statements) and wait for its end; raises psycopg.Error."""
        self.connection.execute(sql)

    def rows(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query, as dictionaries."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql, parameters).fetchall()

    def last_rows(self, sql: str) -> list[dict[str, Any]]:
        """Send several statements as one simple query; the rows of the last one that returns rows, [] without one."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(sql)
            found: list[dict[str, Any]] = []
            while True:
                found = cursor.fetchall() if cursor.description is not None else found
                if not cursor.nextset():
                    return found

    def value(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """The first column of the first row, None without a row."""
        row = self.connection.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def keep_plans(self) -> None:
        """From now on each query is planned once only: for sessions that ask the same again and again, of the catalog alone (a change
        of a user's table could change what a kept plan gives)."""
        self.connection.prepare_threshold = 0
        self.run("SET plan_cache_mode = force_generic_plan")

    def cancel(self, timeout_s: float = 2.0) -> None:
        """Ask the server to cancel what the session runs; may be called from another thread."""
        self.connection.cancel_safe(timeout=timeout_s)

    def close(self) -> None:
        self.connection.close()
