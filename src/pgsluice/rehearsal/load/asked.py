"""Which tables a load asks."""

from collections.abc import Iterable

from pgsluice.analysis.parsing.mentions import mentioned_relations, written_relations
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.trees import Name
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.rehearsal.load.definition import RequestKind


def asked_by(kinds: Iterable[RequestKind], catalog: Catalog) -> frozenset[QualifiedName]:
    """The user's tables that the statements of the kinds name."""
    return frozenset(name for statement in _statements(kinds) for name in named_tables(statement, catalog))


def written_by(kinds: Iterable[RequestKind], catalog: Catalog) -> frozenset[QualifiedName]:
    """The user's tables that the statements of the kinds write."""
    return frozenset(name for statement in _statements(kinds) for name in _tables(written_relations(statement), catalog))


def named_tables(statement: Statement, catalog: Catalog) -> frozenset[QualifiedName]:
    """The user's tables that a statement names."""
    return _tables(mentioned_relations(statement), catalog)


def _statements(kinds: Iterable[RequestKind]) -> Iterable[Statement]:
    return (parse_statement(statement.sql) for kind in kinds for statement in kind.statements)


def _tables(names: Iterable[Name], catalog: Catalog) -> frozenset[QualifiedName]:
    found = (catalog.resolve(*name) for name in names)
    return frozenset(name for name in found if catalog.table(name) is not None and name.schema != "pgsluice")
