"""Cancelling and ending what was looked at, and nothing that came after it: condition and signal are one statement."""

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.snapshot import Backend

_QUERIES = named_queries(__package__)


def cancel_statement(session: Session, backend: Backend) -> bool:
    """Whether the statement that was seen still ran and was cancelled. Raises DatabaseError where our role may not."""
    facts = {"pid": backend.pid, "statement": backend.statement_began}
    return any(row["done"] for row in session.rows(_QUERIES["cancel"], facts))


def end_session(session: Session, backend: Backend) -> bool:
    """Whether the session still was in the transaction and at the statement that were seen, and was ended."""
    facts = {"pid": backend.pid, "statement": backend.statement_began, "transaction": backend.transaction_began}
    return any(row["done"] for row in session.rows(_QUERIES["end"], facts))
