"""In which order tables are filled: what is referenced first; in cycles a foreign key that may be NULL waits."""

from collections.abc import Iterator
from dataclasses import dataclass

from pgsluice.rehearsal.rows.shape import ForeignKey, Shapes, TableShape


@dataclass(frozen=True, slots=True)
class Turn:
    """A table to fill: `later` foreign keys get their values once their target has rows, `constructed` ones name rows that
    are still to come, by what these will hold."""

    table: TableShape
    later: tuple[ForeignKey, ...] = ()
    constructed: tuple[ForeignKey, ...] = ()


def turns(shapes: Shapes) -> Iterator[Turn]:
    """Every table that holds rows, once."""
    waiting = {t.oid: t for t in shapes.tables.values() if t.leaf}
    done: set[int] = set()
    while waiting:
        turn = min((_turn(t, shapes, done) for t in waiting.values()), key=_reluctance)
        yield turn
        del waiting[turn.table.oid]
        done.add(turn.table.oid)


def _turn(table: TableShape, shapes: Shapes, done: set[int]) -> Turn:
    missing = [k for k in table.foreign_keys if not all(leaf in done for leaf in shapes.leaves_of(k.target))]
    later = tuple(k for k in missing if _may_wait(table, k))
    return Turn(table, later, tuple(k for k in missing if k not in later))


def _may_wait(table: TableShape, key: ForeignKey) -> bool:
    return bool(nullable(table, key))


def nullable(table: TableShape, key: ForeignKey) -> list[str]:
    """The columns of a foreign key that may be NULL and stand in no unique key: without them it references nothing."""
    keyed = {c for k in table.keys for c in k.used}
    return [c for c in key.columns if not table.column(c).not_null and c not in keyed]


def _reluctance(turn: Turn) -> tuple[int, int, str]:
    """A table that references itself does not get better by waiting."""
    constructed = sum(k.target != turn.table.oid for k in turn.constructed)
    later = sum(k.target != turn.table.oid for k in turn.later)
    return constructed, later, str(turn.table.name)
