"""Where a server counts the statements that it is asked."""

from pgsluice.execution.db.session import Session

_VIEW = """
SELECT pg_catalog.quote_ident(n.nspname) || '.pg_stat_statements'
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'"""


def statement_view(session: Session) -> str | None:
    """The view of pg_stat_statements, quoted and qualified; None where it is not installed in the database. Raises DatabaseError."""
    found: str | None = session.value(_VIEW)
    return found
