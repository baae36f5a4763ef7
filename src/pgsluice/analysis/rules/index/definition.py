"""An index as CREATE INDEX says it: under another name, and what the catalog is without one."""

from dataclasses import replace

from pgsluice.analysis.parsing.clauses import relation_end
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.indexes import IndexDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.model.catalog import Catalog, Index
from pgsluice.model.names import index_name
from pgsluice.model.postgres.identifiers import QualifiedName, quote


def name_in(catalog: Catalog, table: QualifiedName, index: IndexDefinition) -> str:
    """The index's name: the one given, else the one that PostgreSQL would choose."""
    return index.name or index_name(catalog, table, index.key_names)


def plain_keys(index: IndexDefinition) -> tuple[str, ...]:
    """The key's columns, () where one is an expression or has a collation or operator class of its own."""
    plain = [k.column for k in index.keys if k.column is not None and not k.collation and not k.operator_class]
    return tuple(plain) if len(plain) == len(index.keys) else ()


def compared_keys(index: IndexDefinition) -> tuple[str | Expression, ...]:
    """The key's columns and expressions, () where one has a collation or operator class of its own, so that it may compare in
    another way than GROUP BY does."""
    usual = all(not k.collation and not k.operator_class for k in index.keys)
    return tuple(part for k in index.keys if (part := k.column or k.expression) is not None) if usual else ()


def concurrent(sql: str, name: str) -> str:
    """The CREATE INDEX under that name and with CONCURRENTLY, whether it has a name or not."""
    found = tokens(sql)
    word = next(i for i, t in enumerate(found) if t.word == "INDEX")
    at = word + 1
    while found[at].word in ("IF", "NOT", "EXISTS"):
        at += 1
    unnamed = found[at].word == "ON"
    kept = sql[found[word].end : found[at].start]
    end = found[at].start if unnamed else found[at].end
    return f"{sql[: found[word].end]} CONCURRENTLY{kept}{quote(name)}{' ' if unnamed else ''}{sql[end:]}"


def on_table(action: Action, index: IndexDefinition, name: str, table: QualifiedName, on: str, how: str = "") -> str:
    """The CREATE INDEX under this name on another table, all behind the table's name as it was written; `on` is ON or ON ONLY, `how`
    CONCURRENTLY with a space, or nothing."""
    found = tokens(action.sql)
    end = relation_end(found, action.node["relation"]["location"])
    unique = "UNIQUE " if index.unique else ""
    return f"CREATE {unique}INDEX {how}{quote(name)} {on} {table} {action.sql[found[end].start :]}"


def without_index(catalog: Catalog, index: Index) -> Catalog:
    """The catalog as it is once the index is gone."""
    table = catalog.table(index.table)
    if table is None:
        return catalog
    return catalog.with_table(replace(table, indexes=tuple(i for i in table.indexes if i.name != index.name)))
