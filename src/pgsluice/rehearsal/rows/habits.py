"""How the values of production's columns are spread, as its statistics say; never which values they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName

_QUERIES = named_queries(__package__)

GRAIN = 1000
"""Shares are kept in thousandths."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Of a column: the part of the rows with NULL, pg_stats.n_distinct (a number of values, or less than 0: minus the part of the rows
    that have a value of their own), and the part of the rows with the commonest value."""

    null_share: float
    n_distinct: float
    commonest: float

    @property
    def commonest_per_grain(self) -> int:
        """Of so many values that are not NULL those that are the commonest one."""
        return round(self.commonest / max(1 - self.null_share, 1 / GRAIN) * GRAIN)

    def distinct(self, rows: int) -> int:
        """How many values differ among so many rows."""
        return max(1, round(self.n_distinct if self.n_distinct > 0 else -self.n_distinct * rows))


Habits = Mapping[QualifiedName, Mapping[str, Habit]]
"""By table and column."""


def read_habits(session: Session) -> dict[QualifiedName, dict[str, Habit]]:
    """Of every column with statistics that the role may see."""
    found: dict[QualifiedName, dict[str, Habit]] = {}
    for row in session.rows(_QUERIES["habits"]):
        habit = Habit(row["null_share"], row["n_distinct"], row["commonest"])
        found.setdefault(QualifiedName(row["schema"], row["name"]), {})[row["column"]] = habit
    return found
