"""One request, tried once: what becomes of it on a server."""

from select import select

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.session import Session
from pgsluice.rehearsal.load.connection import PooledConnection
from pgsluice.rehearsal.load.definition import RequestKind

LONGEST = "2s"
"""What takes longer would fill the connections of the load."""


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


def trouble(session: Session, kind: RequestKind) -> str | None:
    """What the server says to a request of one statement, with the lowest values, some in the middle and the highest ones;
    None where it works. What it changes is taken back."""
    statement = kind.statements[0]
    variables = [kind.variables[place] for place in statement.parameters]
    draws = [[v.low + (v.high - v.low) * part // 3 for v in variables] for part in range(4)] if variables else [[]]
    given = (f"({', '.join(map(str, values))})" if values else "" for values in draws)
    runs = "; ".join(f"EXECUTE pgsluice_try{values}" for values in given)
    try:
        session.run(f"BEGIN; SET LOCAL statement_timeout = '{LONGEST}'; PREPARE pgsluice_try AS {statement.sql}; {runs}")
        return None
    except DatabaseError as error:
        return message_of(error)
    finally:
        session.run("ROLLBACK")
        if session.value("SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE name = 'pgsluice_try'"):
            session.run("DEALLOCATE pgsluice_try")
