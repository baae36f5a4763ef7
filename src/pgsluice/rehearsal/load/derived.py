"""A load made from the schema: what an application with these tables would plausibly send.

Reads and updates by key, range reads by index, joins along foreign keys, and inserts that copy a row where its keys are the
server's to give. Keys are drawn from a sample of the rows, so that any type will do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.session import Session
from pgsluice.model.catalog import Catalog, Column, Constraint, Index, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName, literal, quote
from pgsluice.rehearsal.load.definition import LoadStatement, RequestKind, SlowReader, Variable
from pgsluice.rehearsal.load.trial import trouble
from pgsluice.rehearsal.load.weights import USUAL_WEIGHTS, Weights

SAMPLE = 200
"""Keys that requests are drawn from; they are part of each prepared statement."""

MOST_TABLES = 12
"""Tables that get a load; those that the migrations touch come first."""

FOCUS = 4.0
"""So much more often are the tables asked that the migrations touch."""

_ROOTS = (TableKind.TABLE, TableKind.PARTITIONED)
_ASKED = (*_ROOTS, TableKind.MATERIALIZED_VIEW)
"""A materialised view is read only."""
_GIVEN = ("nextval(", "gen_random_uuid(", "uuid_generate_v4(", "uuidv7(", "uuidv4(")
"""Defaults that give each row a key of its own."""


DemandedKeys = Mapping[QualifiedName, Sequence[frozenset[str]]]
"""By table the columns of keys that are not there yet."""


@dataclass(frozen=True, slots=True)
class DerivedLoad:
    """`notes` name the tables that are asked nothing, and why."""

    kinds: tuple[RequestKind, ...]
    slow_readers: tuple[SlowReader, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Target:
    """A table with rows, and the values of a key as array literals, one for each of its columns; `key` is () without one, and the
    values are places of rows."""

    table: Table
    key: tuple[Column, ...]
    sample: tuple[str, ...]
    size: int

    @property
    def sql(self) -> str:
        return str(self.table.name)

    def condition(self, prefix: str = "") -> str:
        """The key is that of the sample's `$1`-th row."""
        if not self.key:
            return f"{prefix}ctid = ({literal(self.sample[0])}::tid[])[$1]"
        pairs = zip(self.key, self.sample, strict=True)
        return " AND ".join(f"{prefix}{quote(c.name)} = (({literal(s)})::{c.type}[])[$1]" for c, s in pairs)

    def kind(self, what: str, sql: str, weight: float) -> RequestKind:
        return RequestKind(f"{what} {self.table.name}", (LoadStatement(sql, (0,)),), (Variable("n", 1, self.size),), weight)


def derive(
    session: Session,
    catalog: Catalog,
    focus: frozenset[QualifiedName],
    seed: int,
    weights: Weights = USUAL_WEIGHTS,
    keys: DemandedKeys = MappingProxyType({}),
) -> DerivedLoad:
    """The load for the tables of a catalog that hold rows, those of `focus` first; the same seed makes the same load.
    No insert repeats a key of the schema, or one of `keys`."""
    tables = [t for t in catalog.tables.values() if t.kind in _ASKED and not t.is_partition and t.name.schema != "pgsluice"]
    tables.sort(key=lambda t: (t.name not in focus, str(t.name)))
    targets, notes = _targets(session, tables, seed)
    kinds = [_weighed(kind, target, focus) for target in targets for kind in _kinds(target, targets, weights, keys) if kind.weight > 0]
    tried = [(kind, trouble(session, kind)) for kind in kinds]
    notes += [f"left out, because it fails: {kind.name}: {why}" for kind, why in tried if why]
    working = tuple(kind for kind, why in tried if why is None)
    return DerivedLoad(working, _slow_readers(targets, focus), tuple(notes))


