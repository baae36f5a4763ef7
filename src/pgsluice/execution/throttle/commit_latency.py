"""Commit latency: what the disk, and the synchronous standbys, make every commit of the application wait."""

import time
from dataclasses import dataclass

from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import Reading


@dataclass
class CommitLatency:
    """`write` is SQL that writes a little of ours, committed as the application's transactions are; the best of the last three tells,
    as one may have met a checkpoint. Disks take 0.1 to 20 ms."""

    write: str
    limit_s: float = 0.200
    name: str = "commit latency"
    stops: bool = False
    _last: tuple[float, ...] = ()

    def read(self, session: Session) -> Reading:
        began = time.monotonic()
        session.run(self.write)
        self._last = (*self._last, time.monotonic() - began)[-3:]
        took = min(self._last)
        return Reading(took / self.limit_s, f"a commit takes {took * 1000:.0f} ms (limit {self.limit_s * 1000:.0f} ms)")
