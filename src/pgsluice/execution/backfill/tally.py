"""How far all workers of a backfill are together, for those who watch."""

import threading
import time
from collections import deque

MEMORY_S = 10.0
"""Of the pace that an estimate rests on; at least a fifth of the time so far."""


class Tally:
    """Shared between threads. `rows` changed in this run, `hot` of the updates stayed on their page; `behind` is what comes behind the
    first pass, as a share of that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: dict[int, float] = {}
        self._began = time.monotonic()
        self._seen: deque[tuple[float, float, int]] = deque([(self._began, 0.0, 0)])
        self.rows = self.hot = 0
        self.behind = 0.0
        self._bad: set[str] = set()

    def add(self, rows: int, hot: int) -> None:
        with self._lock:
            self.rows += rows
            self.hot += hot

    @property
    def bad(self) -> int:
        """Rows that could not be changed."""
        return len(self._bad)

    def add_bad(self, place: str) -> bool:
        """Whether the row in this place was not known as bad."""
        with self._lock:
            new = place not in self._bad
            self._bad.add(place)
            return new

    def reached(self, worker: int, share: float) -> None:
        """The worker has done this share, from 0 to 1, of what is its own in the first pass."""
        with self._lock:
            self._shares[worker] = max(share, self._shares.get(worker, 0.0))

    def share(self, workers: int) -> float:
        with self._lock:
            return sum(self._shares.values()) / workers

    @property
    def hot_share(self) -> float:
        return self.hot / self.rows if self.rows else 0.0

    def look(self, workers: int) -> tuple[float, float | None]:
        """Rows a second of late, and the seconds that are left at that pace (None: not known yet). Called by one thread."""
        now, share = time.monotonic(), self.share(workers)
        self._seen.append((now, share, self.rows))
        keep_s = max(MEMORY_S, (now - self._began) / 5)
        while len(self._seen) > 2 and now - self._seen[1][0] > keep_s:
            self._seen.popleft()
        then, before, rows = self._seen[0]
        elapsed = max(now - then, 1e-3)
        pace = (share - before) / elapsed
        return (self.rows - rows) / elapsed, (1 + self.behind - share) / pace if pace > 0 else None
