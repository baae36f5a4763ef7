"""What happens on the server meanwhile: who of the application waits for a lock, how much WAL is written, how the database grows."""

from collections.abc import Iterator
from contextlib import contextmanager

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.rehearsal import Waiters
from pgsluice.rehearsal.place import session
from pgsluice.rehearsal.sampling import Sampling

_QUERIES = named_queries(__package__)

WAITERS_EVERY_S, SIZE_EVERY_S = 0.1, 0.5
"""A tenth of a second is a slice of the timeline; the size is read from every file of the database."""


class Surroundings:
    """Looks at a database from two sessions; what was seen is complete once they have stopped."""

    def __init__(self, looking: Session, sizing: Session) -> None:
        self.activity = Sampling(lambda: _activity(looking), WAITERS_EVERY_S)
        self.sizes = Sampling(lambda: int(sizing.value(_QUERIES["database_size"])), SIZE_EVERY_S)

    def waiters(self, since_s: float, until_s: float) -> tuple[Waiters, ...]:
        """By the time since `since_s`."""
        return tuple(Waiters(at_s - since_s, count) for at_s, (count, _) in self.activity.taken if since_s <= at_s < until_s)

    def wal_bytes(self, since_s: float, until_s: float) -> int:
        """Written between the first and the last look of a stretch of time."""
        found = [written for at_s, (_, written) in self.activity.taken if since_s <= at_s < until_s]
        return found[-1] - found[0] if found else 0

    def disk_bytes(self, since_s: float, until_s: float) -> int:
        """By how much the database grew at most over its last size before."""
        before = [size for at_s, size in self.sizes.taken if at_s <= since_s]
        meanwhile = [size for at_s, size in self.sizes.taken if since_s <= at_s < until_s]
        start = before[-1] if before else next(iter(meanwhile), 0)
        return max(0, max(meanwhile, default=start) - start)


@contextmanager
def surroundings(dsn: str) -> Iterator[Surroundings]:
    """Looks while it is entered."""
    with session(dsn) as looking, session(dsn) as sizing:
        looking.keep_plans()
        found = Surroundings(looking, sizing)
        with found.activity, found.sizes:
            yield found


def _activity(looking: Session) -> tuple[int, int]:
    row = looking.rows(_QUERIES["activity"])[0]
    return row["waiters"], row["written"]
