"""What the releases notice of a step, and how much work it is."""

from pgsluice.analysis.parsing.changes import type_change
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.catalog import Table
from pgsluice.model.postgres.identifiers import quote

_ROW_SHAPE = frozenset({"ALTER TABLE ADD COLUMN", "ALTER TABLE DROP COLUMN", "ALTER TABLE ALTER COLUMN TYPE", "ALTER TABLE RENAME COLUMN"})

_OLD_PLAN = '"cached plan must not change result type" until they prepare it anew'

READ_BYTES_PER_SECOND = 200_000_000
"""A scan that validates a constraint: 180 to 250 MB/s of heap (18, 2 cores, cached). Other disks differ: it is an estimate."""


def releases_notice(pieces: list[Piece]) -> str | None:
    """One sentence for each thing that an old or new release would notice; None where there is nothing."""
    said = [p.releases_notice for p in pieces if p.releases_notice]
    shaping = ((p, a.relation) for p in pieces if _stands(p) for a in p.actions if a.kind in _ROW_SHAPE)
    shaped = {str(p.before.resolve(*relation)) for p, relation in shaping if relation}
    if shaped:
        tables = ", ".join(sorted(shaped))
        said.append(f"clients with a prepared SELECT * from {tables} get {_OLD_PLAN}")
    said += [
        f"clients with a prepared statement that returns {quote(change.column)} of {p.before.resolve(*a.relation)} get {_OLD_PLAN}"
        for p in pieces
        if _stands(p)
        for a in p.actions
        if a.relation and (change := type_change(a)) is not None
    ]
    return "; ".join(dict.fromkeys(said)) or None


def _stands(piece: Piece) -> bool:
    """Whether the table was there before the run."""
    table = _table(piece)
    return table is None or not table.made_by_run


def _table(piece: Piece) -> Table | None:
    relation = piece.actions[0].relation
    return piece.before.table(piece.before.resolve(*relation)) if relation else None


def estimate(pieces: list[Piece]) -> str | None:
    """What the step reads, from the sizes in the catalog; None for brief steps and where no size is known."""
    names = {n for p in pieces for n in p.impact.works} if not all(p.brief for p in pieces) else set()
    tables = [t for n in names if (t := pieces[0].before.table(n)) is not None and t.bytes]
    if not tables:
        return None
    size = sum(t.bytes for t in tables)
    seconds = max(1, round(size / READ_BYTES_PER_SECOND))
    return f"reads {size / 1e6:.0f} MB of {', '.join(sorted(str(t.name) for t in tables))}, about {seconds} s"
