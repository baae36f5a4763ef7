"""Migrations overlap: what an earlier one will destroy in its contract still stands, and a later one may not build on that."""

from collections.abc import Mapping

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.planner.naming import tying_names, tying_relations
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import HELPER_PREFIX, QualifiedName

_PARTS = frozenset(
    {"ALTER TABLE DROP COLUMN", "ALTER TABLE DROP CONSTRAINT", "ALTER TABLE DROP DEFAULT", "ALTER TABLE DROP IDENTITY", "DROP TRIGGER"}
)
_MOVES = ("RENAME", "SET SCHEMA", "RENAME COLUMN", "ALTER COLUMN TYPE", "DROP COLUMN")
"""What a trigger that keeps two columns in step would not survive."""


def waiting_actions(texts: Mapping[str, str]) -> dict[str, tuple[Action, ...]]:
    """What waits in the contract of each migration, by its name; `texts` are the SQL of its steps."""
    return {name: tuple(a for s in parse_file(sql, name) if s.problem is None for a in actions(s)) for name, sql in texts.items()}


def in_the_way(pieces: list[Piece], waiting: Mapping[str, tuple[Action, ...]], catalog: Catalog) -> tuple[Piece, str] | None:
    """The first piece that names what waits to be destroyed, with the migration that must be contracted before; None where
    there is none."""
    for piece in pieces:
        for name, destroying in waiting.items():
            if any(_meets(piece, action, catalog) for action in destroying):
                return piece, name
    return None


def _meets(piece: Piece, action: Action, catalog: Catalog) -> bool:
    relations, names = _of(action, catalog)
    if _is_twin(action) and piece.kinds & {f"ALTER TABLE {move}" for move in _MOVES}:
        return bool(piece.relations & relations)
    if action.kind in _PARTS:
        return bool(piece.relations & relations) and bool(piece.names & names)
    return bool(piece.relations & relations) or (not relations and bool(piece.names & names))


def _is_twin(action: Action) -> bool:
    """Whether it drops the old form of a column that is kept in step until then."""
    return action.kind == "ALTER TABLE DROP COLUMN" and str(action.node.get("name", "")).startswith(HELPER_PREFIX)


def _of(action: Action, catalog: Catalog) -> tuple[frozenset[QualifiedName], frozenset[str]]:
    return tying_relations(action, catalog), tying_names(action)
