"""Going on after a lost connection: first the lease again, then the journal is asked, then the work begins where it stands."""

import time
from collections import deque
from collections.abc import Callable

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.engine.context import OutcomeUnknownError
from pgsluice.execution.engine.one_step import Crew
from pgsluice.execution.engine.tenure import is_lost
from pgsluice.model.errors import ConnectionFailedError, PatienceError, StepFailedError, StoppedError
from pgsluice.model.events import Notice

LOSSES, WITHIN_S = 5, 60.0
"""So many lost connections in so short a time are not bad luck: the work itself ends them, or the server crashes of it."""


def persist(crew: Crew, migration: str, work: Callable[[], None]) -> None:
    """Does `work`, again from its start after each lost connection: it must look into the journal for where it stands.

    Raises what `work` raises but for lost connections, what Tenure.resume raises, and StepFailedError `connection-lost`."""
    losses: deque[float] = deque(maxlen=LOSSES)
    while True:
        try:
            return work()
        except (OutcomeUnknownError, ConnectionFailedError, DatabaseError) as error:
            if not is_lost(error):
                if isinstance(error, DatabaseError):
                    raise _not_written(migration, error) from error
                raise
            what = message_of(error) if isinstance(error, DatabaseError) else error.what
            losses.append(time.monotonic())
            if len(losses) == LOSSES and losses[-1] - losses[0] < WITHIN_S:
                raise _unlucky(migration, what) from error
            crew.report(Notice(migration, "", f"{what}; connecting again to see what became of it"))
            _resume(crew, migration)


def _resume(crew: Crew, migration: str) -> None:
    try:
        crew.tenure.resume()
    except PatienceError as error:
        raise StoppedError(
            "lease-lost",
            f"the connection was lost, and meanwhile {error.what}",
            where=f"migration {migration}",
            next="see `pgsluice status`; run again once the other run has ended",
        ) from error


def _not_written(migration: str, error: DatabaseError) -> StepFailedError:
    return StepFailedError(
        "journal-not-written",
        f"the journal could not be read or written: {message_of(error)}",
        where=f"migration {migration}",
        next="correct the cause; then run again",
    )


def _unlucky(migration: str, what: str) -> StepFailedError:
    return StepFailedError(
        "connection-lost",
        f"the connection was lost {LOSSES} times within {WITHIN_S:.0f} s: {what}",
        where=f"migration {migration}",
        next="see the server's log for the reason; then run again or roll back",
    )
