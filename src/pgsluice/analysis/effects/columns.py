"""Effects on the columns of a table that is known."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pgsluice.analysis.effects import constraints
from pgsluice.analysis.parsing.column_names import check_with, index_with, key_with
from pgsluice.analysis.parsing.columns import ColumnDefinition, column_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.trees import name_of, strings
from pgsluice.model.catalog import Catalog, Column, Constraint, ConstraintKind, Index, Sequence, Table
from pgsluice.model.names import not_null_name, sequence_name
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.types import INTEGER_MAXIMA, printed


def column_of(definition: ColumnDefinition) -> Column:
    """The column as the catalog would show it, its sequence and the name of its NOT NULL aside."""
    return Column(
        name=definition.name,
        type=type_of(definition),
        not_null=definition.never_null,
        default=definition.expression.sql if definition.expression else definition.default_sql,
        generated=definition.generated,
        identity=definition.identity,
        collation=definition.collation_sql,
        storage=definition.storage or "",
        compression=definition.compression or "",
    )


def type_of(definition: ColumnDefinition) -> str:
    """The type as format_type prints it."""
    if definition.serial_type is not None:
        return definition.serial_type
    schema, name = definition.type_name
    _, opened, rest = definition.type_sql.partition("(")
    modifier = rest.partition(")")[0] if opened else ""
    shown = printed(name, modifier, array=definition.array or definition.type_sql.endswith("]"))
    return shown if schema in (None, "pg_catalog") else f"{schema}.{shown}"


def added(action: Action, catalog: Catalog, table: Table) -> Catalog:
    definition = column_definition(action)
    if definition is None or table.column(definition.name) is not None:
        return catalog
    return with_column(catalog, table, definition, extra_constraints=True)


def added_to_child(action: Action, catalog: Catalog, table: Table) -> Catalog:
    """A column that comes to a partition or child with its parent's: what is made for it is the parent's."""
    definition = column_definition(action)
    if definition is None or table.column(definition.name) is not None:
        return catalog
    return catalog.with_table(replace(table, columns=(*table.columns, column_of(definition))))


def with_column(catalog: Catalog, table: Table, definition: ColumnDefinition, *, extra_constraints: bool) -> Catalog:
    """The catalog with a new column, its sequence and (where asked) the constraints written inline."""
    column = column_of(definition)
    if definition.is_serial or definition.identity:
        sequence = QualifiedName(table.name.schema, sequence_name(catalog, table.name, definition.name))
        kind = definition.serial_type or column.type
        catalog = replace(
            catalog,
            sequences={**catalog.sequences, sequence: _sequence(sequence, kind, (table.name, column.name), new=table.made_by_run)},
        )
        default = f"nextval('{sequence}'::regclass)" if definition.is_serial else None
        column = replace(column, sequence=sequence, default=default)
    catalog = catalog.with_table(replace(table, columns=(*table.columns, column)))
    catalog = _named_not_null(catalog, table.name, definition) if column.not_null else catalog
    for clause in definition.constraints if extra_constraints else ():
        if clause.kind is not ConstraintKind.NOT_NULL:
            catalog = constraints.with_clause(catalog, catalog.tables[table.name], clause)
    return catalog


def _named_not_null(catalog: Catalog, table: QualifiedName, definition: ColumnDefinition) -> Catalog:
    if not catalog.version.has_not_null_constraints:
        return catalog
    clause = definition.constraint(ConstraintKind.NOT_NULL)
    name = (clause.name if clause else None) or not_null_name(catalog, table, definition.name)
    return changed(catalog, catalog.tables[table], definition.name, lambda c: replace(c, not_null_constraint=name))


def changed(catalog: Catalog, table: Table, name: str, change: Callable[[Column], Column]) -> Catalog:
    """The catalog with one column changed."""
    return catalog.with_table(replace(table, columns=tuple(change(c) if c.name == name else c for c in table.columns)))


def dropped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    """A column takes with it its indexes, its constraints, the foreign keys to it and its sequence."""
    name = action.node["name"]
    column = table.column(name)
    kept = replace(
        table,
        columns=tuple(c for c in table.columns if c.name != name),
        indexes=tuple(i for i in table.indexes if name not in i.columns),
        constraints=tuple(c for c in table.constraints if name not in c.columns),
    )
    catalog = catalog.with_table(kept)
    if column is not None and column.sequence is not None:
        catalog = replace(catalog, sequences={n: s for n, s in catalog.sequences.items() if n != column.sequence})
    for key in catalog.foreign_keys_to(table.name):
        if name in key.referenced_columns:
            catalog = constraints.without(catalog, key.table, key.name)
    return catalog


def retyped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    node = action.node["def"]["ColumnDef"]["typeName"]
    schema, name = name_of(strings(node.get("names", ())))
    shown = printed(name, _modifier(node), array="arrayBounds" in node)
    kind = shown if schema in (None, "pg_catalog") else f"{schema}.{shown}"
    return changed(catalog, table, action.node["name"], lambda c: replace(c, type=kind))


def _modifier(node: object) -> str:
    mods = node.get("typmods", []) if isinstance(node, dict) else []
    return ",".join(str(m["A_Const"]["ival"].get("ival", 0)) for m in mods if "ival" in m.get("A_Const", {}))


def default_set(action: Action, catalog: Catalog, table: Table) -> Catalog:
    text = action.sql.upper().rfind("DEFAULT")
    return changed(catalog, table, action.node["name"], lambda c: replace(c, default=action.sql[text + 7 :].strip()))


def default_dropped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    return changed(catalog, table, action.node["name"], lambda c: replace(c, default=None))


def not_null_set(action: Action, catalog: Catalog, table: Table) -> Catalog:
    name = action.node["name"]
    column = table.column(name)
    if column is None or column.not_null:
        return catalog
    named = not_null_name(catalog, table.name, name) if catalog.version.has_not_null_constraints else None
    return changed(catalog, table, name, lambda c: replace(c, not_null=True, not_null_constraint=named))


def not_null_dropped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    clean = replace(table, constraints=tuple(c for c in table.constraints if not _not_null_of(c.kind, c.columns, action.node["name"])))
    return changed(catalog, clean, action.node["name"], lambda c: replace(c, not_null=False, not_null_constraint=None))


def _not_null_of(kind: ConstraintKind, columns: tuple[str, ...], name: str) -> bool:
    return kind is ConstraintKind.NOT_NULL and columns == (name,)


def identity_added(action: Action, catalog: Catalog, table: Table) -> Catalog:
    name = action.node["name"]
    kind = "always" if action.node.get("def", {}).get("Constraint", {}).get("generated_when") == "a" else "by default"
    sequence = QualifiedName(table.name.schema, sequence_name(catalog, table.name, name))
    catalog = replace(catalog, sequences={**catalog.sequences, sequence: _sequence(sequence, _type(table, name), (table.name, name))})
    return changed(catalog, table, name, lambda c: replace(c, identity=kind, sequence=sequence))


def _type(table: Table, name: str) -> str:
    column = table.column(name)
    return column.type if column else "bigint"


def _sequence(name: QualifiedName, kind: str, owner: tuple[QualifiedName, str], *, new: bool = False) -> Sequence:
    return Sequence(name, kind, owner, maximum=INTEGER_MAXIMA.get(kind, 0), made_by_run=new)


def identity_dropped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    column = table.column(action.node["name"])
    if column is None or not column.identity:
        return catalog
    catalog = replace(catalog, sequences={n: s for n, s in catalog.sequences.items() if n != column.sequence})
    return changed(catalog, table, column.name, lambda c: replace(c, identity="", sequence=None))


def expression_dropped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    return changed(catalog, table, action.node["name"], lambda c: replace(c, generated="", default=None))


def renamed(action: Action, catalog: Catalog, table: Table) -> Catalog:
    """A column's new name, wherever its table's objects and the foreign keys to it name it."""
    old, new = action.node["subname"], action.node["newname"]
    table = replace(
        table,
        columns=tuple(replace(c, name=new) if c.name == old else c for c in table.columns),
        indexes=tuple(_index_renamed(i, old, new) if old in i.columns else i for i in table.indexes),
        constraints=tuple(_constraint_renamed(c, old, new) if old in c.columns else c for c in table.constraints),
    )
    catalog = catalog.with_table(table)
    for key in catalog.foreign_keys_to(table.name):
        if old in key.referenced_columns and (other := catalog.table(key.table)) is not None:
            there = tuple(_target_renamed(c, old, new) if c is key else c for c in other.constraints)
            catalog = catalog.with_table(replace(other, constraints=there))
    return catalog


def _index_renamed(index: Index, old: str, new: str) -> Index:
    keys, columns = _with(index.keys, old, new), frozenset(_with(tuple(index.columns), old, new))
    definition = index_with(index.definition, old, new) if index.definition else ""
    return replace(index, keys=keys, columns=columns, include=_with(index.include, old, new), definition=definition or index.definition)


def _constraint_renamed(constraint: Constraint, old: str, new: str) -> Constraint:
    changes = {ConstraintKind.CHECK: check_with, ConstraintKind.FOREIGN_KEY: key_with}
    change = changes.get(constraint.kind)
    definition = change(constraint.definition, old, new) if change and constraint.definition else None
    return replace(constraint, columns=_with(constraint.columns, old, new), definition=definition or constraint.definition)


def _target_renamed(key: Constraint, old: str, new: str) -> Constraint:
    definition = key_with(key.definition, old, new, key.referenced_columns) or key.definition
    return replace(key, referenced_columns=_with(key.referenced_columns, old, new), definition=definition)


_Names = TypeVar("_Names", str, str | None)


def _with(names: tuple[_Names, ...], old: str, new: str) -> tuple[_Names, ...]:
    return tuple(new if name == old else name for name in names)
