"""Migrations as whoever runs them plainly would: each file as one transaction, as `psql -1 -f` does, and again when it fails."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError, message_of, sqlstate_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.locks import from_pg_locks
from pgsluice.model.steps import Lock

_QUERIES = named_queries(__package__)

FILE_ATTEMPTS = 3
"""Plain DDL may lose a deadlock against the application; whoever runs it would run it again, in the end statement by
statement: then no lock of one is held while the next one waits."""
STATEMENT_ATTEMPTS = 40
"""A single foreign key locks two tables, and loses as well; each loss costs it deadlock_timeout."""

_AGAIN = frozenset({"40P01", "40001", "55P03", "57014"})
"""SQLSTATEs after which the same statement may go through: deadlock, serialisation, lock and statement timeouts."""
_NOT_IN_TRANSACTION = "25001"


@dataclass(frozen=True, slots=True)
class PlainStatement:
    """One attempt at a statement, with its times on the monotonic clock. `locks` are those that its transaction holds after it
    on what was there before the migration, by the names of then; they are not known of what runs outside of one."""

    migration: str
    sql: str
    begin_s: float
    end_s: float
    locks: tuple[Lock, ...] = ()
    error: str | None = None


Say = Callable[[str], None]
Tell = Callable[[PlainStatement], None]


def run_plainly(dsn: str, migration: Migration, say: Say, tell: Tell = lambda done: None) -> int:
    """How often the migration failed before it went through; raises DatabaseError where it cannot. `tell` hears of each
    statement, attempt by attempt."""
    session = connect(dsn, "plain SQL", environment={})
    try:
        running = _Running(session, migration.name, tell)
        failed, error = _attempts(lambda: running.together(migration.statements), session, FILE_ATTEMPTS)
        if error is None:
            return failed
        if sqlstate_of(error) != _NOT_IN_TRANSACTION:
            say(f"plain SQL: {migration.name} failed {failed} times ({message_of(error)}); it is run statement by statement")
        return failed + sum(map(running.until_it_goes, migration.statements))
    finally:
        session.close()


class _Running:
    """Runs statements of one migration in a session, and tells what each did."""

    def __init__(self, session: Session, migration: str, tell: Tell) -> None:
        self._session, self._migration, self._tell = session, migration, tell
        self._names = {r["oid"]: str(QualifiedName(r["schema"], r["name"])) for r in session.rows(_QUERIES["relations"])}

    def together(self, statements: Sequence[Statement]) -> None:
        """In one transaction, as `psql -1` does, which leaves those of the file's own as they are."""
        self._session.run("BEGIN")
        for statement in statements:
            self._run(statement.sql)
        if self._session.in_transaction:
            self._session.run("COMMIT")

    def until_it_goes(self, statement: Statement) -> int:
        """How often it failed; in a transaction, whose locks can be seen, where it may run in one."""
        failed, error = _attempts(lambda: self.together([statement]), self._session, STATEMENT_ATTEMPTS)
        if error is not None and sqlstate_of(error) == _NOT_IN_TRANSACTION:
            failed, error = _attempts(lambda: self._run(statement.sql), self._session, STATEMENT_ATTEMPTS)
        if error is not None:
            raise error
        return failed

    def _run(self, sql: str) -> None:
        begin_s = time.monotonic()
        try:
            self._session.run(sql)
        except DatabaseError as error:
            self._tell(PlainStatement(self._migration, sql, begin_s, time.monotonic(), error=message_of(error)))
            raise
        end_s = time.monotonic()
        self._tell(PlainStatement(self._migration, sql, begin_s, end_s, self._held()))

    def _held(self) -> tuple[Lock, ...]:
        if not self._session.in_transaction:
            return ()
        held = ((self._names.get(row["oid"]), row["mode"]) for row in self._session.rows(_QUERIES["own_locks"]))
        return tuple(Lock(name, from_pg_locks(mode)) for name, mode in sorted((name, mode) for name, mode in held if name is not None))


def _attempts(run: Callable[[], None], session: Session, attempts: int) -> tuple[int, DatabaseError | None]:
    """How often it failed, and the last error where it never went through. What cannot go through fails once."""
    last: DatabaseError | None = None
    for failed in range(attempts):
        try:
            run()
            return failed, None
        except DatabaseError as error:
            last = error
            if session.in_transaction:
                session.run("ROLLBACK")
            if sqlstate_of(error) not in _AGAIN:
                return failed if sqlstate_of(error) == _NOT_IN_TRANSACTION else failed + 1, error
    return attempts, last
