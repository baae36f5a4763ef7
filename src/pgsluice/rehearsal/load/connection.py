"""One connection of the pool, spoken to through libpq without waiting: psycopg's cursors would cost five times the CPU."""

from collections.abc import Sequence

from psycopg import OperationalError, pq

from pgsluice.model.errors import ConnectionFailedError, InputError
from pgsluice.rehearsal.latency.recording import SUCCESS
from pgsluice.rehearsal.load.definition import RequestKind

CONNECTION_LOST = "08006"
"""PostgreSQL's SQLSTATE connection_failure, for what libpq reports without one."""
RESULT_CHANGED = "0A000"
"""'cached plan must not change result type': the type of a column has changed since the statement was prepared. Drivers that prepare
(JDBC's, pgx, asyncpg, Rails') send it anew then, outside of a transaction without the application noticing."""
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_SQLSTATE = int(pq.DiagnosticField.SQLSTATE)


def connect(dsn: str) -> pq.abc.PGconn:
    """A libpq connection; raises ConnectionFailedError."""
    pgconn = pq.PGconn.connect(dsn.encode())
    if pgconn.status != pq.ConnStatus.OK:
        what = f"the load cannot connect: {pgconn.get_error_message().strip()}"
        raise ConnectionFailedError("load-cannot-connect", what, next="check the server's address and its max_connections")
    return pgconn


class PooledConnection:
    """A connection with all statements of all kinds prepared. Raises ConnectionFailedError, or InputError where a
    statement cannot be prepared."""

    def __init__(self, dsn: str, kinds: Sequence[RequestKind]) -> None:
        self._pgconn = connect(dsn)
        self.socket = self._pgconn.socket
        self.kind = 0
        self.start_s = 0.0
        self._values: Sequence[bytes] = ()
        self._number = 0
        self._sqlstate = SUCCESS
        self._plan = [self._prepared(number, kind) for number, kind in enumerate(kinds)]
        self._sql = [[statement.sql.encode() for statement in kind.statements] for kind in kinds]
        self._outdated: set[bytes] = set()

    def send(self, kind: int, start_s: float, values: Sequence[bytes]) -> None:
        """Begin a request: `values` are those of the kind's variables."""
        self.kind, self.start_s, self._values = kind, start_s, values
        self._number, self._sqlstate = 0, SUCCESS
        self._send_statement()

    def receive(self) -> str | None:
        """To be called when the socket is readable. The outcome where the request has ended, else None."""
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    if (outcome := self._next()) is not None:
                        return outcome
                elif result.status in _FAILED and self._sqlstate == SUCCESS:
                    self._sqlstate = (result.error_field(_SQLSTATE) or CONNECTION_LOST.encode()).decode()
        except OperationalError:
            return self._sqlstate or CONNECTION_LOST
        return None

    @property
    def lost(self) -> bool:
        return self._pgconn.status != pq.ConnStatus.OK

    def cancel(self) -> None:
        """Ask the server to cancel what runs."""
        self._pgconn.get_cancel().cancel()

    def close(self) -> None:
        self._pgconn.finish()

    def _next(self) -> str | None:
        """A statement has ended: the next one begins (or itself anew), or the outcome of the whole."""
        if self._sqlstate == RESULT_CHANGED and self._outdates() and self._pgconn.transaction_status == pq.TransactionStatus.IDLE:
            self._sqlstate = SUCCESS
            self._send_statement()
            return None
        self._number += 1
        if self._sqlstate == SUCCESS and self._number < len(self._plan[self.kind]):
            self._send_statement()
            return None
        if self._pgconn.transaction_status in (pq.TransactionStatus.INERROR, pq.TransactionStatus.INTRANS):
            self._pgconn.send_query(b"ROLLBACK")
            return None
        return self._sqlstate

    def _outdates(self) -> bool:
        """From now on the statement that failed is sent with its text; False where it was already."""
        name = self._plan[self.kind][self._number][0]
        known = name in self._outdated
        self._outdated.add(name)
        return not known

    def _send_statement(self) -> None:
        name, parameters = self._plan[self.kind][self._number]
        values = [self._values[p] for p in parameters]
        if name in self._outdated:
            self._pgconn.send_query_params(self._sql[self.kind][self._number], values)
        else:
            self._pgconn.send_query_prepared(name, values)

    def _prepared(self, number: int, kind: RequestKind) -> list[tuple[bytes, tuple[int, ...]]]:
        plan = []
        for place, statement in enumerate(kind.statements):
            name = f"{number}.{place}".encode()
            result = self._pgconn.prepare(name, statement.sql.encode())
            if result.status != pq.ExecStatus.COMMAND_OK:
                what = f"the load's request {kind.name!r} cannot be prepared: {result.get_error_message().strip()}"
                raise InputError("load-request-invalid", what, where=kind.name, next="correct the request's SQL")
            plan.append((name, statement.parameters))
        return plan
