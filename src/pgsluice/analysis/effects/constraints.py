"""Effects on the constraints of a table that is known."""

from dataclasses import replace

from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint, table_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.model import names
from pgsluice.model.catalog import Catalog, Constraint, ConstraintKind, Index, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName

_INDEXED = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION})


def added(action: Action, catalog: Catalog, table: Table) -> Catalog:
    clause = added_constraint(action)
    return catalog if clause is None else with_clause(catalog, table, clause)


def with_clause(catalog: Catalog, table: Table, clause: ConstraintClause) -> Catalog:
    """The catalog with the constraint that a clause adds to a table, its index included."""
    name = clause.name or chosen_name(catalog, table, clause)
    if clause.kind is ConstraintKind.NOT_NULL:
        return _with_not_null(catalog, table, clause, name)
    columns = clause.columns
    if clause.using_index is not None:
        catalog, table, columns = _taking_over(catalog, table, clause, name)
    elif clause.kind in _INDEXED:
        table = replace(table, indexes=(*table.indexes, _index(table, clause, name)))
    made = _constraint(catalog, table, clause, name, columns)
    table = replace(table, constraints=(*table.constraints, made))
    if clause.kind is ConstraintKind.PRIMARY_KEY:
        table = _never_null(catalog.with_table(table), table, columns)
    return _handed_down(catalog.with_table(table), table, made)


def _handed_down(catalog: Catalog, table: Table, made: Constraint) -> Catalog:
    """A foreign key of a partitioned table takes those of the partitions that are the same for its parts, and makes the others."""
    if made.kind is not ConstraintKind.FOREIGN_KEY or table.kind is not TableKind.PARTITIONED:
        return catalog
    for child in filter(None, map(catalog.table, table.children)):
        own = next((k for k in child.foreign_keys if not k.inherited and k.says_what(made)), None)
        part = replace(own or made, table=child.name, inherited=True)
        child = replace(child, constraints=(*(c for c in child.constraints if c is not own), part))
        catalog = _handed_down(catalog.with_table(child), child, made)
    return catalog


def _taken_back(catalog: Catalog, table: Table, gone: Constraint) -> Catalog:
    """The parts of a foreign key go with it."""
    for child in filter(None, map(catalog.table, table.children if gone.kind is ConstraintKind.FOREIGN_KEY else ())):
        left = tuple(c for c in child.constraints if not (c.inherited and c.says_what(gone)))
        catalog = _taken_back(catalog.with_table(replace(child, constraints=left)), child, gone)
    return catalog


def chosen_name(catalog: Catalog, table: Table, clause: ConstraintClause) -> str:
    """The name that the server chooses for a constraint without one."""
    match clause.kind:
        case ConstraintKind.FOREIGN_KEY:
            return names.foreign_key_name(catalog, table.name, clause.columns)
        case ConstraintKind.CHECK:
            return names.check_name(catalog, table.name, clause.columns)
        case ConstraintKind.PRIMARY_KEY:
            return names.primary_key_name(catalog, table.name)
        case ConstraintKind.NOT_NULL:
            return names.not_null_name(catalog, table.name, clause.columns[0])
        case ConstraintKind.EXCLUSION:
            return names.unique_name(catalog, table.name, clause.key_names, "excl")
    return clause.using_index or names.unique_name(catalog, table.name, (*clause.key_names, *clause.include))


def _constraint(catalog: Catalog, table: Table, clause: ConstraintClause, name: str, columns: tuple[str, ...]) -> Constraint:
    target = catalog.resolve(*clause.references) if clause.references else None
    return Constraint(
        name=name,
        table=table.name,
        kind=clause.kind,
        definition=_definition(clause),
        columns=columns,
        validated=not clause.not_valid and clause.enforced,
        references=target,
        referenced_columns=clause.referenced_columns or _key_columns(catalog, target),
        index=QualifiedName(table.name.schema, name) if clause.kind in _INDEXED else None,
        deferrable=clause.deferrable,
        enforced=clause.enforced,
        no_inherit=clause.no_inherit,
    )


def _definition(clause: ConstraintClause) -> str:
    if clause.kind is ConstraintKind.CHECK:
        return f"CHECK (({clause.expression_sql}))"
    text = table_constraint(clause)
    return text if clause.name is None else text[tokens(text)[2].start :]


def _key_columns(catalog: Catalog, target: QualifiedName | None) -> tuple[str, ...]:
    table = catalog.table(target) if target else None
    key = table.primary_key if table else None
    return key.columns if key else ()


