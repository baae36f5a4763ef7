"""The rate at which the whole server writes WAL."""

import time
from dataclasses import dataclass, field

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading, size

_QUERIES = named_queries(__package__)


@dataclass
class WalRate:
    """`limit` in bytes a second."""

    limit: float
    name: str = "WAL rate"
    stops: bool = False
    _before: tuple[float, int] | None = field(default=None)

    def read(self, session: Session) -> Reading:
        now, written = time.monotonic(), int(session.value(_QUERIES["wal_written"]))
        before, self._before = self._before, (now, written)
        if before is None or now <= before[0]:
            return NOTHING
        rate = (written - before[1]) / (now - before[0])
        return Reading(rate / self.limit, f"the server writes {size(rate)} of WAL a second (limit {size(self.limit)})")
