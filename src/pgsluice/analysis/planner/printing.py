"""The pieces of a rewrite as SQL that runs as printed."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.parsing.statement import Enclosure
from pgsluice.analysis.planner.assembly import groups
from pgsluice.analysis.planner.ordering import in_phases
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.plan import PhaseName

_BATCHED = "-- in batches: as one statement it locks every row that it changes until it ends"
_GATE = "-- once no running release uses it any more"


def printed(pieces: list[Piece], enclosure: Enclosure | None = None) -> tuple[str, ...]:
    """The statements, one an entry, in the order in which a plan runs them; what shares a transaction stands between BEGIN and
    COMMIT. Comments say what plain SQL cannot, and what to do about a transaction of the tool's, `enclosure`."""
    own = [replace(piece, session="", atom=-1) for piece in pieces]
    together = list(groups(in_phases(own)))
    found = [line for group in together for line in _group(group, gated=len({p.phase for p in own}) > 1)]
    if enclosure is not None and not _fits(together, enclosure):
        found[0] = f"-- {enclosure.why}\n{found[0]}"
    return tuple(found)


def _fits(together: list[list[Piece]], enclosure: Enclosure) -> bool:
    """Whether the rewrite may stand where the statement stands."""
    pieces = [piece for group in together for piece in group]
    return len(together) <= 1 and (enclosure.spared or all(piece.impact.in_transaction for piece in pieces))


def _group(pieces: list[Piece], gated: bool) -> Iterator[str]:
    gate = f"{_GATE}\n" if gated and pieces[0].phase is PhaseName.CONTRACT else ""
    if len(pieces) == 1:
        yield gate + _sql(pieces[0])
        return
    yield f"{gate}BEGIN"
    yield from map(_sql, pieces)
    yield "COMMIT"


def _sql(piece: Piece) -> str:
    return f"{_BATCHED}\n{piece.sql}" if piece.fill is not None else piece.sql
