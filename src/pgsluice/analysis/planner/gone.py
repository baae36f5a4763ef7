"""What nobody may name any more once a step has run: the names that the gate looks for before `contract`."""

from collections.abc import Iterator, Sequence

from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.planner.piece import Piece
from pgsluice.model.catalog import Catalog
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import HELPER_PREFIX
from pgsluice.model.steps import OldName

_RELATIONS = frozenset({"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE"})


def gone(pieces: Sequence[Piece]) -> tuple[OldName, ...]:
    """The old names of a step of `contract`, each once; of a rewrite those that whoever made it says."""
    found: list[OldName] = []
    for piece in pieces:
        if piece.phase is not PhaseName.CONTRACT:
            continue
        if piece.settled is not None:
            found += piece.settled.gone
        else:
            found += (name for action in piece.actions for name in _of(action, piece.before))
    return tuple(dict.fromkeys(name for name in found if not (name.column or name.name).startswith(HELPER_PREFIX)))


def _of(action: Action, catalog: Catalog) -> Iterator[OldName]:
    noun = action.kind.removeprefix("DROP ")
    if action.kind == "ALTER TABLE DROP COLUMN" and action.relation:
        table = catalog.resolve(*action.relation)
        yield OldName("column", table.schema, table.name, action.node.get("name", ""))
    elif action.kind.startswith("DROP ") and noun in _RELATIONS and action.relation:
        relation = catalog.resolve(*action.relation)
        yield OldName(noun.lower(), relation.schema, relation.name)
    elif action.kind.startswith("DROP ") and noun in _ROUTINES and (named := subject(action)):
        schemas = [f.name.schema for f in catalog.functions if f.name.name == named[1]]
        yield OldName(noun.lower(), named[0] or next(iter(schemas), catalog.creation_schema), named[1])
