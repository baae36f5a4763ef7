"""A statement of several actions: kept whole where no rule takes part of it away, else taken apart in the server's own order."""

from dataclasses import replace
from itertools import pairwise

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.planner.composition import UNKNOWN, Composition
from pgsluice.analysis.planner.parents_first import parents_first
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.planner.replacement import exchange, replaced_later
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.catalog import Catalog
from pgsluice.model.steps import Lock

_PASSES = (
    frozenset({"DROP COLUMN", "DROP CONSTRAINT", "DROP NOT NULL", "DROP DEFAULT", "DROP IDENTITY", "DROP EXPRESSION"}),
    frozenset({"ALTER COLUMN TYPE"}),
    frozenset({"ADD COLUMN"}),
    frozenset({"SET EXPRESSION", "SET DEFAULT", "ADD IDENTITY", "SET IDENTITY", "SET NOT NULL", "ALTER CONSTRAINT"}),
    frozenset({"ADD CONSTRAINT"}),
)
"""The order in which one ALTER TABLE works, whatever the order of its clauses: AlterTablePass in
src/backend/commands/tablecmds.c, coarser where clauses of neighbouring passes do not meet."""


def composed_whole(composition: Composition, actions: tuple[Action, ...]) -> list[Piece]:
    """The pieces of a statement, which `composition` is for."""
    for number, action in enumerate(_in_order(actions, composition.context.catalog)):
        composition.part = number
        _compose(composition, action, actions)
    pieces = composition.pieces
    if len(actions) == 1:
        return pieces
    texts = sorted(a.sql for a in actions)
    return [_one(pieces, actions)] if sorted(p.sql for p in pieces) == texts and _alike(pieces) else _brief_together(pieces)


def _in_order(actions: tuple[Action, ...], catalog: Catalog) -> list[Action]:
    by_pass = sorted(actions, key=_pass)
    return [by_pass[number] for number in parents_first([(action,) for action in by_pass], catalog)]


def _compose(composition: Composition, action: Action, statement: tuple[Action, ...]) -> None:
    """One action; a constraint that is dropped and added anew changes hands in one strike, where that is not one anyway."""
    context = composition.context
    table = context.table(action)
    whole = composition.keeps(UNKNOWN) or (len(statement) > 1 and table is not None and not context.busy(table.name))
    if not whole and _may_be_replaced(action, statement, context):
        composition.met.append(composition.look(action))
        return
    parts = None if whole else exchange(action, statement, context)
    if parts is None:
        composition.compose(action)
    else:
        composition.met.append(composition.look(action))
        composition.parts(parts, "constraint-gap")


def _may_be_replaced(action: Action, statement: tuple[Action, ...], context: Context) -> bool:
    if action.kind != "ALTER TABLE DROP CONSTRAINT":
        return False
    return replaced_later(action, (*statement[statement.index(action) + 1 :], *context.later), context.catalog)


def _pass(action: Action) -> int:
    words = action.kind.removeprefix("ALTER TABLE ")
    return next((n for n, kinds in enumerate(_PASSES) if words in kinds), len(_PASSES))


def _alike(pieces: list[Piece]) -> bool:
    """Whether they may run as the one statement that they come from."""
    return len({p.phase for p in pieces}) == 1 and all(p.impact.in_transaction and p.fill is None for p in pieces)


def _one(pieces: list[Piece], actions: tuple[Action, ...]) -> Piece:
    first = pieces[0]
    return replace(
        first,
        sql=actions[0].statement.sql,
        actions=actions,
        impact=union([p.impact for p in pieces]),
        brief=all(p.brief for p in pieces),
        hazard=next((p.hazard for p in pieces if p.hazard), None),
        reason="; ".join(dict.fromkeys(p.reason for p in pieces)),
        relations=frozenset().union(*(p.relations for p in pieces)),
        names=frozenset().union(*(p.names for p in pieces)),
        carriers=frozenset().union(*(p.carriers for p in pieces)),
        independent=all(p.independent for p in pieces),
        opaque=any(p.opaque for p in pieces),
        preflight=tuple(q for p in pieces for q in p.preflight),
        may_exceed_budget=any(p.may_exceed_budget for p in pieces),
    )


def union(impacts: list[Impact]) -> Impact:
    """What the impacts do together: the strongest lock on each relation, and all work."""
    strongest: dict[str, Lock] = {}
    for lock in (lock for i in impacts for lock in i.locks):
        if lock.relation not in strongest or lock.mode.strength > strongest[lock.relation].mode.strength:
            strongest[lock.relation] = lock
    return Impact(
        tuple(strongest.values()),
        tuple(dict.fromkeys(n for i in impacts for n in i.scans)),
        tuple(dict.fromkeys(n for i in impacts for n in i.rewrites)),
        tuple(dict.fromkeys(n for i in impacts for n in i.builds)),
        all(i.in_transaction for i in impacts),
        all(i.analysed for i in impacts),
    )


def _brief_together(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one statement that are brief and of one phase keep sharing a transaction, as they did. Without pieces where a
    later statement brings what this one drops."""
    return [*(_tied(p, after) for p, after in pairwise(pieces)), *pieces[-1:]]


def _tied(piece: Piece, after: Piece) -> Piece:
    together = piece.brief and after.brief and piece.phase is after.phase and piece.fill is None and after.fill is None
    return replace(piece, with_next=piece.with_next or together)
