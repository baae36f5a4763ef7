"""One request, tried once: what becomes of it on a server."""

from select import select

from pgsluice.rehearsal.load.connection import PooledConnection
from pgsluice.rehearsal.load.definition import RequestKind


def outcome_of(dsn: str, kind: RequestKind) -> str:
    """The outcome of one request of the kind, with the lowest values: '' or an SQLSTATE. What it changes stays.

    Raises ConnectionFailedError, and InputError where it cannot be prepared."""
    connection = PooledConnection(dsn, [kind])
    try:
        connection.send(0, 0.0, [b"%d" % variable.low for variable in kind.variables])
        while (outcome := connection.receive()) is None:
            select([connection.socket], (), ())
        return outcome
    finally:
        connection.close()
