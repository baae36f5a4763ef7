"""The names that PostgreSQL chooses for what the user left without one, in a given catalog.

Source: ChooseRelationName, ChooseIndexName, ChooseIndexColumnNames and ChooseIndexNameAddition in
src/backend/commands/indexcmds.c, ChooseConstraintName in src/backend/catalog/pg_constraint.c and
AddRelationNewConstraints in src/backend/catalog/heap.c (the same in 14 to 18; tried on servers of each).
"""

from collections.abc import Callable, Iterable

from pgsluice.model.catalog import Catalog, Table
from pgsluice.model.postgres.identifiers import NAME_BYTES, QualifiedName, clip, object_name


def index_name(catalog: Catalog, table: QualifiedName, columns: Iterable[str]) -> str:
    """The name of an unnamed CREATE INDEX; `columns` are those of the key and then of INCLUDE, expressions by their names."""
    return _relation_name(catalog, table, joined(numbered(columns)), "idx", constraint=False)


def unique_name(catalog: Catalog, table: QualifiedName, columns: Iterable[str], label: str = "key") -> str:
    """The name of an unnamed UNIQUE (label key) or EXCLUDE (label excl) constraint and of its index."""
    return _relation_name(catalog, table, joined(numbered(columns)), label, constraint=True)


def primary_key_name(catalog: Catalog, table: QualifiedName) -> str:
    """The name of an unnamed PRIMARY KEY and of its index."""
    return _relation_name(catalog, table, None, "pkey", constraint=True)


def sequence_name(catalog: Catalog, table: QualifiedName, column: str) -> str:
    """The name of the sequence of a serial or identity column."""
    return _relation_name(catalog, table, column, "seq", constraint=False)


def foreign_key_name(catalog: Catalog, table: QualifiedName, columns: Iterable[str]) -> str:
    return _constraint_name(catalog, table, joined(columns), "fkey")


def check_name(catalog: Catalog, table: QualifiedName, columns: Iterable[str]) -> str:
    """`columns` are those that the expression names: the only one becomes part of the name."""
    distinct = list(dict.fromkeys(columns))
    return _constraint_name(catalog, table, distinct[0] if len(distinct) == 1 else None, "check")


def not_null_name(catalog: Catalog, table: QualifiedName, column: str) -> str:
    """The name of a NOT NULL constraint (18 and later)."""
    return _constraint_name(catalog, table, column, "not_null")


def numbered(columns: Iterable[str]) -> list[str]:
    """The names of an index's columns: one that came before gets a number."""
    result: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in result:
            number += 1
            name = clip(column, NAME_BYTES - len(str(number))) + str(number)
        result.append(name)
    return result


def joined(columns: Iterable[str]) -> str:
    """The columns joined with '_' until the name is full; object_name cuts it to its place."""
    text = b""
    for column in columns:
        text += (b"_" if text else b"") + column.encode()
        if len(text) > NAME_BYTES:
            break
    return text.decode(errors="ignore")


def relation_name_taken(catalog: Catalog, name: QualifiedName) -> bool:
    """Whether pg_class has a relation of that name: a table, view, sequence, index or composite type."""
    if name in catalog.tables or name in catalog.sequences or catalog.index(name):
        return True
    kind = catalog.types.get(name)
    return kind is not None and kind.kind == "composite"


def constraint_names(table: Table) -> frozenset[str]:
    """The names of all of the table's constraints, NOT NULL included."""
    not_null = {c.not_null_constraint for c in table.columns if c.not_null_constraint}
    return frozenset({c.name for c in table.constraints} | not_null)


def _relation_name(catalog: Catalog, table: QualifiedName, second: str | None, label: str, *, constraint: bool) -> str:
    def taken(name: str) -> bool:
        other = constraint and catalog.has_constraint(table.schema, name)
        return other or relation_name_taken(catalog, QualifiedName(table.schema, name))

    return _first_free(table.name, second, label, taken)


def _constraint_name(catalog: Catalog, table: QualifiedName, second: str | None, label: str) -> str:
    return _first_free(table.name, second, label, lambda n: catalog.has_constraint(table.schema, n))


def _first_free(first: str, second: str | None, label: str, taken: Callable[[str], bool]) -> str:
    name, number = object_name(first, second, label), 0
    while taken(name):
        number += 1
        name = object_name(first, second, f"{label}{number}")
    return name
