"""How the catalog shows that a step is done."""

from pgsluice.analysis.parsing.changes import partition_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.planner import questions
from pgsluice.analysis.planner.guards import makes_temporary
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName

_MAKES_RELATION = frozenset(
    {"CREATE TABLE", "CREATE TABLE PARTITION OF", "CREATE TABLE AS", "CREATE VIEW", "CREATE MATERIALIZED VIEW", "CREATE SEQUENCE"}
)
_DROPS_RELATION = frozenset({"DROP TABLE", "DROP VIEW", "DROP MATERIALIZED VIEW", "DROP SEQUENCE", "DROP INDEX", "DROP FOREIGN TABLE"})


def done_when(pieces: list[Piece]) -> str | None:
    """A question that is true once every piece is done; None where the catalog cannot tell (the journal can): it looks the same
    before and after where one piece makes or changes what another one drops, and no other session sees temporary tables."""
    if any("pg_temp" in p.before.schemas or any(makes_temporary(a) for a in p.actions) for p in pieces):
        return None
    found = [_question(a, p.before) for p in pieces for a in p.actions]
    known = [q for q in found if q is not None]
    if not known or len(known) < len(found) or any(questions.negated(q) in known for q in known) or _drops_its_own(pieces):
        return None
    return questions.every(known)


def _drops_its_own(pieces: list[Piece]) -> bool:
    """Whether a piece drops a relation that an earlier one makes or changes."""
    met: set[QualifiedName] = set()
    for piece, action in ((p, a) for p in pieces for a in p.actions):
        if action.relation is None:
            continue
        relation = piece.before.resolve(*action.relation)
        if action.kind in _DROPS_RELATION and relation in met:
            return True
        made = action.node.get("idxname") if action.kind == "CREATE INDEX" else None
        met |= {relation, QualifiedName(relation.schema, made)} if made else {relation}
    return False


def _question(action: Action, before: Catalog) -> str | None:
    if action.relation is None:
        return None
    relation = before.resolve(*action.relation)
    if action.kind == "CREATE INDEX":
        return _of_index(action, relation)
    if action.kind == "ALTER INDEX ATTACH PARTITION":
        change = partition_change(action)
        return questions.is_attached(before.resolve(*change.partition), relation) if change else None
    if action.kind in _MAKES_RELATION:
        return questions.relation_exists(relation)
    if action.kind in _DROPS_RELATION:
        return questions.negated(questions.relation_exists(relation))
    change = partition_change(action)
    if change is not None and action.kind.startswith("ALTER TABLE "):
        attached = questions.is_attached(before.resolve(*change.partition), relation)
        return attached if action.kind.endswith(" ATTACH PARTITION") else questions.negated(attached)
    return _of_table(action, relation) if action.kind.startswith("ALTER TABLE ") else None


def _of_index(action: Action, table: QualifiedName) -> str | None:
    """One that is made on the partitioned table alone is not valid before the partitions have theirs."""
    name = action.node.get("idxname")
    if not name:
        return None
    index = QualifiedName(table.schema, name)
    return questions.relation_exists(index) if action.only else questions.index_valid(index)


def _of_table(action: Action, table: QualifiedName) -> str | None:
    name = action.node.get("name", "")
    match action.kind.removeprefix("ALTER TABLE "):
        case "ADD COLUMN":
            return questions.column_exists(table, action.node["def"]["ColumnDef"]["colname"])
        case "DROP COLUMN":
            return questions.negated(questions.column_exists(table, name))
        case "ADD CONSTRAINT":
            made = action.node["def"]["Constraint"].get("conname")
            return questions.constraint_exists(table, made) if made else None
        case "VALIDATE CONSTRAINT":
            return questions.constraint_validated(table, name)
        case "DROP CONSTRAINT":
            return questions.negated(questions.constraint_exists(table, name))
        case "SET NOT NULL":
            return questions.column_not_null(table, name)
        case "DROP NOT NULL":
            return questions.negated(questions.column_not_null(table, name))
        case "DROP DEFAULT":
            return questions.negated(questions.column_has_default(table, name))
        case "ADD IDENTITY":
            return questions.column_has_identity(table, name)
        case "DROP IDENTITY":
            return questions.negated(questions.column_has_identity(table, name))
        case _:
            return None
