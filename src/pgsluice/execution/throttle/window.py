"""A time of the day in which the backfill may work."""

import re
from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading

_QUERIES = named_queries(__package__)
_SPELLING = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)\Z")


@dataclass
class Window:
    """From `begin` up to `end`, by the server's clock in the time zone of our session; over midnight where `end` comes first."""

    begin: str
    end: str
    name: str = "time window"
    stops: bool = True

    @classmethod
    def of(cls, text: str) -> "Window":
        """22:00-06:00; raises ValueError."""
        if not _SPELLING.match(text):
            raise ValueError(text)
        begin, end = text.split("-")
        return cls(begin, end)

    def read(self, session: Session) -> Reading:
        now = str(session.value(_QUERIES["clock"]))
        inside = self.begin <= now < self.end if self.begin < self.end else now >= self.begin or now < self.end
        return NOTHING if inside else Reading(1.0, f"it is outside of {self.begin}-{self.end}")
