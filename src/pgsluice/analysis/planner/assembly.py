"""From pieces to steps: which share a transaction, of which kind each step is, what it locks, how it is seen and undone."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, pairwise

from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.changes import partition_change
from pgsluice.analysis.planner.doneness import done_when
from pgsluice.analysis.planner.gone import gone
from pgsluice.analysis.planner.notices import estimate, releases_notice
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.planner.undoing import undo
from pgsluice.model.catalog import Catalog, TableKind
from pgsluice.model.plan import Phase, PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.steps import Lock, Source, Step, StepKind

MERGED_BLOCKING = 12
"""How many statements may share one strike where nothing demands it: one takes 1 to 2 ms under the lock (measured on 14
to 18, 2 cores), so that the whole keeps within a quarter of the default stall budget."""

_NEW_LABEL = frozenset({"ALTER TYPE ADD VALUE"})
_ROW_LOCKING = frozenset({"UPDATE", "DELETE", "MERGE"})


def phases(pieces: list[Piece], name: str, *, apart: bool = False) -> tuple[Phase, ...]:
    """The phases of a migration's ordered pieces; phases without steps are left out. `apart`: its marks ask for no transaction."""
    together = list(groups(pieces, apart=apart))
    found: list[Phase] = []
    again: list[tuple[str, list[Piece]]] = []
    for phase in PhaseName:
        members = [(f"{phase}-{n}", g) for n, g in enumerate((g for g in together if g[0].phase is phase), 1)]
        again += [(ident, g) for ident, g in members if any(p.settled and p.settled.again for p in g)]
        steps = tuple(_with_again(_step(g, ident, name), g, again) for ident, g in members)
        if steps:
            found.append(Phase(phase, steps))
    return tuple(found)


def _with_again(step: Step, pieces: list[Piece], again: list[tuple[str, list[Piece]]]) -> Step:
    """The step; taking it back says which earlier ones of the same statement lose their work with it."""
    if step.undo is None or not any(p.settled and p.settled.takes for p in pieces):
        return step
    ids = tuple(ident for ident, earlier in again if earlier[0].origin == pieces[0].origin)
    return replace(step, undo=replace(step.undo, again=ids))


def groups(pieces: list[Piece], *, apart: bool = False) -> Iterator[list[Piece]]:
    """Pieces that share a transaction: a whole phase of a file whose statements are all brief, unless they are to run `apart`;
    else what must stay together."""
    if not apart and _all_brief(pieces):
        for _, members in groupby(pieces, key=lambda p: (p.phase, p.session)):
            yield from _labels_committed(list(members))
        return
    current: list[Piece] = []
    for piece in pieces:
        if current and not _together(current[-1], piece):
            yield current
            current = []
        current.append(piece)
    if current:
        yield current


