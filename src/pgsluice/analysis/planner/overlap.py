"""Migrations overlap: what an earlier one will destroy in its contract still stands, and a later one may not build on that."""

import re
from collections.abc import Mapping

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.planner.naming import tying_names, tying_relations
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.catalog import Catalog
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import HELPER_PREFIX, QualifiedName

_PARTS = frozenset(
    f"ALTER TABLE {part}"
    for part in (
        "DROP COLUMN",
        "DROP CONSTRAINT",
        "DROP DEFAULT",
        "DROP IDENTITY",
        "SET DEFAULT",
        "ADD IDENTITY",
        "ADD CONSTRAINT",
        "RENAME CONSTRAINT",
    )
) | {"DROP TRIGGER"}
"""What touches the columns and constraints that it names, not the whole table."""
_MOVES = frozenset({"ALTER TABLE RENAME", "ALTER TABLE SET SCHEMA"})
"""What the contract of columns that are kept in step would not find its table behind."""
_SHAPES = frozenset({"ALTER TABLE RENAME COLUMN", "ALTER TABLE ALTER COLUMN TYPE", "ALTER TABLE DROP COLUMN"})
"""What the trigger that keeps columns in step would not survive, done to a column that it names."""
_WORD = re.compile(r"\w+")


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
    if action.kind == "DROP TRIGGER" and piece.relations & relations and _stops(piece, relations, names, catalog):
        return True
    if action.kind in _PARTS:
        return bool(piece.relations & relations) and bool(piece.names & names)
    return bool(piece.relations & relations) or (not relations and bool(piece.names & names))


def _stops(piece: Piece, relations: frozenset[QualifiedName], names: frozenset[str], catalog: Catalog) -> bool:
    """Whether a piece would stop the trigger of ours, among `names`, that keeps columns in step until the contract."""
    ours = [n for n in names if n.startswith(f"~{HELPER_PREFIX}")]
    if not ours or (piece.phase is PhaseName.CONTRACT and not piece.kinds & _MOVES):
        return False
    return bool(piece.kinds & _MOVES) or (bool(piece.kinds & _SHAPES) and _named_by(ours, relations, piece.names, catalog))


def _named_by(triggers: list[str], relations: frozenset[QualifiedName], names: frozenset[str], catalog: Catalog) -> bool:
    """Whether the function of a trigger names one of these; taken for true where it is not known."""
    tables = [t for r in relations if (t := catalog.table(r)) is not None]
    found = [t.function for table in tables for t in table.triggers if t.name in triggers]
    bodies = [f.definition or "" for f in catalog.functions if f.signature in found]
    return not bodies or any(names & {*_WORD.findall(body)} for body in bodies)


def _of(action: Action, catalog: Catalog) -> tuple[frozenset[QualifiedName], frozenset[str]]:
    if action.kind == "ALTER SEQUENCE" and action.relation:  # OWNED BY does nothing to the table
        return frozenset({catalog.resolve(*action.relation)}), tying_names(action)
    return tying_relations(action, catalog), tying_names(action)
