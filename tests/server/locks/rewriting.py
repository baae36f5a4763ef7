"""Whether a statement writes a table anew, as the server has done it."""

from tests.support.sql import execute, value

_FILE = "SELECT pg_relation_filenode('t')"


def rewrites(dsn: str, change: str) -> bool:
    """Runs it; whether the table `t` has another file then."""
    before = value(dsn, _FILE)
    execute(dsn, change)
    return bool(value(dsn, _FILE) != before)