def _labels_committed(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """What follows new labels of an enum may use them, which it can once they are committed."""
    start = 0
    for number, (one, other) in enumerate(pairwise(pieces), 1):
        if one.kinds == _NEW_LABEL != other.kinds and one.atom < 0:
            yield pieces[start:number]
            start = number
    yield pieces[start:]


def _all_brief(pieces: list[Piece]) -> bool:
    blocking = next((i for i, p in enumerate(pieces) if p.impact.blocks), len(pieces))
    return all(p.brief and not p.apart for p in pieces) and len(pieces) - blocking <= MERGED_BLOCKING


def _together(one: Piece, other: Piece) -> bool:
    if one.phase is not other.phase or one.session != other.session:
        return False
    return one.with_next or (one.atom >= 0 and one.atom == other.atom)


def _step(pieces: list[Piece], ident: str, path: str) -> Step:
    first, kind = pieces[0], _kind(pieces)
    locks = step_locks(pieces)
    statement = first.actions[0].statement
    return Step(
        id=ident,
        kind=kind,
        sql=";\n".join(p.sql for p in pieces),
        locks=locks,
        reason="; ".join(dict.fromkeys(p.reason for p in pieces)),
        source=Source(statement.place.path, statement.place.line),
        hazard=next((p.hazard for p in pieces if p.hazard), None),
        session=first.session,
        preflight=tuple(dict.fromkeys(q for p in pieces for q in p.preflight)),
        done_when=done_when(pieces),
        undo=undo(pieces),
        releases_notice=releases_notice(pieces),
        estimate=estimate(pieces),
        subject=_subject(first, kind),
        fill=first.fill,
        may_exceed_budget=any(p.may_exceed_budget for p in pieces),
        gone=gone(pieces),
    )


def _kind(pieces: list[Piece]) -> StepKind:
    first = pieces[0]
    if first.fill is not None:
        return StepKind.BACKFILL
    if len(pieces) == 1 and not first.impact.in_transaction:
        return _outside(first)
    if any(p.may_exceed_budget for p in pieces) or _blocks_somebody(pieces):
        return StepKind.STRIKE
    return StepKind.TRANSACTION


def _outside(piece: Piece) -> StepKind:
    kind = piece.actions[0].kind
    if is_concurrent(piece.actions[0]):
        if kind == "CREATE INDEX":
            return StepKind.BUILD_INDEX
        if kind == "DROP INDEX":
            return StepKind.DROP_INDEX
        if kind.startswith("REINDEX"):
            return StepKind.REINDEX
    change = partition_change(piece.actions[0])
    if change is not None and change.concurrent:
        return StepKind.DETACH
    return StepKind.OUTSIDE


def _blocks_somebody(pieces: list[Piece]) -> bool:
    """Whether a lock of the step blocks the application on what this run did not make; brief writes count, for their row locks. The
    rows of a materialised view can only be read, so that nobody waits for REFRESH ... CONCURRENTLY (EXCLUSIVE)."""
    tables = pieces[0].before.tables.values()
    new = {str(t.name) for t in tables if t.made_by_run}
    read_only = {str(t.name) for t in tables if t.kind is TableKind.MATERIALIZED_VIEW}
    blocking = (lock for lock in step_locks(pieces) if lock.mode.blocks_application and lock.relation not in new)
    if any(lock.mode.blocks_reads or lock.relation not in read_only for lock in blocking):
        return True
    return any(p.brief and p.kinds & _ROW_LOCKING and _on_old_table(p) for p in pieces)


def _on_old_table(piece: Piece) -> bool:
    relation = piece.actions[0].relation
    table = piece.before.table(piece.before.resolve(*relation)) if relation else None
    return table is None or not table.made_by_run


def step_locks(pieces: list[Piece]) -> tuple[Lock, ...]:
    """The strongest lock on each relation that exists before the step, in the order in which they are first taken."""
    before = pieces[0].before
    strongest: dict[str, Lock] = {}
    for lock in (lock for p in pieces for lock in p.impact.locks):
        held = strongest.get(lock.relation)
        if held is None or lock.mode.strength > held.mode.strength:
            strongest[lock.relation] = lock
    if len(pieces) == 1 or not before.known:
        return tuple(strongest.values())
    there = existing(before)
    return tuple(lock for lock in strongest.values() if lock.relation in there)


def existing(catalog: Catalog) -> frozenset[str]:
    """The quoted qualified names of all relations of a catalog."""
    names: set[QualifiedName] = {*catalog.tables, *catalog.sequences, *(i.name for i in catalog.indexes())}
    return frozenset(map(str, names))


def _subject(piece: Piece, kind: StepKind) -> str | None:
    relation = piece.actions[0].relation
    if kind is StepKind.BUILD_INDEX:
        table = piece.before.resolve(*relation) if relation else None
        name = piece.actions[0].node.get("idxname")
        return str(QualifiedName(table.schema, name)) if table and name else None
    if kind is StepKind.DETACH and (change := partition_change(piece.actions[0])) is not None:
        return str(piece.before.resolve(*change.partition))
    if kind in (StepKind.DROP_INDEX, StepKind.REINDEX, StepKind.BACKFILL):
        return str(piece.before.resolve(*relation)) if relation else None
    return None
