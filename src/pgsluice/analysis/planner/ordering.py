"""Which phase each piece runs in, and in which order: contract waits, and takes with it only what depends on it."""

from dataclasses import replace

from pgsluice.analysis.effects.hanging import ends
from pgsluice.analysis.parsing.trees import walk
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.plan import PhaseName

_ORDER = list(PhaseName)

_WRITES = frozenset({"UPDATE", "DELETE"})
_ADDS_PART = frozenset({"ALTER TABLE ADD COLUMN", "ALTER TABLE SET DEFAULT"})
_DROPS_DEFAULT = frozenset({"ALTER TABLE DROP DEFAULT"})
_WITHOUT_DEFAULTS = frozenset(
    {
        "ALTER TABLE SET NOT NULL",
        "ALTER TABLE DROP NOT NULL",
        "ALTER TABLE ADD CONSTRAINT",
        "ALTER TABLE VALIDATE CONSTRAINT",
        "ALTER TABLE DROP CONSTRAINT",
        "ALTER TABLE SET STATISTICS",
        "CREATE INDEX",
        "COMMENT",
    }
)
_DROPS_COLUMN = frozenset({"ALTER TABLE DROP COLUMN"})
_DROPS_PART = frozenset({"ALTER TABLE DROP COLUMN", "ALTER TABLE DROP CONSTRAINT"})


def in_phases(pieces: list[Piece]) -> list[Piece]:
    """The pieces in the order in which they run: by phase, the file's order within each. A piece never runs before one
    that it depends on: it is moved to that one's phase instead. Pieces of one atom share a phase. A view that stands in a table's
    place goes before what else its phase does: that means the table. It is left out where it would only come in contract."""
    placed: list[Piece] = []
    for piece in pieces:
        placed.append(_behind(piece, placed))
    moved = _together(placed)
    late = {p.origin for p in moved if p.phase is PhaseName.CONTRACT and _stands_in(p) and p.kinds == {"CREATE VIEW"}}
    left = [p for p in moved if not (_stands_in(p) and p.origin in late)]
    return sorted(left, key=lambda p: (_ORDER.index(p.phase), not _early(p) or p.origin in late))


def _stands_in(piece: Piece) -> bool:
    return piece.settled is not None and piece.settled.stands_in


def _early(piece: Piece) -> bool:
    return piece.settled is not None and piece.settled.early and piece.atom < 0


def _behind(piece: Piece, earlier: list[Piece]) -> Piece:
    """The piece in a phase in which all that it depends on has run."""
    own = _ORDER.index(piece.phase)
    later = [p for p in earlier if _ORDER.index(p.phase) > own]
    return replace(piece, phase=_latest([piece.phase, *(p.phase for p in later if depends(piece, p))]))


def _latest(phases: list[PhaseName]) -> PhaseName:
    return max(phases, key=_ORDER.index)


def _together(pieces: list[Piece]) -> list[Piece]:
    """Pieces that must share a transaction move to the latest phase among them, and what follows them with them."""
    shared = _transactions(pieces)
    latest = {number: _latest([p.phase for p, n in zip(pieces, shared, strict=True) if n == number]) for number in shared}
    moved: list[Piece] = []
    for piece, number in zip(pieces, shared, strict=True):
        moved.append(_behind(replace(piece, phase=_latest([latest[number], piece.phase])), moved))
    return moved if moved == pieces else _together(moved)


def _transactions(pieces: list[Piece]) -> list[int]:
    """A number for each piece, the same for those that must share a transaction: of one atom, or each `with_next` the next."""
    found: list[int] = []
    atoms: dict[int, int] = {}
    for number, piece in enumerate(pieces):
        before = pieces[number - 1] if number else None
        held = before is not None and before.with_next and before.origin == piece.origin
        own = found[-1] if held else number
        found.append(atoms.setdefault(piece.atom, own) if piece.atom >= 0 else own)
    return found


def depends(later: Piece, earlier: Piece) -> bool:
    """Whether `later` may not run before `earlier`."""
    if later.opaque or earlier.opaque or later.origin == earlier.origin:
        return True
    if earlier.carriers and any(ends(a) & earlier.carriers for a in later.actions):
        return True
    if _without_default(later, earlier) or _without_default(earlier, later):
        return False
    if _of_different_tables(later, earlier):
        return False
    if _commute(later, earlier):
        return bool(later.names & earlier.names)
    return bool(later.names & earlier.names or later.relations & earlier.relations)


def _without_default(one: Piece, other: Piece) -> bool:
    """Whether one drops a default, for which the other does not care: only what stores a new row, or DEFAULT, does."""
    if not one.kinds <= _DROPS_DEFAULT:
        return False
    if other.kinds <= _WRITES:
        return not any(kind == "SetToDefault" for a in other.actions for kind, _ in walk(a.node))
    return other.kinds <= _WITHOUT_DEFAULTS


def _of_different_tables(one: Piece, other: Piece) -> bool:
    """Whether one drops columns of a table that the other has nothing to do with: a column of that name is another one."""
    if not (one.independent and other.independent) or one.relations & other.relations:
        return False
    return any(piece.kinds <= _DROPS_COLUMN and not _has_family(piece) for piece in (one, other))


def _has_family(piece: Piece) -> bool:
    tables = [piece.before.table(name) for name in piece.relations]
    return any(t is None or t.parents or t.children for t in tables)


def _commute(one: Piece, other: Piece) -> bool:
    """Whether only the names of columns and constraints can tie them, not that both are about one table."""
    if one.independent and other.independent:
        return True
    return any(
        (write.kinds <= _WRITES and part.kinds <= _DROPS_PART) or (_reads_no_column(write) and part.kinds <= _ADDS_PART)
        for write, part in ((one, other), (other, one))
    )


def _reads_no_column(piece: Piece) -> bool:
    """Whether it gives every row the same expression, in which no column of the row can stand."""
    targets = [t for a in piece.actions for t in a.node.get("targetList", ())]
    return piece.kinds <= {"UPDATE"} and not any(kind == "ColumnRef" for t in targets for kind, _ in walk(t))
