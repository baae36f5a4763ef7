"""How many rows the tables of a live database hold, as its statistics say, and how many a rehearsal makes of them."""

import math
from collections.abc import Mapping

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName

_QUERIES = named_queries(__package__)

AT_LEAST = 100
"""So many rows of a small table are kept whatever the scale is: requests need different ones to ask for."""


def read_sizes(session: Session) -> dict[QualifiedName, int]:
    """By table the rows that statistics know of: those of ANALYZE, or of a dump with statistics that was laid out. Tables without
    are left out."""
    return {QualifiedName(row["schema"], row["name"]): row["rows"] for row in session.rows(_QUERIES["sizes"])}


def scaled(sizes: Mapping[QualifiedName, int], scale: float) -> dict[QualifiedName, int]:
    """The part `scale` of each size, AT_LEAST where there are so many, never nothing."""
    return {name: max(1, math.ceil(size * scale), min(size, AT_LEAST)) for name, size in sizes.items()}
