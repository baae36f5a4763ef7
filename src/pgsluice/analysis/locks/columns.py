"""ALTER TABLE clauses on columns."""

from collections.abc import Callable, Iterator

from pgsluice.analysis.locks.cast import (
    Match,
    Names,
    below,
    branches,
    dependent_views,
    descendants,
    indexes_of,
    leaves,
    referenced_index,
    table_names,
)
from pgsluice.analysis.locks.subject import Subject, is_volatile
from pgsluice.analysis.parsing.changes import cascades, column_name, new_default
from pgsluice.analysis.parsing.columns import ColumnDefinition, column_definition
from pgsluice.analysis.parsing.constraints import ConstraintClause
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.model.catalog import Column, Constraint, ConstraintKind
from pgsluice.model.postgres.identifiers import QualifiedName

_ADD = "ALTER TABLE ADD COLUMN"


def add_column(subject: Subject) -> Iterator[Match]:
    definition = column_definition(subject.action)
    if definition is None or (subject.missing and subject.action.if_exists):
        return
    if subject.table and subject.table.column(definition.name) and subject.action.node.get("missing_ok"):
        yield subject.match(f"{_ADD}: IF NOT EXISTS, exists")
        return
    yield _value(subject, definition)
    for clause in definition.constraints:
        yield from _inline(subject, definition, clause)


def _value(subject: Subject, definition: ColumnDefinition) -> Match:
    """The form that the column's type, default and generation give it."""
    if definition.is_serial:
        return subject.match(f"{_ADD}: serial")
    if definition.identity:
        return subject.match(f"{_ADD}: identity")
    if definition.generated == "stored":
        return subject.match(f"{_ADD}: stored generated")
    if definition.generated:
        return subject.match(f"{_ADD}: virtual generated{', NOT NULL' if definition.not_null else ''}")
    if definition.default and (sequences := default_sequences(subject)):
        return subject.match(f"{_ADD}: nextval default", default_sequence=sequences)
    if definition.default and is_volatile(definition.default, subject.catalog):
        return subject.match(f"{_ADD}: volatile default")
    if may_be_constrained(subject, definition):
        return subject.match(f"{_ADD}: domain with CHECK")
    if definition.default and not definition.default.null:
        return subject.match(f"{_ADD}: constant default")
    return subject.match(f"{_ADD}: NOT NULL without default" if definition.not_null else _ADD)


def may_be_constrained(subject: Subject, definition: ColumnDefinition) -> bool:
    """Whether the type is a domain whose constraints the server checks row by row, or may be one."""
    from pgsluice.analysis.parsing.built_in import BUILT_IN_TYPES

    schema, plain = definition.type_name
    if definition.array or schema == "pg_catalog" or (schema is None and plain in BUILT_IN_TYPES):
        return False
    found = subject.type(definition.type_name)
    if found is None:
        return not subject.catalog.known
    return found.kind == "domain" and (found.not_null or bool(found.constraints) or _base_constrained(subject, found.base))


def _base_constrained(subject: Subject, base: str | None) -> bool:
    """Whether a domain's base is a domain with constraints in its turn."""
    from pgsluice.analysis.parsing.trees import name_of

    found = subject.type(name_of((base or "").split("."))) if base else None
    if found is None or found.kind != "domain":
        return False
    return found.not_null or bool(found.constraints) or _base_constrained(subject, found.base)


def default_sequences(subject: Subject) -> Names:
    """The sequences that the clause names in nextval('...')."""
    found = (subject.name(n) for n in sorted(mentioned_relations(subject.action), key=str))
    return tuple(n for n in found if n != subject.main and (n in subject.catalog.sequences or not subject.catalog.known))


def _inline(subject: Subject, definition: ColumnDefinition, clause: ConstraintClause) -> Iterator[Match]:
    if clause.kind is ConstraintKind.CHECK and clause.enforced:
        yield subject.match(f"{_ADD}: CHECK")
    elif clause.kind is ConstraintKind.UNIQUE:
        yield subject.match(f"{_ADD}: UNIQUE")
    elif clause.kind is ConstraintKind.PRIMARY_KEY:
        filled = definition.is_serial or definition.identity
        yield subject.match(f"{_ADD}: identity PRIMARY KEY" if filled else f"{_ADD}: PRIMARY KEY")
    elif clause.kind is ConstraintKind.FOREIGN_KEY and clause.references:
        yield _inline_reference(subject, definition, clause)


def _inline_reference(subject: Subject, definition: ColumnDefinition, clause: ConstraintClause) -> Match:
    target, roles = reference(subject, clause)
    if target == subject.main:
        return subject.match(f"{_ADD}: REFERENCES itself", table_key=roles["referenced_key"])
    default = definition.default
    if definition.is_serial or definition.identity or definition.generated or (default and not default.null):
        return subject.match(f"{_ADD}: REFERENCES, default", **roles)
    return subject.match(f"{_ADD}: REFERENCES, default NULL" if default else f"{_ADD}: REFERENCES", **roles)


