"""A query of the user's own: the backfill holds while it says so."""

from dataclasses import dataclass

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading, UnreadableError

TIMEOUT_S = 5.0


@dataclass
class Query:
    """`sql` returns one value; true, or a number above 0, holds. It may only read, and takes 5 s at most."""

    sql: str
    name: str = "your query"
    stops: bool = True

    def read(self, session: Session) -> Reading:
        try:
            rows = session.last_rows(f"BEGIN READ ONLY; SET LOCAL statement_timeout = '{TIMEOUT_S:.0f}s'; {self.sql.rstrip().rstrip(';')}")
        except DatabaseError as error:
            if session.closed:
                raise
            raise UnreadableError(f"it fails: {message_of(error)}") from error
        finally:
            if session.in_transaction:
                session.run("ROLLBACK")
        if len(rows) != 1 or len(rows[0]) != 1:
            raise UnreadableError("it must return one row with one value")
        (value,) = rows[0].values()
        if not isinstance(value, bool | int | float | None):
            raise UnreadableError(f"it must return true, false or a number, and returned {value!r}")
        return Reading(1.0, f"your query says {value}") if value else NOTHING
