"""Effects on whole relations: tables, views, materialised views."""

from dataclasses import replace

from pgsluice.analysis.effects import columns, constraints
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import TableDefinition, table_definition
from pgsluice.model.catalog import Catalog, Column, ConstraintKind, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName

_TEMPORARY = "pg_temp"
_FIRST = (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE)
"""The server makes the indexes of a new table before its foreign keys, which may reference the table itself."""


def created(action: Action, catalog: Catalog) -> Catalog:
    definition = table_definition(action)
    if definition is None:
        return catalog
    schema, name = definition.name
    temporary = definition.persistence == "temporary"
    place = QualifiedName(_TEMPORARY if temporary else schema or catalog.creation_schema, name)
    if place in catalog.tables:
        return catalog
    if temporary:
        catalog = replace(catalog, schemas=catalog.schemas | {_TEMPORARY})
    catalog = catalog.with_table(_empty(action, definition, place, catalog))
    for column in definition.columns:
        catalog = columns.with_column(catalog, catalog.tables[place], column, extra_constraints=False)
    for clause in sorted(definition.constraints, key=lambda c: c.kind not in _FIRST):
        if clause.kind is not ConstraintKind.NOT_NULL or not clause.inline:
            catalog = constraints.with_clause(catalog, catalog.tables[place], clause)
    return _among_partitions(catalog, catalog.tables[place], definition)


def _empty(action: Action, definition: TableDefinition, name: QualifiedName, catalog: Catalog) -> Table:
    """What IF NOT EXISTS names may be there for long already, where no database says that it is not."""
    copied = tuple(c for source in definition.like + definition.inherits for c in _columns_of(catalog, source))
    parents = definition.inherits + ((definition.partition_of,) if definition.partition_of else ())
    if definition.partition_of is not None:
        copied = tuple(_columns_of(catalog, definition.partition_of))
    return Table(
        name=name,
        kind=_kind(action, definition),
        persistence=definition.persistence,
        owner=catalog.role,
        columns=copied,
        parents=tuple(catalog.resolve(*p) for p in parents),
        is_partition=definition.partition_of is not None,
        partition_key=definition.partition_by_sql,
        partition_bound=definition.bound_sql,
        made_by_run=catalog.known or not definition.if_not_exists or definition.persistence == "temporary",
    )


def without_temporary(catalog: Catalog) -> Catalog:
    """The catalog behind a file: its temporary tables are gone."""
    if _TEMPORARY not in catalog.schemas:
        return catalog
    kept = {n: t for n, t in catalog.tables.items() if n.schema != _TEMPORARY}
    return replace(catalog, schemas=catalog.schemas - {_TEMPORARY}, tables=kept)


def _columns_of(catalog: Catalog, source: tuple[str | None, str]) -> tuple[Column, ...]:
    table = catalog.table(catalog.resolve(*source))
    return table.columns if table else ()


def _kind(action: Action, definition: TableDefinition) -> TableKind:
    if action.kind == "CREATE MATERIALIZED VIEW":
        return TableKind.MATERIALIZED_VIEW
    if action.kind == "CREATE FOREIGN TABLE":
        return TableKind.FOREIGN
    return TableKind.PARTITIONED if definition.partition_by_sql else TableKind.TABLE


def _among_partitions(catalog: Catalog, table: Table, definition: TableDefinition) -> Catalog:
    for parent in (p for n in table.parents if (p := catalog.table(n)) is not None):
        default = table.name if definition.default_partition else parent.default_partition
        catalog = catalog.with_table(replace(parent, children=(*parent.children, table.name), default_partition=default))
    return catalog


def view_created(action: Action, catalog: Catalog) -> Catalog:
    if action.relation is None:
        return catalog
    schema, name = action.relation
    temporary = action.node.get("view", {}).get("relpersistence") == "t"
    place = QualifiedName(_TEMPORARY if temporary else schema or catalog.creation_schema, name)
    catalog = replace(catalog, schemas=catalog.schemas | {_TEMPORARY}) if temporary else catalog
    old = catalog.table(place)
    view = replace(old, definition=action.sql) if old else Table(place, TableKind.VIEW, definition=action.sql, made_by_run=True)
    return catalog.with_table(view)


def dropped(action: Action, catalog: Catalog) -> Catalog:
    """The relation, and the foreign keys to it, are gone; so are its sequences."""
    if action.relation is None:
        return catalog
    name = catalog.resolve(*action.relation)
    for key in catalog.foreign_keys_to(name):
        catalog = constraints.without(catalog, key.table, key.name)
    table = catalog.table(name)
    owned = {c.sequence for c in table.columns} if table else set()
    return replace(
        catalog,
        tables={n: _orphaned(t, name) for n, t in catalog.tables.items() if n != name},
        sequences={n: s for n, s in catalog.sequences.items() if n not in owned},
    )


def _orphaned(table: Table, gone: QualifiedName) -> Table:
    if gone not in table.children:
        return table
    default = None if table.default_partition == gone else table.default_partition
    return replace(table, children=tuple(c for c in table.children if c != gone), default_partition=default)


def renamed(action: Action, catalog: Catalog, table: Table) -> Catalog:
    return _moved(catalog, table, QualifiedName(table.name.schema, action.node["newname"]))


def relation_renamed(action: Action, catalog: Catalog) -> Catalog:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    return catalog if table is None else renamed(action, catalog, table)


def moved(action: Action, catalog: Catalog, table: Table) -> Catalog:
    return _moved(catalog, table, QualifiedName(action.node["newschema"], table.name.name))


def _moved(catalog: Catalog, table: Table, new: QualifiedName) -> Catalog:
    """A relation's new name, wherever others name it."""
    old = table.name

    def named(name: QualifiedName | None) -> QualifiedName | None:
        return new if name == old else name

    tables: dict[QualifiedName, Table] = {}
    for name, other in catalog.tables.items():
        changed = replace(
            other,
            name=new if name == old else name,
            parents=tuple(new if p == old else p for p in other.parents),
            children=tuple(new if c == old else c for c in other.children),
            default_partition=named(other.default_partition),
            constraints=tuple(
                replace(c, table=new if c.table == old else c.table, references=named(c.references)) for c in other.constraints
            ),
            indexes=tuple(
                replace(i, table=new, name=QualifiedName(new.schema, i.name.name)) if i.table == old else i for i in other.indexes
            ),
        )
        tables[changed.name] = changed
    return replace(catalog, tables=tables)


def _partition(action: Action, catalog: Catalog) -> Table | None:
    command = action.node.get("def", {}).get("PartitionCmd", {}).get("name", {})
    return catalog.table(catalog.resolve(command.get("schemaname"), command["relname"])) if "relname" in command else None


def attached(action: Action, catalog: Catalog, table: Table) -> Catalog:
    part = _partition(action, catalog)
    if part is None:
        return catalog
    bound = action.node["def"]["PartitionCmd"].get("bound", {})
    default = part.name if bound.get("is_default") else table.default_partition
    catalog = catalog.with_table(replace(part, is_partition=True, parents=(table.name,)))
    return catalog.with_table(replace(table, children=(*table.children, part.name), default_partition=default))


def detached(action: Action, catalog: Catalog, table: Table) -> Catalog:
    part = _partition(action, catalog)
    if part is None:
        return catalog
    return catalog.with_table(replace(part, is_partition=False, parents=())).with_table(_orphaned(table, part.name))