def _index(table: Table, clause: ConstraintClause, name: str) -> Index:
    columns = clause.columns
    expressions = (*(x.key.expression for x in clause.excluded), clause.where)
    read = (c for e in expressions if e is not None for c in e.columns)
    return Index(
        name=QualifiedName(table.name.schema, name),
        table=table.name,
        definition="",
        method="gist" if clause.kind is ConstraintKind.EXCLUSION or clause.without_overlaps else "btree",
        keys=columns,
        columns=frozenset((*columns, *clause.include, *read)),
        include=clause.include,
        unique=clause.kind is not ConstraintKind.EXCLUSION,
        primary=clause.kind is ConstraintKind.PRIMARY_KEY,
        constraint=name,
        partitioned=table.kind is TableKind.PARTITIONED,
        nulls_not_distinct=clause.nulls_not_distinct,
    )


def _taking_over(catalog: Catalog, table: Table, clause: ConstraintClause, name: str) -> tuple[Catalog, Table, tuple[str, ...]]:
    """USING INDEX: the index takes the constraint's name."""
    primary = clause.kind is ConstraintKind.PRIMARY_KEY
    renamed = QualifiedName(table.name.schema, name)
    taken = table.index(clause.using_index or "")
    table = replace(
        table,
        indexes=tuple(replace(i, name=renamed, constraint=name, primary=primary) if i is taken else i for i in table.indexes),
    )
    columns = tuple(k for k in taken.keys if k is not None) if taken else ()
    return catalog.with_table(table), table, columns


def _never_null(catalog: Catalog, table: Table, columns: tuple[str, ...]) -> Table:
    for name in columns:
        column = table.column(name)
        if column is not None and not column.not_null:
            named = names.not_null_name(catalog, table.name, name) if catalog.version.has_not_null_constraints else None
            changed = replace(column, not_null=True, not_null_constraint=named)
            table = replace(table, columns=tuple(changed if c.name == name else c for c in table.columns))
    return table


def _with_not_null(catalog: Catalog, table: Table, clause: ConstraintClause, name: str) -> Catalog:
    made = Constraint(name, table.name, ConstraintKind.NOT_NULL, f"NOT NULL {clause.columns[0]}", clause.columns, not clause.not_valid)
    columns = tuple(
        replace(c, not_null=True, not_null_constraint=name, not_null_validated=not clause.not_valid) if c.name == clause.columns[0] else c
        for c in table.columns
    )
    return catalog.with_table(replace(table, columns=columns, constraints=(*table.constraints, made)))


def validated(action: Action, catalog: Catalog, table: Table) -> Catalog:
    name = action.node["name"]
    return catalog.with_table(
        replace(
            table,
            constraints=tuple(
                replace(c, validated=True, definition=c.definition.removesuffix(" NOT VALID")) if c.name == name else c
                for c in table.constraints
            ),
            columns=tuple(replace(c, not_null_validated=True) if c.not_null_constraint == name else c for c in table.columns),
        )
    )


def _valid(constraint: Constraint) -> Constraint:
    return replace(constraint, validated=True, definition=constraint.definition.removesuffix(" NOT VALID"))


def dropped(action: Action, catalog: Catalog, table: Table) -> Catalog:
    return without(catalog, table.name, action.node["name"])


def without(catalog: Catalog, name: QualifiedName, constraint: str) -> Catalog:
    """The catalog without a table's constraint, and without the index that it had made."""
    table = catalog.table(name)
    if table is None:
        return catalog
    columns = tuple(
        replace(c, not_null=False, not_null_constraint=None) if c.not_null_constraint == constraint else c for c in table.columns
    )
    changed = replace(
        table,
        columns=columns,
        constraints=tuple(c for c in table.constraints if c.name != constraint),
        indexes=tuple(i for i in table.indexes if i.constraint != constraint),
    )
    gone = table.constraint(constraint)
    return _taken_back(catalog.with_table(changed), changed, gone) if gone else catalog.with_table(changed)


def renamed(action: Action, catalog: Catalog, table: Table) -> Catalog:
    """A constraint's new name is its index's, too."""
    old, new = action.node["subname"], action.node["newname"]
    there = QualifiedName(table.name.schema, new)
    return catalog.with_table(
        replace(
            table,
            columns=tuple(replace(c, not_null_constraint=new) if c.not_null_constraint == old else c for c in table.columns),
            constraints=tuple(replace(c, name=new, index=there if c.index else None) if c.name == old else c for c in table.constraints),
            indexes=tuple(replace(i, name=there, constraint=new) if i.constraint == old else i for i in table.indexes),
        )
    )
