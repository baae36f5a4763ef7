"""What the catalog demands of rows: tables with their columns, keys, foreign keys and checks, and the types behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName

_QUERIES = named_queries(__package__)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TypeShape:
    """A type; oids of others are 0 where there is none. `kind` is pg_type.typtype, `checks` are those of a domain, over VALUE."""

    oid: int
    name: QualifiedName
    kind: str
    spelled: str
    category: str
    element: int = 0
    base: int = 0
    base_spelled: str = ""
    not_null: bool = False
    labels: tuple[str, ...] = ()
    subtype: int = 0
    range: int = 0
    attributes: tuple[tuple[int, str], ...] = ()
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """`spelled` is its type with modifiers; `generated` the expression that its values follow from; `sequence` the one behind its
    default or identity, as regclass prints it. `becomes` is the type that its values have to fit later, with that type's spelling."""

    name: str
    type: int
    spelled: str
    not_null: bool
    has_default: bool
    generated: str | None
    sequence: str | None
    becomes: tuple[TypeShape, str] | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What no two rows may share. `used` are all columns in it, `plain` those that stand in it as they are."""

    name: str
    used: frozenset[str]
    plain: tuple[str, ...]
    deferred: bool
    of_expressions: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that may not be false; `columns` are those that it reads."""

    name: str
    condition: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table; `leaf` where it holds rows itself. `bounds` is the condition that its partition's bounds make."""

    oid: int
    name: QualifiedName
    leaf: bool
    columns: tuple[ColumnShape, ...]
    keys: tuple[Key, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    bounds: str | None
    parents: tuple[int, ...]

    def column(self, name: str) -> ColumnShape:
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True, slots=True)
class Shapes:
    tables: Mapping[int, TableShape]
    types: Mapping[int, TypeShape]

    def leaves_of(self, oid: int) -> tuple[int, ...]:
        """The tables that hold the rows of this one: itself, or its partitions down to the last level."""
        if oid not in self.tables or self.tables[oid].leaf:
            return (oid,)
        return tuple(leaf for t in self.tables.values() if oid in t.parents for leaf in self.leaves_of(t.oid))

    def root_of(self, oid: int) -> int:
        """The partitioned table at the top of a partition, itself otherwise."""
        table = self.tables[oid]
        return self.root_of(table.parents[0]) if table.bounds is not None and table.parents[0] in self.tables else oid


def read_shapes(session: Session) -> Shapes:
    """Every table of the session's database that could hold made-up rows."""
    rows = session.rows(_QUERIES["tables"])
    asked = {"tables": [r["oid"] for r in rows]}
    leaves = {r["oid"] for r in session.rows(_QUERIES["leaves"], asked)}
    parts = {name: _by_relation(session.rows(_QUERIES[name], asked)) for name in ("columns", "keys", "foreign_keys", "checks")}
    names = {oid: {c["number"]: c["name"] for c in columns} for oid, columns in parts["columns"].items()}
    types = {r["oid"]: _type(r) for r in session.rows(_QUERIES["types"])}
    return Shapes({r["oid"]: _table(r, r["oid"] in leaves, parts, names) for r in rows}, types)


def _by_relation(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["relation"], []).append(row)
    return found


def _type(row: Row) -> TypeShape:
    return TypeShape(
        oid=row["oid"],
        name=QualifiedName(row["schema"], row["name"]),
        kind=row["kind"],
        spelled=row["spelled"],
        category=row["category"],
        element=row["element"],
        base=row["base"],
        base_spelled=row["base_spelled"] or "",
        not_null=row["not_null"],
        labels=tuple(row["labels"]),
        subtype=row["subtype"],
        range=row["range"],
        attributes=tuple(zip(row["attributes"], row["attributes_spelled"], strict=True)),
        checks=tuple(row["checks"]),
    )


def _table(row: Row, leaf: bool, parts: Mapping[str, Mapping[int, list[Row]]], names: Mapping[int, Mapping[int, str]]) -> TableShape:
    oid = row["oid"]
    mine = names.get(oid, {})
    return TableShape(
        oid=oid,
        name=QualifiedName(row["schema"], row["name"]),
        leaf=leaf,
        columns=tuple(_column(c) for c in parts["columns"].get(oid, ())),
        keys=tuple(_key(k, mine) for k in parts["keys"].get(oid, ())),
        foreign_keys=tuple(_foreign_key(k, mine, names) for k in parts["foreign_keys"].get(oid, ())),
        checks=tuple(Check(k["name"], k["condition"], frozenset(mine[n] for n in k["columns"])) for k in parts["checks"].get(oid, ())),
        bounds=row["bounds"],
        parents=tuple(row["parents"]),
    )


def _column(row: Row) -> ColumnShape:
    return ColumnShape(row["name"], row["type"], row["spelled"], row["not_null"], row["has_default"], row["generated"], row["sequence"])


def _key(row: Row, names: Mapping[int, str]) -> Key:
    plain = tuple(names[n] for n in row["plain"] if n in names)
    return Key(row["name"], frozenset(names[n] for n in row["used"] if n in names), plain, row["deferred"], row["of_expressions"])


def _foreign_key(row: Row, mine: Mapping[int, str], names: Mapping[int, Mapping[int, str]]) -> ForeignKey:
    theirs = names.get(row["target"], {})
    target_columns = tuple(theirs.get(n, "") for n in row["target_columns"])
    return ForeignKey(row["name"], tuple(mine[n] for n in row["columns"]), row["target"], target_columns)
