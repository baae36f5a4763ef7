"""One strike: send it, guard it, and say what became of it."""

import time
from dataclasses import dataclass
from enum import StrEnum

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.engine import strike_sql
from pgsluice.execution.engine.belt import NOTHING_SEEN, Belt, Sighting
from pgsluice.execution.engine.context import StepContext
from pgsluice.execution.engine.refusals import lost, refused

TIMEOUT_SHARE, CANCEL_SHARE, END_SHARE, LAST_SHARE = 0.80, 0.90, 1.0, 1.25
"""Parts of the stall budget after which, one behind the other: the server's statement_timeout ends waits and work, so that
COMMIT still fits; the belt cancels (COMMIT, or work that has caught the timeout); the belt ends the backend; and
transaction_timeout does, where the belt is gone. COMMIT of DDL with synchronous_commit off took 0.1 to 2 ms, cancelling 1 to
2 ms (14 to 18, 2 cores)."""

LOCK_SHARE = 0.70
"""The most of the budget that may be spent on waiting for one lock, so that some is left for the work."""

WITHOUT_END_S = 1e6


class Outcome(StrEnum):
    DONE = "done"
    NO_LOCK = "no lock"
    """A lock was not to be had in time."""
    TOO_LONG = "too long"
    """The locks were had, and the work did not end within the budget."""
    TRY_AGAIN = "try again"
    """A deadlock or the like: the server rolled it back for a reason that passes."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`held_ms` is the time from the lock request to the answer to COMMIT, as we saw it. `why` is the server's message."""

    outcome: Outcome
    held_ms: float = 0.0
    why: str = ""
    sighting: Sighting = NOTHING_SEEN


def prepare(context: StepContext, opening: str = "") -> None:
    """The part of the strike's transaction that comes before any strong lock, as one message: `opening`, the journal's row,
    the file's settings; before that row what has to come before any query.

    Raises DatabaseError; the transaction is open then and failed."""
    session = context.step.session.strip().rstrip(";")
    first = session if session.startswith("SET TRANSACTION ") else ""
    texts = [opening, first, context.record_sql(), "" if first else session]
    context.work.run(";\n".join(t for t in texts if t))


def strike_once(context: StepContext, lock_ms: int) -> Attempt:
    """Sends the step's work and COMMIT in the transaction that `prepare` opened; it is failed still where this is not DONE.

    Raises StepFailedError where the server refuses the SQL, OutcomeUnknownError where the connection is lost."""
    budget_s = context.limits.stall_budget_s if not context.step.may_exceed_budget else WITHOUT_END_S
    mark = strike_sql.marker()
    text = _text(context, mark, lock_ms)
    belt = Belt(context.watch, context.work.pid, mark, cancel_s=budget_s * CANCEL_SHARE, end_s=budget_s * END_SHARE)
    failure: DatabaseError | None = None
    with belt:
        began = time.monotonic()
        try:
            context.work.run(text)
        except DatabaseError as error:
            failure = error
        held_ms = (time.monotonic() - began) * 1000
    if belt.sighting.cancels:
        absorb_cancel(context)
    return Attempt(Outcome.DONE, held_ms) if failure is None else _failed(context, failure, held_ms, belt.sighting)


def _text(context: StepContext, mark: str, lock_ms: int) -> str:
    budget_ms, bounded = context.limits.stall_budget_s * 1000, not context.step.may_exceed_budget
    last_ms = max(1, int(budget_ms * LAST_SHARE)) if bounded else 0
    return strike_sql.blow(
        context.step.sql,
        mark,
        lock_ms=lock_ms,
        total_ms=max(1, int(budget_ms * TIMEOUT_SHARE)) if bounded else 0,
        last_ms=last_ms if context.version.has_transaction_timeout else None,
    )


def absorb_cancel(context: StepContext) -> None:
    """A cancel that arrived after the strike's end must not hit the next statement."""
    try:
        context.work.run("SELECT 1")
    except DatabaseError:
        return


def _failed(context: StepContext, failure: DatabaseError, held_ms: float, sighting: Sighting) -> Attempt:
    why = message_of(failure)
    match trouble_of(failure):
        case Trouble.CONNECTION_LOST:
            raise lost(context, failure) from failure
        case Trouble.LOCK_TIMEOUT:
            return Attempt(Outcome.NO_LOCK, held_ms, why, sighting)
        case Trouble.CANCELLED:
            outcome = Outcome.TOO_LONG if sighting.mostly_worked else Outcome.NO_LOCK
            return Attempt(outcome, held_ms, why, sighting)
        case Trouble.DEADLOCK | Trouble.SERIALIZATION:
            return Attempt(Outcome.TRY_AGAIN, held_ms, why, sighting)
    raise refused(context, failure) from failure
