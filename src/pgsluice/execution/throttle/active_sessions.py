"""Active sessions: how busy the server is with others."""

from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import Reading, UnreadableError

_QUERIES = named_queries(__package__)


@dataclass
class ActiveSessions:
    """`limit` sessions of others that run a query at the same time."""

    limit: int
    name: str = "active sessions"
    stops: bool = False

    def read(self, session: Session) -> Reading:
        (row,) = session.rows(_QUERIES["active_sessions"])
        if row["hidden"]:
            raise UnreadableError("this role may not see what others do (grant pg_monitor)")
        return Reading(row["active"] / self.limit, f"{row['active']} sessions are active (limit {self.limit})")
