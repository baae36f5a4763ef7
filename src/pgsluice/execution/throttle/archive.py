"""Archive backlog: WAL that waits to be archived fills the disk, and leaves a gap in the backups."""

from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import NOTHING, Reading

_QUERIES = named_queries(__package__)


@dataclass
class Archive:
    """`limit` in files of WAL, 64 of 16 MB by default. Counted from the file names, which every role may see. Where nothing was ever
    archived, it counts from the first look."""

    limit: int = 64
    name: str = "archive backlog"
    stops: bool = True
    _first: int | None = None

    def read(self, session: Session) -> Reading:
        rows = session.rows(_QUERIES["archiver"])
        if not rows or not rows[0]["archiving"]:
            return NOTHING
        row = rows[0]
        current = _number(row["current"], row["segment"])
        self._first = current if self._first is None else self._first
        last = _number(row["last"], row["segment"]) if row["last"] and len(row["last"]) == 24 else self._first - 1
        waiting = max(0, current - last - 1)
        if not waiting:
            return NOTHING
        failing = "; archive_command fails" if row["failing"] else ""
        return Reading(waiting / self.limit, f"{waiting} files of WAL wait to be archived (limit {self.limit}){failing}")


def _number(file: str, segment: int) -> int:
    """The place of a WAL file in the order of its timeline: its name is timeline, log and segment, eight hexadecimal digits each."""
    return int(file[8:16], 16) * ((1 << 32) // segment) + int(file[16:24], 16)
