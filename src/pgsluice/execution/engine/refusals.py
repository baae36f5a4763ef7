"""The errors in which a step can end, in words for the user."""

from collections.abc import Sequence

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.engine.context import OutcomeUnknownError, StepContext
from pgsluice.model.activity import Blocker
from pgsluice.model.errors import PatienceError, StepFailedError

UNCHANGED = "nothing of this step was changed"


def lost(context: StepContext, error: DatabaseError) -> OutcomeUnknownError:
    """The connection that ran the step is gone."""
    return OutcomeUnknownError(f"the connection was lost while the step ran: {message_of(error)}", context.work.pid, where=context.place)


def refused(context: StepContext, error: DatabaseError) -> StepFailedError:
    """The server says no to a transactional step, which it has rolled back."""
    return StepFailedError(
        "statement-failed",
        f"the server refused the step: {message_of(error)}",
        where=context.place,
        next=f"{UNCHANGED}; correct the cause and run again, or roll back",
    )


def patience_spent(context: StepContext, holders: Sequence[Blocker], waited_s: float, attempts: int) -> PatienceError:
    """`holders` are the ones in the way, as last seen."""
    named = "; ".join(holder.describe() for holder in holders) or "nobody whom pgsluice could see"
    return PatienceError(
        "patience-spent",
        f"no gap was found within {waited_s:.0f} s (tries: {attempts}); in the way: {named}",
        where=context.place,
        next=f"{UNCHANGED}: run again when these transactions have ended, or with a larger --patience",
    )


def exceeds_budget(context: StepContext, tries: int, why: str) -> StepFailedError:
    """The work under a blocking lock takes too long: it was predicted to be brief."""
    return StepFailedError(
        "step-exceeds-budget",
        f"the work under the lock did not end within the stall budget of {context.limits.stall_budget_s * 1000:.0f} ms, "
        f"tried {tries} times: {why}",
        where=context.place,
        next=f"{UNCHANGED}; give a larger --stall-budget, or take the statement apart",
    )


def blocks_application(context: StepContext, tries: int, what: str) -> StepFailedError:
    """A step that was predicted to block nobody does: it was cancelled before anybody waited longer than the budget."""
    times = f" {tries} times" if tries > 1 else ""
    return StepFailedError(
        "step-blocks-application",
        f"the step was to block nobody, but application queries waited behind it for {what}; it was cancelled{times}",
        where=context.place,
        next="it left nothing behind; this is a wrong prediction of pgsluice's: please report the statement",
    )
