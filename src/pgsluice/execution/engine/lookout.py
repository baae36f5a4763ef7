"""Watching before a strike: who is in the way, on the primary and on the standbys, and telling the user."""

import math
import time
from dataclasses import replace

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import StepContext
from pgsluice.execution.monitor.holders import Sightings, conflicting_holders, end_idle
from pgsluice.model.activity import Blocker
from pgsluice.model.errors import StoppedError
from pgsluice.model.events import Notice, Waiting
from pgsluice.model.postgres.locks import LockMode

QUICKEST_LOOK_S = 0.005
LOOK_COST_FACTOR = 20
"""Looking takes at most a twentieth of the time: every 5 ms costs about 5 % of a core in the server."""

NOTABLE_S = 0.5
"""Blockers younger than this come and go; naming them would flood the terminal."""


SAY_AGAIN_S = 30.0


class Lookout:
    """Looks at the holders of conflicting locks, remembers for how long it saw them, and reports the ones in the way."""

    def __init__(self, context: StepContext) -> None:
        self._context = context
        self._sightings = Sightings()
        self._on_standbys = [(standby, Sightings()) for standby in context.standbys]
        self._replayed = tuple(lock for lock in context.step.locks if lock.mode is LockMode.ACCESS_EXCLUSIVE)
        self._told: dict[str, float] = {}
        self._began = time.monotonic()
        self._cost_s = 0.0

    @property
    def waited_s(self) -> float:
        return time.monotonic() - self._began

    @property
    def pause_s(self) -> float:
        """How long to wait until the next look, given what the last one cost."""
        return max(QUICKEST_LOOK_S, LOOK_COST_FACTOR * self._cost_s)

    def look(self) -> tuple[Blocker, ...]:
        """All holders, oldest first. Raises StoppedError where a standby cannot be looked at any more."""
        began = time.monotonic()
        context = self._context
        found = conflicting_holders(context.watch, context.step.locks, ours=context.own_pids, sightings=self._sightings)
        self._end_idle(context.watch, found)
        for number, (standby, sightings) in enumerate(self._on_standbys, 1):
            found += self._look_at(standby, sightings, f"standby {number}")
        self._cost_s = time.monotonic() - began
        self._tell(found)
        return tuple(sorted(found, key=lambda b: -b.age_s))

    def _look_at(self, standby: Session, sightings: Sightings, name: str) -> tuple[Blocker, ...]:
        """A standby replays ACCESS EXCLUSIVE only. Its transactions are told from the primary's by its name."""
        try:
            found = conflicting_holders(standby, self._replayed, ours=(standby.pid,), sightings=sightings)
            self._end_idle(standby, found)
        except DatabaseError as error:
            raise StoppedError(
                "standby-lost",
                f"{name} cannot be looked at any more: {message_of(error)}",
                where=self._context.place,
                next="nothing of this step was changed; run again when the standby answers, or without --standby for it",
            ) from error
        return tuple(replace(b, relation=f"{b.relation} on {name}", transaction=f"{name} {b.transaction}") for b in found)

    def _end_idle(self, session: Session, found: tuple[Blocker, ...]) -> None:
        """Ends those whom the user allowed us to end: idle in transaction for too long. `session` is where they were found."""
        limit_s = self._context.limits.cancel_idle_s
        for blocker in found if limit_s is not None else ():
            if blocker.pid is not None and blocker.idle_s is not None and blocker.idle_s >= (limit_s or 0.0):
                said = _ended(session, blocker, blocker.pid, limit_s or 0.0)
                self._context.report(Notice(self._context.migration, self._context.step.id, said))

    def _tell(self, found: tuple[Blocker, ...]) -> None:
        """Who is in the way, as soon as there is somebody new: one who comes again and again is named now and then."""
        notable = tuple(b for b in found if b.age_s >= NOTABLE_S)
        now = time.monotonic()
        if any(now - self._told.get(_who(b), -math.inf) >= SAY_AGAIN_S for b in notable):
            event = Waiting(self._context.migration, self._context.step.id, "a gap between transactions", notable, self.waited_s)
            self._context.report(event)
            self._told |= {_who(b): now for b in notable}


def _who(blocker: Blocker) -> str:
    """What stays the same from one transaction of a session to its next."""
    return f"{blocker.gid or blocker.pid} {blocker.relation}"


def _ended(session: Session, blocker: Blocker, pid: int, idle_s: float) -> str:
    """Ends it, and says whether that was possible."""
    try:
        done = "ended" if end_idle(session, pid, idle_s) else "left alone, as it has gone on"
    except DatabaseError as error:
        done = f"may not be ended ({message_of(error)})"
    return f"{done}: {blocker.describe()}"
