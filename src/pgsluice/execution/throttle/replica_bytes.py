"""Replay lag in bytes: how much WAL a standby has still to replay."""

from dataclasses import dataclass, field

from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading, size
from pgsluice.execution.throttle.standbys import Standbys


@dataclass
class ReplicaBytes:
    """256 MB are a few seconds of replay; a standby that never catches up is seen here before it is seen in time."""

    limit: int = 256_000_000
    name: str = "replica lag in bytes"
    stops: bool = True
    _standbys: Standbys = field(default_factory=Standbys)

    def read(self, session: Session) -> Reading:
        found, _ = self._standbys.look(session)
        if not found:
            return NOTHING
        last = max(found, key=lambda s: s.behind)
        return Reading(last.behind / self.limit, f"standby {last.name} is {size(last.behind)} of WAL behind (limit {size(self.limit)})")
