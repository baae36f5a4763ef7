"""What the signals of replication share: the standbys, those that were there among them."""

from dataclasses import dataclass, field

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import UnreadableError

_QUERIES = named_queries(__package__)


@dataclass(frozen=True, slots=True)
class Standby:
    """`replayed` and `written` are positions in the WAL, in bytes."""

    name: str
    replayed: int
    written: int

    @property
    def behind(self) -> int:
        return max(0, self.written - self.replayed)


@dataclass
class Standbys:
    """Remembers who was there: one that is stopped vanishes from the server's view, and its lag with it."""

    known: set[str] = field(default_factory=set)

    def look(self, session: Session) -> tuple[list[Standby], set[str]]:
        """Those that stream, and the names of those that do not any more. Raises UnreadableError."""
        rows = session.rows(_QUERIES["standbys"])
        if any(row["state"] is None or row["replayed"] is None for row in rows):
            raise UnreadableError("this role may not see how far standbys are (grant pg_monitor)")
        found = [Standby(row["name"], row["replayed"], row["written"]) for row in rows]
        names = {standby.name for standby in found}
        self.known |= names
        return found, self.known - names