def reference(subject: Subject, clause: ConstraintClause) -> tuple[QualifiedName, dict[str, Names]]:
    """The table that a foreign key clause references, and the roles that it and its indexes play."""
    target = subject.name(clause.references or (None, ""))
    return target, referenced_roles(subject, target, clause.referenced_columns)


def referenced_roles(subject: Subject, target: QualifiedName | None, columns: tuple[str, ...]) -> dict[str, Names]:
    """The roles around a referenced table: it, the index of the key, all of its indexes, its partitions."""
    table = subject.catalog.table(target) if target else None
    roles = {
        "referenced": table_names([target]),
        "referenced_key": table_names([referenced_index(table, columns) if table else None]),
        "referenced_indexes": indexes_of(subject.catalog, table_names([target])),
        **below(subject.catalog, "referenced_partition", table),
    }
    for role in ("referenced_partition", "referenced_partitioned_partition"):
        tables = (subject.catalog.table(n) for n in roles[role])
        roles[f"{role}_key"] = table_names(referenced_index(t, columns) for t in tables if t)
    return roles


def constraint_reference(subject: Subject, key: Constraint) -> dict[str, Names]:
    """The roles around an existing foreign key; a table that references itself is no other one."""
    return referenced_roles(subject, None if key.references == key.table else key.references, key.referenced_columns)


def drop_column(subject: Subject) -> Iterator[Match]:
    name = column_name(subject.action) or ""
    column = subject.table.column(name) if subject.table else None
    if subject.missing and subject.action.if_exists:
        return
    if column is None and subject.table and subject.action.node.get("missing_ok"):
        yield subject.match("ALTER TABLE DROP COLUMN: IF EXISTS, missing")
        return
    yield subject.match("ALTER TABLE DROP COLUMN")
    if column:
        yield from _dropped_with(subject, column)


def _dropped_with(subject: Subject, column: Column) -> Iterator[Match]:
    form = "ALTER TABLE DROP COLUMN"
    yield subject.match(f"{form}: indexed", **column_indexes(subject, column.name))
    if column.sequence:
        yield subject.match(f"{form}: serial", column_sequence=(column.sequence,))
    for key in foreign_keys_on(subject, column.name):
        yield subject.match(f"{form}: foreign key", **constraint_reference(subject, key))
    if cascades(subject.action):
        yield from dropped_readers(subject, f"{form}: CASCADE, read by views", column.name)
        roles = referencing_roles(subject, keys_to(subject, column.name))
        yield subject.match(f"{form}: CASCADE, referenced", **roles, **column_indexes(subject, column.name))


def dropped_readers(subject: Subject, form: str, column: str | None = None) -> Iterator[Match]:
    """The views that CASCADE takes with it."""
    views = dependent_views(subject.catalog, subject.main, column) if subject.main else ()
    if views:
        yield subject.match(form, view=views, matview=(), matview_indexes=indexes_of(subject.catalog, views))


def column_indexes(subject: Subject, column: str) -> dict[str, Names]:
    """The indexes that use the column, of the table and of what is below it."""
    table, catalog = subject.table, subject.catalog
    if table is None:
        return {}
    found = {"": (table.name,), "child_": descendants(catalog, table)}
    found |= {"partition_": leaves(catalog, table), "partitioned_partition_": branches(catalog, table)}
    return {f"{role}column_indexes": indexes_of(catalog, names, lambda i: column in i.columns) for role, names in found.items()}


def foreign_keys_on(subject: Subject, column: str) -> list[Constraint]:
    return [k for k in subject.table.foreign_keys if column in k.columns] if subject.table else []


def keys_to(subject: Subject, column: str) -> list[Constraint]:
    """The foreign keys of any table that reference the column."""
    return [k for k in subject.catalog.foreign_keys_to(subject.main) if column in k.referenced_columns] if subject.main else []


def referencing_roles(subject: Subject, keys: list[Constraint]) -> dict[str, Names]:
    """The tables that these foreign keys belong to, other than the table itself."""
    tables = table_names(k.table for k in keys if k.table != subject.main)
    found = [subject.catalog.table(n) for n in tables]
    under = tuple(n for t in found if t for n in descendants(subject.catalog, t) if n not in tables)
    return {"referencing": (*tables, *under), "referencing_indexes": indexes_of(subject.catalog, (*tables, *under))}


