"""Tables, with everything that hangs on them, made of the catalog's rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pgsluice.execution.db.catalog_rows import CatalogRows, Row
from pgsluice.model.catalog import UNKNOWN_BYTES, Column, Constraint, ConstraintKind, Index, Table, TableKind, Trigger
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_KINDS = {
    "r": TableKind.TABLE,
    "p": TableKind.PARTITIONED,
    "v": TableKind.VIEW,
    "m": TableKind.MATERIALIZED_VIEW,
    "f": TableKind.FOREIGN,
}
_PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}
_GENERATED = {"": "", "s": "stored", "v": "virtual"}
_IDENTITY = {"": "", "a": "always", "d": "by default"}
_STORAGE = {"": "", "p": "plain", "e": "external", "m": "main", "x": "extended"}
_COMPRESSION = {"": "", "p": "pglz", "l": "lz4"}
_REPLICA_IDENTITY = {"d": "default", "n": "nothing", "f": "full", "i": "index"}
_CONSTRAINTS = {
    "c": ConstraintKind.CHECK,
    "f": ConstraintKind.FOREIGN_KEY,
    "u": ConstraintKind.UNIQUE,
    "p": ConstraintKind.PRIMARY_KEY,
    "x": ConstraintKind.EXCLUSION,
    "n": ConstraintKind.NOT_NULL,
}


def tables_of(rows: CatalogRows) -> dict[QualifiedName, Table]:
    """All relations with columns, in the order of their names."""
    shelf = _Shelf.of_rows(rows)
    return {shelf.names[r["oid"]]: _table(shelf, r) for r in rows.parts["relations"]}


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The rows by the relation that they belong to, and the ways from oids and numbers to names."""

    rows: CatalogRows
    relations: Mapping[int, Row]
    names: Mapping[int, QualifiedName]
    column_names: Mapping[tuple[int, int], str]
    of: Mapping[str, Mapping[int, list[Row]]]
    parents: Mapping[int, list[int]]
    children: Mapping[int, list[int]]
    sequences: Mapping[tuple[int, int], QualifiedName]
    not_null: Mapping[tuple[int, int], Row]

    @classmethod
    def of_rows(cls, rows: CatalogRows) -> "_Shelf":
        parts = rows.parts
        named = (r for part in ("relations", "indexes", "sequences") for r in parts[part])
        return cls(
            rows=rows,
            relations={r["oid"]: r for r in parts["relations"]},
            names={r["oid"]: QualifiedName(r["schema"], r["name"]) for r in named},
            column_names={(c["relation"], c["number"]): c["name"] for c in parts["columns"]},
            of={part: _grouped(parts[part], "relation") for part in ("columns", "indexes", "constraints", "triggers", "rules", "policies")}
            | {"view_reads": _grouped(parts["view_reads"], "view")},
            parents={child: [r["parent"] for r in found] for child, found in _grouped(parts["inheritance"], "child").items()},
            children={parent: [r["child"] for r in found] for parent, found in _grouped(parts["inheritance"], "parent").items()},
            sequences={(s["owner"], s["owner_column"]): QualifiedName(s["schema"], s["name"]) for s in parts["sequences"] if s["owner"]},
            not_null={(c["relation"], c["columns"][0]): c for c in parts["constraints"] if c["kind"] == "n"},
        )

    def known(self, oids: Iterable[int]) -> tuple[QualifiedName, ...]:
        return tuple(self.names[oid] for oid in oids if oid in self.names)

    def columns(self, relation: int, numbers: Iterable[int]) -> tuple[str, ...]:
        """The names behind the numbers; 0 (an expression) and system columns left out."""
        return tuple(self.column_names[relation, n] for n in numbers if (relation, n) in self.column_names)

    def family(self, oid: int) -> list[int]:
        """The relation and everything below it, by partition or inheritance; each once."""
        found, todo = dict.fromkeys([oid]), [oid]
        while todo:
            below = [c for c in self.children.get(todo.pop(), ()) if c not in found]
            found |= dict.fromkeys(below)
            todo += below
        return list(found)


