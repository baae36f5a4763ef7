"""Which tables a load asks."""

from collections.abc import Iterable

from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.rehearsal.load.definition import RequestKind


def asked_by(kinds: Iterable[RequestKind], catalog: Catalog) -> frozenset[QualifiedName]:
    """The user's tables that the statements of the kinds name."""
    statements = (parse_statement(statement.sql) for kind in kinds for statement in kind.statements)
    return frozenset(name for statement in statements for name in named_tables(statement, catalog))


def named_tables(statement: Statement, catalog: Catalog) -> frozenset[QualifiedName]:
    """The user's tables that a statement names."""
    names = (catalog.resolve(*name) for name in mentioned_relations(statement))
    return frozenset(name for name in names if catalog.table(name) is not None and name.schema != "pgsluice")
