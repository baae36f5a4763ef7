"""Replay lag in time: how old what a standby shows is."""

import time
from collections import deque
from dataclasses import dataclass, field

from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading, seconds
from pgsluice.execution.throttle.standbys import Standby, Standbys


@dataclass
class ReplicaLag:
    """A standby is as late as the first WAL that it has not replayed is old. The server's own `replay_lag` stands still with a
    standby that does not answer, so the positions of the past are remembered here."""

    limit_s: float = 10.0
    name: str = "replica lag"
    stops: bool = True
    _standbys: Standbys = field(default_factory=Standbys)
    _past: deque[tuple[float, int]] = field(default_factory=deque)

    def read(self, session: Session) -> Reading:
        found, gone = self._standbys.look(session)
        now = time.monotonic()
        if found:
            self._past.append((now, max(s.written for s in found)))
        while len(self._past) > 1 and now - self._past[0][0] > 10 * self.limit_s:
            self._past.popleft()
        if gone:
            return Reading(1.0, f"standby {', '.join(sorted(gone))} has gone: it was streaming when this began")
        if not found:
            return NOTHING
        last = max(found, key=lambda s: self._late_s(s, now))
        late = self._late_s(last, now)
        return Reading(late / self.limit_s, f"standby {last.name} replays what is {seconds(late)} old (limit {seconds(self.limit_s)})")

    def _late_s(self, standby: Standby, now: float) -> float:
        return next((now - then for then, written in self._past if written > standby.replayed), 0.0)
