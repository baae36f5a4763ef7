"""Who holds locks that conflict with the ones that we are about to request."""

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.activity import Blocker
from pgsluice.model.postgres.locks import LockMode, from_pg_locks
from pgsluice.model.steps import Lock

_QUERIES = named_queries(__package__)


class Sightings:
    """For how long we have seen the same transaction, for roles from which the server hides when it began."""

    def __init__(self) -> None:
        self._first_seen: dict[str, tuple[float, float]] = {}
        self._last_look = -math.inf

    def note(self, transactions: Iterable[str]) -> None:
        """Takes down that exactly these transactions are there now."""
        now = time.monotonic()
        self._first_seen = {t: self._first_seen.get(t, (now, now - self._last_look)) for t in transactions}
        self._last_look = now

    def age_s(self, transaction: str) -> float:
        """For how long it has been seen: its age is at least that."""
        return time.monotonic() - self._first_seen[transaction][0] if transaction in self._first_seen else 0.0

    def unseen_s(self, transaction: str) -> float:
        """For how long before that nobody had looked: its age is at most that much more. Infinite for the first look."""
        return self._first_seen[transaction][1] if transaction in self._first_seen else math.inf


def conflicting_holders(
    session: Session, locks: Iterable[Lock], *, ours: Iterable[int] = (), sightings: Sightings | None = None
) -> tuple[Blocker, ...]:
    """The holders of granted locks that conflict with `locks`, oldest transaction first; backends in `ours` left out.

    One row for each transaction: the strongest mode on the first relation. A relation that does not exist has no holders.
    With `sightings`, which the caller keeps between looks, ages that the server hides are lower bounds from what we saw."""
    wanted = _conflicting_modes(locks)
    if not wanted:
        return ()
    parameters = {"names": list(wanted), "modes": [",".join(sorted(m)) for m in wanted.values()], "ours": list(ours)}
    rows = session.rows(_QUERIES["conflicting_holders"], parameters)
    seen = sightings or Sightings()
    seen.note(row["transaction"] for row in rows)
    strongest: dict[str, Blocker] = {}
    for holder in (blocker(row, seen) for row in rows):
        known = strongest.get(holder.transaction)
        if known is None or LockMode(known.mode).strength < LockMode(holder.mode).strength:
            strongest[holder.transaction] = holder
    return tuple(sorted(strongest.values(), key=lambda b: -b.age_s))


LONG_S = 5.0
"""The age from which on a transaction that holds what is needed is worth a word: most are over in less, and behind a statement
that waits for one that is not everybody waits who comes later."""


def long_holders(session: Session, locks: Iterable[Lock]) -> tuple[Blocker, ...]:
    """Those of `conflicting_holders` that have been at it for long."""
    return tuple(holder for holder in conflicting_holders(session, locks) if holder.oldest_s >= LONG_S)


def end_idle(session: Session, pid: int, idle_s: float) -> bool:
    """Ends the session `pid` if it is idle in transaction for longer than `idle_s`; whether it was ended.

    The condition and the end are one statement, so that a session which has gone on meanwhile is left alone.
    Raises DatabaseError where our role may not signal that session."""
    return bool(session.value(_QUERIES["end_idle"], {"pid": pid, "idle_s": idle_s}))


def _conflicting_modes(locks: Iterable[Lock]) -> dict[str, frozenset[str]]:
    """For each relation the modes, as pg_locks spells them, that conflict with any of our locks on it."""
    wanted: dict[str, frozenset[str]] = {}
    for lock in locks:
        modes = frozenset(mode.pg_locks_name for mode in LockMode if mode.conflicts_with(lock.mode))
        wanted[lock.relation] = wanted.get(lock.relation, frozenset()) | modes
    return wanted


def blocker(row: Mapping[str, Any], sightings: Sightings) -> Blocker:
    """A row of one of this package's queries as a Blocker. Where it waits for a transaction's end there is no relation."""
    hidden = row["age_s"] is None
    return Blocker(
        pid=row["pid"],
        relation=row["relation"],
        mode=from_pg_locks(row["mode"]) if row["mode"] else "",
        age_s=sightings.age_s(row["transaction"]) if hidden else max(0.0, row["age_s"]),
        age_is_lower_bound=hidden,
        user=row["user"],
        application=row["application"],
        state=row["state"],
        query=row["query"],
        gid=row["gid"],
        autovacuum=row["autovacuum"],
        wraparound=row["wraparound"],
        transaction=row["transaction"],
        idle_s=row["idle_s"],
        unseen_s=sightings.unseen_s(row["transaction"]) if hidden else 0.0,
    )