def _grouped(rows: Iterable[Row], key: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return dict(found)


def _table(shelf: _Shelf, row: dict[str, Any]) -> Table:
    oid, rows = row["oid"], shelf.rows
    rules, policies = shelf.of["rules"].get(oid, []), shelf.of["policies"].get(oid, [])
    texts = [rows.texts["rule_definitions"][r["oid"]] for r in rules] + [rows.texts["policy_definitions"][p["oid"]] for p in policies]
    estimate, size, indexes_size, size_known = _size(shelf, oid)
    default = row["default_partition"]
    return Table(
        name=shelf.names[oid],
        kind=_KINDS[row["kind"]],
        persistence=_PERSISTENCE[row["persistence"]],
        owner=row["owner"],
        rows=estimate,
        bytes=size,
        total_bytes=size + indexes_size,
        size_known=size_known,
        columns=tuple(_column(shelf, c) for c in shelf.of["columns"].get(oid, ())),
        indexes=tuple(_index(shelf, i) for i in shelf.of["indexes"].get(oid, ())),
        constraints=tuple(_constraint(shelf, c) for c in shelf.of["constraints"].get(oid, ())),
        triggers=tuple(_trigger(shelf, t) for t in shelf.of["triggers"].get(oid, ())),
        rules=tuple(r["name"] for r in rules),
        policies=tuple(p["name"] for p in policies),
        texts=tuple(texts),
        parents=shelf.known(shelf.parents.get(oid, ())),
        children=shelf.known(shelf.children.get(oid, ())),
        is_partition=row["is_partition"],
        partition_key=row["partition_key"],
        partition_bound=row["partition_bound"],
        default_partition=shelf.names.get(default),
        row_security=row["row_security"],
        replica_identity=_REPLICA_IDENTITY[row["replica_identity"]],
        published_by=tuple(p["name"] for p in rows.parts["publications"] if _publishes(shelf, p, row)),
        definition=rows.texts["view_definitions"].get(oid),
        depends_on=_reads(shelf, oid),
        of_type=row["of_type"],
        comment=row["comment"],
        wraparound_age=row["wraparound_age"],
        privileges=tuple(row["privileges"]),
        options=tuple(row["options"]),
        extension=row["extension"],
    )


def _size(shelf: _Shelf, oid: int) -> tuple[float | None, int, int, bool]:
    """Estimated rows, heap and TOAST bytes, bytes of indexes, and whether all of it was measured; over the whole family."""
    family = shelf.family(oid)
    estimates = [e for e in (shelf.relations[member]["rows"] for member in family if member in shelf.relations) if e >= 0]
    heap = [_bytes(shelf, member) for member in family]
    indexes = [_bytes(shelf, i["oid"]) for member in family for i in shelf.of["indexes"].get(member, ())]
    own = shelf.relations[oid]["rows"]
    rows = own if own > 0 and len(family) > 1 and shelf.relations[oid]["kind"] == "p" else sum(estimates)
    known = all(k for _, k in (*heap, *indexes))
    return (rows if estimates else None), sum(b for b, _ in heap), sum(b for b, _ in indexes), known


def _bytes(shelf: _Shelf, oid: int) -> tuple[int, bool]:
    """What a relation occupies, and whether that was measured. What has no storage is not among the estimates."""
    if oid not in shelf.rows.estimates:
        return 0, True
    size = shelf.rows.sizes.get(oid)
    if size is not None:
        return size, True
    estimate = shelf.rows.estimates[oid]
    return (UNKNOWN_BYTES if estimate is None else estimate), False


def _column(shelf: _Shelf, row: Row) -> Column:
    at = (row["relation"], row["number"])
    constraint = shelf.not_null.get(at)
    return Column(
        name=row["name"],
        type=row["type"],
        not_null=row["not_null"],
        default=row["default"],
        generated=_GENERATED[row["generated"]],
        identity=_IDENTITY[row["identity"]],
        sequence=shelf.sequences.get(at),
        collation=row["collation"],
        storage=_STORAGE[row["storage"]],
        compression=_COMPRESSION[row["compression"]],
        statistics_target=row["statistics_target"],
        comment=row["comment"],
        privileges=tuple(row["privileges"]),
        not_null_constraint=constraint["name"] if constraint else None,
        not_null_validated=constraint is None or constraint["validated"],
        has_missing_value=row["has_missing_value"],
    )


def _index(shelf: _Shelf, row: Row) -> Index:
    relation, keys = row["relation"], row["keys"]
    parents = shelf.known(shelf.parents.get(row["oid"], ()))
    size, _ = _bytes(shelf, row["oid"])
    return Index(
        name=shelf.names[row["oid"]],
        table=shelf.names[relation],
        definition=row["definition"],
        method=row["method"],
        keys=tuple(shelf.column_names.get((relation, n)) for n in keys[: row["key_count"]]),
        columns=frozenset(shelf.columns(relation, (*keys, *row["used"]))),
        include=shelf.columns(relation, keys[row["key_count"] :]),
        predicate=row["predicate"],
        unique=row["is_unique"],
        primary=row["is_primary"],
        valid=row["valid"],
        constraint=row["constraint"],
        parent=parents[0] if parents else None,
        partitioned=row["partitioned"],
        replica_identity=row["replica_identity"],
        plain=row["plain"],
        nulls_not_distinct=row["nulls_not_distinct"],
        bytes=size,
    )


def _constraint(shelf: _Shelf, row: Row) -> Constraint:
    columns = shelf.columns(row["relation"], row["columns"])
    return Constraint(
        name=row["name"],
        table=shelf.names[row["relation"]],
        kind=_CONSTRAINTS[row["kind"]],
        definition=row["definition"] or _not_null_definition(row, columns[0]),
        columns=columns,
        validated=row["validated"],
        references=shelf.names.get(row["references"]),
        referenced_columns=shelf.columns(row["references"], row["referenced_columns"]),
        index=shelf.names.get(row["index"]),
        deferrable=row["deferrable"],
        enforced=row["enforced"],
        no_inherit=row["no_inherit"],
        inherited=row["inherited"],
    )


def _not_null_definition(row: Row, column: str) -> str:
    """As pg_get_constraintdef prints it; asking for it took half of the reading's time on 18, where each one is a row."""
    return f"NOT NULL {quote(column)}{' NO INHERIT' if row['no_inherit'] else ''}{'' if row['validated'] else ' NOT VALID'}"


def _trigger(shelf: _Shelf, row: Row) -> Trigger:
    return Trigger(row["name"], shelf.names[row["relation"]], row["definition"], row["enabled"], row["function"], row["inherited"])


def _reads(shelf: _Shelf, view: int) -> tuple[tuple[QualifiedName, str], ...]:
    """What a view reads: (relation, column), and (relation, '') for the relation as a whole."""
    found = shelf.of["view_reads"].get(view, ())
    return tuple(
        (shelf.names[r["relation"]], shelf.column_names.get((r["relation"], r["number"]), ""))
        for r in found
        if r["relation"] in shelf.names
    )


def _publishes(shelf: _Shelf, publication: Row, row: Row) -> bool:
    if row["kind"] not in ("r", "p") or row["persistence"] != "p":
        return False
    if publication["all_tables"] or row["schema"] in publication["schemas"]:
        return True
    return row["oid"] in publication["relations"] or any(
        _publishes(shelf, publication, shelf.relations[parent])
        for parent in shelf.parents.get(row["oid"], ())
        if row["is_partition"] and parent in shelf.relations
    )
