"""Migrations as whoever runs them plainly would: each file as one transaction, as `psql -1 -f` does, and again when it fails."""

from collections.abc import Callable

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError, message_of, sqlstate_of
from pgsluice.execution.db.session import Session

FILE_ATTEMPTS = 3
"""Plain DDL may lose a deadlock against the application; whoever runs it would run it again, in the end statement by
statement: then no lock of one is held while the next one waits."""
STATEMENT_ATTEMPTS = 40
"""A single foreign key locks two tables, and loses as well; each loss costs it deadlock_timeout."""

_AGAIN = frozenset({"40P01", "40001", "55P03", "57014"})
"""SQLSTATEs after which the same statement may go through: deadlock, serialisation, lock and statement timeouts."""
_NOT_IN_TRANSACTION = "25001"

Say = Callable[[str], None]


def run_plainly(dsn: str, migration: Migration, say: Say) -> int:
    """How often the migration failed before it went through; raises DatabaseError where it cannot."""
    session = connect(dsn, "plain SQL", environment={})
    try:
        failed, error = _attempts(session, migration.sql, FILE_ATTEMPTS)
        if error is None:
            return failed
        if sqlstate_of(error) != _NOT_IN_TRANSACTION:
            say(f"plain SQL: {migration.name} failed {failed} times ({message_of(error)}); it is run statement by statement")
        return failed + sum(_until_it_goes(session, statement.sql) for statement in migration.statements)
    finally:
        session.close()


def _until_it_goes(session: Session, sql: str) -> int:
    failed, error = _attempts(session, sql, STATEMENT_ATTEMPTS)
    if error is not None:
        raise error
    return failed


def _attempts(session: Session, sql: str, attempts: int) -> tuple[int, DatabaseError | None]:
    """How often the SQL failed, and the last error where it never went through. What cannot go through fails once."""
    last: DatabaseError | None = None
    for failed in range(attempts):
        try:
            session.run(sql)
            return failed, None
        except DatabaseError as error:
            last = error
            if session.in_transaction:
                session.run("ROLLBACK")
            if sqlstate_of(error) not in _AGAIN:
                return failed if sqlstate_of(error) == _NOT_IN_TRANSACTION else failed + 1, error
    return attempts, last