def _targets(session: Session, tables: Sequence[Table], seed: int) -> tuple[list[_Target], list[str]]:
    targets: list[_Target] = []
    notes: list[str] = []
    for table in tables:
        if len(targets) == MOST_TABLES:
            notes.append(f"more than {MOST_TABLES} tables: {table.name} and those after it are asked nothing")
            break
        try:
            found = _sampled(session, table, _key(table), seed)
            why = "it has no rows"
        except DatabaseError as error:
            found, why = None, message_of(error)
        if found is None:
            notes.append(f"{table.name} is asked nothing: {why}")
        else:
            targets.append(found)
    return targets, notes


def _key(table: Table) -> tuple[Column, ...]:
    """The columns of its primary key, else of a unique index over columns that are never NULL; () without one."""
    for index in sorted(table.indexes, key=lambda i: not i.primary):
        columns = [table.column(name) for name in index.keys if name is not None]
        found = tuple(c for c in columns if c is not None and not c.type.endswith("[]"))
        whole = len(found) == len(index.keys) and (index.primary or all(c.not_null for c in found))
        if index.unique and index.valid and index.predicate is None and whole:
            return found
    return ()


def _sampled(session: Session, table: Table, key: tuple[Column, ...], seed: int) -> _Target | None:
    sampled = [quote(c.name) for c in key] or ["ctid"]
    names = ", ".join(sampled)
    arrays = "".join(f", array_agg({name})::text AS a{n}" for n, name in enumerate(sampled))
    session.run(f"SELECT setseed({Random(seed).random()})")
    sql = f"SELECT count(*) AS size{arrays} FROM (SELECT {names} FROM {table.name} ORDER BY random() LIMIT {SAMPLE}) AS s"
    row = session.rows(sql)[0]
    return _Target(table, key, tuple(row[f"a{n}"] for n in range(len(sampled))), row["size"]) if row["size"] else None


def _kinds(target: _Target, targets: Sequence[_Target], weights: Weights, keys: DemandedKeys) -> Iterator[RequestKind]:
    table, sql = target.table, target.sql
    copied = _copied(table, keys.get(table.name, ()))
    columns = ", ".join(quote(c.name) for c in table.columns)
    if not target.key:
        yield RequestKind(f"read some of {table.name}", (LoadStatement(f"SELECT {columns} FROM {sql} LIMIT 10"),), (), weights.reads)
        if (changed := _changed(table, ())) is not None:
            name = quote(changed.name)
            yield target.kind("update some of", f"UPDATE {sql} SET {name} = {name} WHERE {target.condition()}", weights.updates)
        yield from _inserts(target, copied, "LIMIT 1", weights.inserts)
        return
    yield target.kind("read", f"SELECT {columns} FROM {sql} WHERE {target.condition()}", weights.reads)
    if (changed := _changed(table, target.key)) is not None:
        name = quote(changed.name)
        yield target.kind("update", f"UPDATE {sql} SET {name} = {name} WHERE {target.condition()}", weights.updates)
    yield from _inserts(target, copied, f"WHERE {target.condition()}", weights.inserts)
    for index in _ranged(table, target.key):
        column = quote(str(index.keys[0]))
        from_there = f"(SELECT {column} FROM {sql} WHERE {target.condition()})"
        yield target.kind(
            f"range by {column} of",
            f"SELECT {columns} FROM {sql} WHERE {column} >= {from_there} ORDER BY {column} LIMIT 20",
            weights.ranges,
        )
    known = {t.table.name for t in targets}
    for key in table.foreign_keys:
        if key.references in known and key.references != table.name:
            yield target.kind(f"join {key.references} to", _join(target, key), weights.joins)


def _changed(table: Table, key: Sequence[Column]) -> Column | None:
    """A column that an update may set to what it is: one of no key and without an index where there is one, so that the update is the
    usual one."""
    if table.kind not in _ROOTS:
        return None
    keyed = {c.name for c in key} | {c for k in table.foreign_keys for c in k.columns}
    able = [c for c in table.columns if not c.generated and c.identity != "always"]
    indexed = frozenset[str]().union(*(i.columns for i in table.indexes))
    return min(able, key=lambda c: (c.name in keyed, c.name in indexed), default=None)


