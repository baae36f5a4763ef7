"""The SQLSTATEs that we act on. Source: PostgreSQL documentation, appendix A."""

LOCK_NOT_AVAILABLE = "55P03"
QUERY_CANCELED = "57014"
DEADLOCK_DETECTED = "40P01"
SERIALIZATION_FAILURE = "40001"
DUPLICATE_TABLE = "42P07"
DUPLICATE_COLUMN = "42701"
DUPLICATE_OBJECT = "42710"
UNDEFINED_TABLE = "42P01"
INSUFFICIENT_PRIVILEGE = "42501"
READ_ONLY_SQL_TRANSACTION = "25006"
DISK_FULL = "53100"
ADMIN_SHUTDOWN = "57P01"
TRANSACTION_TIMEOUT = "25P04"


def means_connection_lost(sqlstate: str | None) -> bool:
    """Class 08, 57P01 to 57P05, or no state at all (libpq lost the socket): the outcome may be unknown."""
    return sqlstate is None or sqlstate.startswith("08") or sqlstate in {"57P01", "57P02", "57P03", "57P04", "57P05", TRANSACTION_TIMEOUT}
