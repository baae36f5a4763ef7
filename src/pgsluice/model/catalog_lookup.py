"""Finding in a catalog what hangs on its tables, without reading all of them each time.

A catalog never changes, and the next one differs in a table or two: what was found out about the last one that was asked is
brought up to date with these. Without that a file of 10,000 statements would take minutes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, compress, count, islice
from operator import is_not
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pgsluice.model.catalog import Index, Table
    from pgsluice.model.postgres.identifiers import QualifiedName

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What hangs on `tables`: indexes by name, the tables with a foreign key to a table, the views that read a relation, and how
    many constraints of a schema have a name. Nobody changes the mappings."""

    tables: Mapping[QualifiedName, Table] = field(default_factory=dict)
    indexes: dict[QualifiedName, Index] = field(default_factory=dict)
    referencing: dict[QualifiedName, frozenset[QualifiedName]] = field(default_factory=dict)
    reading: dict[QualifiedName, frozenset[QualifiedName]] = field(default_factory=dict)
    constraints: dict[tuple[str, str], int] = field(default_factory=dict)

    def ordered(self, names: frozenset[QualifiedName]) -> list[Table]:
        """The tables of these names, in the catalog's order."""
        if len(names) <= 1:
            return [self.tables[name] for name in names]
        return [table for name, table in self.tables.items() if name in names]


_last = Lookup()


def lookup(tables: Mapping[QualifiedName, Table]) -> Lookup:
    """What hangs on these tables, a mapping that nobody changes any more."""
    global _last
    found = _last  # another thread may put its own in the place meanwhile
    if found.tables is not tables:
        found = _last = _brought_up(found, tables)
    return found


def _brought_up(old: Lookup, tables: Mapping[QualifiedName, Table]) -> Lookup:
    gone, come = _differing(old.tables, tables)
    made = Lookup(tables, dict(old.indexes), dict(old.referencing), dict(old.reading), dict(old.constraints))
    for table in gone:
        _take_out(made, table)
    for table in come:
        _put_in(made, table)
    return made


def _differing(old: Mapping[QualifiedName, Table], new: Mapping[QualifiedName, Table]) -> tuple[list[Table], list[Table]]:
    """What stands in one and not in the other at the same position: most of two neighbours is the same objects."""
    at = list(compress(count(), map(is_not, old.values(), new.values())))
    shorter = min(len(old), len(new))
    return _picked(old, at, shorter), _picked(new, at, shorter)


def _picked(tables: Mapping[QualifiedName, Table], at: list[int], rest: int) -> list[Table]:
    positions = set(at)
    head = (t for n, t in enumerate(islice(tables.values(), at[-1] + 1)) if n in positions) if at else ()
    return [*head, *islice(tables.values(), rest, None)]


def _take_out(made: Lookup, table: Table) -> None:
    for index in table.indexes:
        made.indexes.pop(index.name, None)
    _each(made.referencing, _targets(table), lambda names: names - {table.name})
    _each(made.reading, _read(table), lambda names: names - {table.name})
    for key in _constraints(table):
        made.constraints[key] -= 1


def _put_in(made: Lookup, table: Table) -> None:
    made.indexes.update((index.name, index) for index in table.indexes)
    _each(made.referencing, _targets(table), lambda names: names | {table.name})
    _each(made.reading, _read(table), lambda names: names | {table.name})
    for key in _constraints(table):
        made.constraints[key] = made.constraints.get(key, 0) + 1


def _each(
    shelf: dict[_Key, frozenset[QualifiedName]],
    keys: Iterable[_Key],
    changed: Callable[[frozenset[QualifiedName]], frozenset[QualifiedName]],
) -> None:
    for key in keys:
        shelf[key] = changed(shelf.get(key, frozenset()))


def _targets(table: Table) -> set[QualifiedName]:
    return {key.references for key in table.foreign_keys if key.references is not None}


def _read(table: Table) -> set[QualifiedName]:
    return {name for name, _ in table.depends_on}


def _constraints(table: Table) -> set[tuple[str, str]]:
    names = chain((c.name for c in table.constraints), (c.not_null_constraint for c in table.columns))
    return {(table.name.schema, name) for name in names if name}
