"""Who plays which role: from the words of the lock table to the relations of one action.

A role is a few words. Those of this module follow from the relation alone; what depends on the clause (the table that a
foreign key references, the indexes on one column) is given by the form's match, and found here under the same words.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pgsluice.model.catalog import Catalog, Constraint, Index, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName

Names = tuple[QualifiedName, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """That an action, or a part of it, has the form `form` of the lock table. `main` plays the table (or view, or index ...)
    and `roles` are the roles that the clause decides. `idle`: there are no rows, so nothing is read, written or built."""

    form: str
    main: QualifiedName | None = None
    roles: Mapping[str, Names] = field(default_factory=dict)
    idle: bool = False


def players(match: Match, role: str, catalog: Catalog) -> Names:
    """The relations that play the role; none where nothing of the kind hangs on the relation."""
    if role in match.roles:
        return match.roles[role]
    table = catalog.table(match.main) if match.main else None
    if role in MAIN:
        return (match.main,) if match.main else ()
    finder = GENERAL.get(role)
    return finder(catalog, table) if finder and table else ()


def table_names(tables: Iterable[QualifiedName | None]) -> Names:
    """Without repetition and without None."""
    return tuple(dict.fromkeys(t for t in tables if t is not None))


def stored(table: Table) -> bool:
    """Whether it has rows of its own."""
    return table.kind in (TableKind.TABLE, TableKind.MATERIALIZED_VIEW)


def descendants(catalog: Catalog, table: Table) -> Names:
    """All inheritance children or partitions, children first, then theirs."""
    found: dict[QualifiedName, None] = {}
    queue = list(table.children)
    while queue:
        name = queue.pop(0)
        if name not in found:
            found[name] = None
            child = catalog.table(name)
            queue.extend(child.children if child else ())
    return tuple(found)


def ancestors(catalog: Catalog, table: Table) -> Names:
    """Parents and their parents."""
    found: dict[QualifiedName, None] = {}
    queue = list(table.parents)
    while queue:
        name = queue.pop(0)
        found[name] = None
        parent = catalog.table(name)
        queue.extend(p for p in (parent.parents if parent else ()) if p not in found)
    return tuple(found)


def leaves(catalog: Catalog, table: Table) -> Names:
    """The partitions, at any depth, that hold rows."""
    return tuple(n for n in descendants(catalog, table) if not _is_partitioned(catalog, n))


def branches(catalog: Catalog, table: Table) -> Names:
    """The partitions, at any depth, that are partitioned themselves."""
    return tuple(n for n in descendants(catalog, table) if _is_partitioned(catalog, n))


def _is_partitioned(catalog: Catalog, name: QualifiedName) -> bool:
    table = catalog.table(name)
    return table is not None and table.kind is TableKind.PARTITIONED


def below(catalog: Catalog, role: str, table: Table | None) -> dict[str, Names]:
    """The partitions of a table under `role` (`referenced_partition`), those that are partitioned, and the indexes of both."""
    found = {role: leaves(catalog, table) if table else ()}
    found[role.replace("partition", "partitioned_partition")] = branches(catalog, table) if table else ()
    return found | {f"{r}_indexes": indexes_of(catalog, names) for r, names in found.items()}


def indexes_of(catalog: Catalog, tables: Iterable[QualifiedName], wanted: Callable[[Index], bool] = lambda _: True) -> Names:
    """The indexes of the tables that are wanted."""
    found = (catalog.table(name) for name in tables)
    return tuple(i.name for t in found if t for i in t.indexes if wanted(i))


def key_index(catalog: Catalog, key: Constraint) -> QualifiedName | None:
    """The index of the referenced table that a foreign key relies on."""
    table = catalog.table(key.references) if key.references else None
    return referenced_index(table, key.referenced_columns) if table else None


def referenced_index(table: Table, columns: tuple[str, ...]) -> QualifiedName | None:
    """The unique index over exactly these columns in any order, the primary key's where none are said."""
    for index in table.indexes:
        if (index.primary and not columns) or (columns and index.unique and set(index.keys) == set(columns)):
            return index.name
    return None


def dependent_views(catalog: Catalog, table: QualifiedName, column: str | None = None) -> Names:
    """Views and materialised views that read the table (or one column of it), and those that read these."""
    found: dict[QualifiedName, None] = {}
    queue = [v.name for v in catalog.views_on(table) if column is None or (table, column) in v.depends_on]
    while queue:
        name = queue.pop(0)
        if name not in found:
            found[name] = None
            queue.extend(v.name for v in catalog.views_on(name))
    return tuple(found)


def read_tables(catalog: Catalog, view: Table) -> Names:
    """The tables beneath a view, through views, with their descendants."""
    found: dict[QualifiedName, None] = {}
    queue = [name for name, _ in view.depends_on]
    while queue:
        name = queue.pop(0)
        table = catalog.table(name)
        if name in found or table is None:
            continue
        found[name] = None
        queue.extend(r for r, _ in table.depends_on) if table.kind is TableKind.VIEW else queue.extend(table.children)
    return tuple(found)


def _sequences(_: Catalog, table: Table) -> Names:
    return table_names(c.sequence for c in table.columns)


def _referencing(catalog: Catalog, table: Table) -> Names:
    return table_names(k.table for k in catalog.foreign_keys_to(table.name) if k.table != table.name)


def _referenced(_: Catalog, table: Table) -> Names:
    return table_names(k.references for k in table.foreign_keys if k.references != table.name)


def _indexes_of(tables: Callable[[Catalog, Table], Names]) -> Callable[[Catalog, Table], Names]:
    return lambda catalog, table: indexes_of(catalog, tables(catalog, table))


def _itself(_: Catalog, table: Table) -> Names:
    return (table.name,)


def _tree(_: Catalog, table: Table) -> Names:
    """The table's parents where it is a partition."""
    return table.parents if table.is_partition else ()


def _siblings_default(catalog: Catalog, table: Table) -> Names:
    parents = (catalog.table(p) for p in _tree(catalog, table))
    return table_names(p.default_partition for p in parents if p and p.default_partition != table.name)


MAIN = frozenset(("table", "index", "view", "sequence", "matview"))
GENERAL: dict[str, Callable[[Catalog, Table], Names]] = {
    "table indexes": _indexes_of(_itself),
    "table sequences": _sequences,
    "child": descendants,
    "child indexes": _indexes_of(descendants),
    "partition": leaves,
    "partition indexes": _indexes_of(leaves),
    "partitioned partition": branches,
    "partitioned partition indexes": _indexes_of(branches),
    "parent": _tree,
    "parent indexes": _indexes_of(_tree),
    "referenced": _referenced,
    "referenced indexes": _indexes_of(_referenced),
    "referencing": _referencing,
    "referencing indexes": _indexes_of(_referencing),
    "default partition": _siblings_default,
    "default partition indexes": _indexes_of(_siblings_default),
    "matview indexes": _indexes_of(_itself),
}
"""Roles that follow from the relation that the action is about."""