def set_not_null(subject: Subject) -> Iterator[Match]:
    form = "ALTER TABLE ALTER COLUMN SET NOT NULL"
    name = column_name(subject.action) or ""
    column = subject.table.column(name) if subject.table else None
    alone: dict[str, Names] = {"child": ()} if subject.action.only and not subject.partitioned else {}
    if subject.missing and subject.action.if_exists:
        return
    if column and column.not_null and column.not_null_validated and subject.catalog.known:
        yield subject.match(f"{form}: is already", **alone)
    elif column and column.not_null:
        yield subject.match(f"{form}: has a NOT NULL constraint that is NOT VALID", **alone)
    elif proves_not_null(subject, name):
        yield subject.match(f"{form}: proved by a valid CHECK", **alone)
    else:
        yield subject.match(form, **alone)


def proves_not_null(subject: Subject, column: str) -> bool:
    """Whether a valid CHECK of the table says that the column is not NULL; one that this same statement drops does not count."""
    from pgsluice.analysis.locks.proofs import says_not_null

    return subject.table is not None and any(
        says_not_null(c, column) and not _dropped_here(subject, c)
        for c in subject.table.constraints
        if c.kind is ConstraintKind.CHECK and c.validated and c.enforced and (subject.action.only or not c.no_inherit)
    )


def _dropped_here(subject: Subject, constraint: Constraint) -> bool:
    commands = (c.get("AlterTableCmd", {}) for c in subject.action.statement.node.get("cmds", ()))
    return any(c.get("subtype") == "AT_DropConstraint" and c.get("name") == constraint.name for c in commands)


def drop_not_null(subject: Subject) -> Iterator[Match]:
    column = subject.table.column(column_name(subject.action) or "") if subject.table else None
    nullable = column is not None and not column.not_null and subject.catalog.known
    yield subject.match(f"ALTER TABLE ALTER COLUMN DROP NOT NULL{': is nullable' if nullable else ''}")


def set_default(subject: Subject) -> Iterator[Match]:
    form = "ALTER TABLE ALTER COLUMN SET DEFAULT"
    yield subject.match(form)
    if new_default(subject.action) and (sequences := default_sequences(subject)):
        yield subject.match(f"{form}: nextval", default_sequence=sequences)


def _with_sequence(form: str) -> Callable[[Subject], Iterator[Match]]:
    def classify(subject: Subject) -> Iterator[Match]:
        column = subject.table.column(column_name(subject.action) or "") if subject.table else None
        yield subject.match(form, column_sequence=table_names([column.sequence if column else None]))

    return classify


def set_expression(subject: Subject) -> Iterator[Match]:
    column = subject.table.column(column_name(subject.action) or "") if subject.table else None
    virtual = column is not None and column.generated == "virtual"
    yield subject.match(f"ALTER TABLE ALTER COLUMN SET EXPRESSION{': virtual' if virtual else ''}")


def _plain(form: str) -> Callable[[Subject], Iterator[Match]]:
    def classify(subject: Subject) -> Iterator[Match]:
        yield subject.match(form)

    return classify


CLASSIFIERS = {
    "ALTER TABLE ADD COLUMN": add_column,
    "ALTER TABLE DROP COLUMN": drop_column,
    "ALTER TABLE SET NOT NULL": set_not_null,
    "ALTER TABLE DROP NOT NULL": drop_not_null,
    "ALTER TABLE SET DEFAULT": set_default,
    "ALTER TABLE SET EXPRESSION": set_expression,
    "ALTER TABLE SET IDENTITY": _with_sequence("ALTER TABLE ALTER COLUMN SET IDENTITY"),
    "ALTER TABLE DROP IDENTITY": _with_sequence("ALTER TABLE ALTER COLUMN DROP IDENTITY"),
    "ALTER TABLE DROP DEFAULT": _plain("ALTER TABLE ALTER COLUMN DROP DEFAULT"),
    "ALTER TABLE ADD IDENTITY": _plain("ALTER TABLE ALTER COLUMN ADD IDENTITY"),
    "ALTER TABLE DROP EXPRESSION": _plain("ALTER TABLE ALTER COLUMN DROP EXPRESSION"),
    "ALTER TABLE SET STATISTICS": _plain("ALTER TABLE ALTER COLUMN SET STATISTICS"),
    "ALTER TABLE SET STORAGE": _plain("ALTER TABLE ALTER COLUMN SET STORAGE"),
    "ALTER TABLE SET COMPRESSION": _plain("ALTER TABLE ALTER COLUMN SET COMPRESSION"),
    "ALTER TABLE ALTER COLUMN SET": _plain("ALTER TABLE ALTER COLUMN SET (options)"),
    "ALTER TABLE ALTER COLUMN RESET": _plain("ALTER TABLE ALTER COLUMN RESET (options)"),
    "ALTER TABLE RENAME COLUMN": _plain("ALTER TABLE RENAME COLUMN"),
}