def _inserts(target: _Target, copied: Sequence[str] | None, row: str, weight: float) -> Iterator[RequestKind]:
    """A new row, where the keys are the server's to give: a copy of the one that the clause finds."""
    if copied is None:
        return
    names = ", ".join(map(quote, copied))
    if names and target.key:
        yield target.kind("insert", f"INSERT INTO {target.sql} ({names}) SELECT {names} FROM {target.sql} {row}", weight)
    else:
        values = f"({names}) SELECT {names} FROM {target.sql} {row}" if names else "DEFAULT VALUES"
        yield RequestKind(f"insert {target.table.name}", (LoadStatement(f"INSERT INTO {target.sql} {values}"),), (), weight)


def _copied(table: Table, demanded: Sequence[frozenset[str]]) -> tuple[str, ...] | None:
    """The columns that a copy of a row takes over; None where the copy would meet a unique index or a key that is demanded: one
    without a column whose default is new each time."""
    if table.kind not in _ROOTS:
        return None
    given = {c.name for c in table.columns if c.identity or (c.default or "").removeprefix("pg_catalog.").startswith(_GIVEN)}
    unique = [*(i.columns for i in table.indexes if i.unique), *demanded]
    exclusion = any(i.constraint and not i.unique and i.method == "gist" for i in table.indexes)
    if exclusion or not all(given & columns for columns in unique):
        return None
    return tuple(c.name for c in table.columns if c.name not in given and not c.generated)


def _ranged(table: Table, key: Sequence[Column]) -> Iterator[Index]:
    for index in table.indexes:
        first = index.keys[0] if index.keys else None
        if index.method == "btree" and index.valid and index.predicate is None and first is not None and first != key[0].name:
            yield index


def _join(target: _Target, key: Constraint) -> str:
    assert key.references is not None
    pairs = zip(key.columns, key.referenced_columns, strict=True)
    on = " AND ".join(f"c.{quote(own)} = p.{quote(other)}" for own, other in pairs)
    joined = f"FROM {target.sql} AS c JOIN {key.references} AS p ON {on}"
    return f"SELECT count(*) FROM (SELECT 1 {joined} WHERE {target.condition('c.')} LIMIT 20) AS j"


def _weighed(kind: RequestKind, target: _Target, focus: frozenset[QualifiedName]) -> RequestKind:
    return replace(kind, weight=kind.weight * (FOCUS if target.table.name in focus else 1.0))


def _slow_readers(targets: Sequence[_Target], focus: frozenset[QualifiedName]) -> tuple[SlowReader, ...]:
    """A job that reads every table that the migrations touch, and holds them and their sequences as one that has inserted does: what
    goes past readers (CREATE INDEX, a foreign key) waits for it, too."""
    tables = [t.table for t in targets if t.table.name in focus] or [t.table for t in targets[:1]]
    if not tables:
        return ()
    counts = ", ".join(f"(SELECT count(*) FROM (SELECT 1 FROM {table.name} LIMIT 1000) AS r{n})" for n, table in enumerate(tables))
    written = ", ".join(str(table.name) for table in tables if table.kind in _ROOTS)
    lock = f"LOCK TABLE {written} IN ROW EXCLUSIVE MODE; " if written else ""
    numbers = "".join(f", {number}" for table in tables for column in table.columns if (number := _next_number(column)))
    return (SlowReader(f"{lock}SELECT {counts}{numbers}"),)


def _next_number(column: Column) -> str | None:
    """What draws from the column's sequence, where it has one."""
    if column.identity and column.sequence is not None:
        return f"nextval({literal(str(column.sequence))})"
    return column.default if (column.default or "").startswith("nextval(") else None
