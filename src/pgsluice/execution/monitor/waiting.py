"""Who waits behind one of our backends, and for whom one of ours waits."""

from collections.abc import Iterable
from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import Sightings, blocker
from pgsluice.model.activity import Blocker

_QUERIES = named_queries(__package__)


@dataclass(frozen=True, slots=True)
class Waiter:
    """An application session that has waited for `waited_s` behind one of our backends, for `what` (a relation or a row)."""

    pid: int
    waited_s: float
    what: str


def waiters_on(session: Session, pid: int, *, ours: Iterable[int] = ()) -> tuple[Waiter, ...]:
    """The application sessions that wait behind the backend `pid`, longest first; backends in `ours` left out.

    They wait for relation locks in the modes that queries take, or for row locks; DDL of others that waits is left out."""
    rows = session.rows(_QUERIES["waiters_on"], {"pid": pid, "ours": list(ours)})
    return tuple(Waiter(row["pid"], row["waited_s"], row["what"]) for row in rows)


def blockers_of(session: Session, pid: int) -> tuple[Blocker, ...]:
    """Whom the backend `pid` waits for right now; empty where it does not wait. A wait for a transaction to end (as concurrent
    builds do) has no relation."""
    return tuple(blocker(row, Sightings()) for row in session.rows(_QUERIES["blockers_of"], {"pid": pid}))


def activity_of(session: Session, pids: Iterable[int]) -> tuple[Blocker, ...]:
    """These backends as blockers of an unknown lock; those that are gone are left out."""
    return tuple(blocker(row, Sightings()) for row in session.rows(_QUERIES["activity_of"], {"pids": list(pids)}))


def cancel(session: Session, pid: int) -> None:
    """Cancels what the backend `pid` runs; when it returns, the signal is on its way to no other statement than the
    one that runs now or the next. Raises DatabaseError where our role may not."""
    session.value(_QUERIES["cancel"], {"pid": pid})


def end_backend(session: Session, pid: int) -> None:
    """Ends the backend `pid`, as the last resort where it does not obey `cancel`. Raises DatabaseError where we may not."""
    session.value(_QUERIES["end_backend"], {"pid": pid})


def deadlock_timeout_ms(session: Session) -> int:
    """The server's deadlock_timeout: only who waits for longer makes an autovacuum give way."""
    return int(session.value(_QUERIES["deadlock_timeout_ms"]))


def lockable(session: Session, relations: Iterable[str]) -> tuple[str, ...]:
    """The tables among the relations (quoted, qualified), or to which the indexes among them belong, that our role may lock
    by LOCK TABLE; each once, in the given order."""
    return tuple(row["name"] for row in session.rows(_QUERIES["lockable"], {"names": list(relations)}))
