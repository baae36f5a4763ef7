"""Replication slots at risk: what they keep grows until the server throws it away, or the disk is full."""

from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading, size

_QUERIES = named_queries(__package__)


@dataclass
class Slots:
    """The limit is three quarters of max_slot_wal_keep_size, behind which a slot is lost; where that is unlimited, `unlimited`."""

    unlimited: int = 4_000_000_000
    name: str = "replication slots"
    stops: bool = True

    def read(self, session: Session) -> Reading:
        worst = NOTHING
        for row in session.rows(_QUERIES["slots"]):
            limit = row["most"] * 0.75 if row["most"] else self.unlimited
            share = max(row["kept"] / limit if limit else 1.0, 1.0 if row["wal_status"] == "unreserved" else 0.0)
            if share > worst.share:
                idle = "" if row["active"] else ", which nobody reads,"
                worst = Reading(share, f"replication slot {row['name']}{idle} keeps {size(row['kept'])} of WAL (limit {size(limit)})")
        return worst
