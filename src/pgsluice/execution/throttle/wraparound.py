"""A vacuum against wraparound of the table: it gives way to nobody, and what we leave behind is more work for it."""

from dataclasses import dataclass

from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import conflicting_holders
from pgsluice.execution.throttle.signal import NOTHING, Reading
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock


@dataclass
class Wraparound:
    """`tables` are quoted and qualified."""

    tables: tuple[str, ...]
    name: str = "wraparound vacuum"
    stops: bool = True

    def read(self, session: Session) -> Reading:
        locks = [Lock(table, LockMode.SHARE_UPDATE_EXCLUSIVE) for table in self.tables]
        found = next((h for h in conflicting_holders(session, locks) if h.wraparound), None)
        return NOTHING if found is None else Reading(1.0, f"{found.relation} is being vacuumed against wraparound (pid {found.pid})")
