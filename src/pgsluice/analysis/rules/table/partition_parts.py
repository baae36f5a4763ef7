"""What a partitioned table has and a table that becomes its partition lacks: the server would make it under the strongest lock."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.rules.index.definition import on_table
from pgsluice.analysis.rules.rule import Context, Part
from pgsluice.model.catalog import Catalog, Constraint, ConstraintKind, Index, Table
from pgsluice.model.names import constraint_names, foreign_key_name, index_name, primary_key_name, unique_name
from pgsluice.model.postgres.identifiers import QualifiedName, quote


class UnknownPartError(Exception):
    """The parent has an index or constraint of which we cannot say how the table gets it without a lock."""


def missing_parts(parent: Table, candidate: Table, context: Context) -> Iterator[Part]:
    """The indexes, keys and foreign keys, under the names that the server would choose; other rules make them safe. Raises
    UnknownPartError."""
    catalog = context.catalog
    for index in parent.indexes:
        if any(_same(index, own) for own in candidate.indexes):
            continue
        key = parent.constraint(index.constraint) if index.constraint else None
        name, sql = _constraint(key, candidate, catalog) if key is not None else _index(index, candidate, catalog)
        yield Part(sql, f"{parent.name} has it: the server would build it under the lock")
        known = catalog.table(candidate.name) or candidate
        taken = Index(QualifiedName(candidate.name.schema, name), candidate.name, "")
        catalog = catalog.with_table(replace(known, indexes=(*known.indexes, taken)))
    for key in parent.foreign_keys:
        if not any(k.references == key.references and k.columns == key.columns for k in candidate.foreign_keys):
            free = key.name not in constraint_names(candidate)
            name = key.name if free else foreign_key_name(catalog, candidate.name, key.columns)
            sql = f"ALTER TABLE {candidate.name} ADD CONSTRAINT {quote(name)} {key.definition}"
            yield Part(sql, f"{parent.name} has it: the server would check every row under the lock")


def _same(index: Index, own: Index) -> bool:
    """As far as the catalog tells; the server compares more, and builds one more index where this was wrong."""
    alike = (index.keys, index.include, index.unique, index.method, index.predicate) == (
        own.keys,
        own.include,
        own.unique,
        own.method,
        own.predicate,
    )
    return alike and own.valid and own.parent is None and (index.constraint is None) == (own.constraint is None)


def _constraint(key: Constraint, candidate: Table, catalog: Catalog) -> tuple[str, str]:
    if not key.definition or key.kind not in (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE):
        raise UnknownPartError
    primary = key.kind is ConstraintKind.PRIMARY_KEY
    name = primary_key_name(catalog, candidate.name) if primary else unique_name(catalog, candidate.name, key.columns)
    return name, f"ALTER TABLE {candidate.name} ADD CONSTRAINT {quote(name)} {key.definition}"


def _index(index: Index, candidate: Table, catalog: Catalog) -> tuple[str, str]:
    action = actions(parse_statement(index.definition or "SELECT"))[0]
    definition = index_definition(action)
    if definition is None:
        raise UnknownPartError
    name = index_name(catalog, candidate.name, definition.key_names)
    return name, on_table(action, definition, name, candidate.name, "ON")
