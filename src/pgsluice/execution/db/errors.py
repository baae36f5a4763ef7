"""The driver's errors in our words, so that nobody else imports the driver."""

from enum import StrEnum

import psycopg

from pgsluice.model.postgres import sqlstates

DatabaseError = psycopg.Error
"""Whatever a Session raises."""


class Trouble(StrEnum):
    """What kind of error it is, as far as it matters for what to do next."""

    CONNECTION_LOST = "connection lost"
    """The session is gone; what a commit had reached is unknown."""
    LOCK_TIMEOUT = "lock timeout"
    CANCELLED = "cancelled"
    """By a statement timeout, by us from another thread, or by a person."""
    DEADLOCK = "deadlock"
    SERIALIZATION = "serialization failure"
    NOT_PERMITTED = "not permitted"
    READ_ONLY = "read only"
    DISK_FULL = "disk full"
    OTHER = "other"


_BY_STATE = {
    sqlstates.LOCK_NOT_AVAILABLE: Trouble.LOCK_TIMEOUT,
    sqlstates.QUERY_CANCELED: Trouble.CANCELLED,
    sqlstates.DEADLOCK_DETECTED: Trouble.DEADLOCK,
    sqlstates.SERIALIZATION_FAILURE: Trouble.SERIALIZATION,
    sqlstates.INSUFFICIENT_PRIVILEGE: Trouble.NOT_PERMITTED,
    sqlstates.READ_ONLY_SQL_TRANSACTION: Trouble.READ_ONLY,
    sqlstates.DISK_FULL: Trouble.DISK_FULL,
}

PASSES_BY_ITSELF = frozenset({Trouble.LOCK_TIMEOUT, Trouble.CANCELLED, Trouble.DEADLOCK, Trouble.SERIALIZATION})
"""The transaction was rolled back whole and may be tried again on the same session."""


def sqlstate_of(error: BaseException) -> str | None:
    """The server's SQLSTATE; None where the error did not come from the server."""
    return error.sqlstate if isinstance(error, psycopg.Error) else None


def trouble_of(error: BaseException) -> Trouble:
    """What kind of error it is. One without a SQLSTATE is a lost connection only where the driver says so: its own
    complaints (a wrong number of parameters, say) are OTHER."""
    state = sqlstate_of(error)
    if state is None:
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Trouble.CONNECTION_LOST if lost else Trouble.OTHER
    if sqlstates.means_connection_lost(state):
        return Trouble.CONNECTION_LOST
    return _BY_STATE.get(state, Trouble.OTHER)


def message_of(error: BaseException) -> str:
    """The server's message with its detail and hint, in one line."""
    if not isinstance(error, psycopg.Error) or not error.diag.message_primary:
        return " ".join(str(error).split())
    detail = error.diag.message_detail and f"({error.diag.message_detail})"
    hint = error.diag.message_hint and f"hint: {error.diag.message_hint}"
    return " ".join(" ".join(filter(None, (error.diag.message_primary, detail, hint))).split())
