"""The findings of one statement, from its composition."""

from dataclasses import replace

from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.planner.composition import Composition, Met, Refusal
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.planner.printing import printed
from pgsluice.analysis.rules.rule import Hazard, NoRewrite, Rewrite, Rule
from pgsluice.analysis.rules.statement import not_analysed, work_under_lock
from pgsluice.model.finding import Finding, NotAnalysed
from pgsluice.model.plan import PhaseName

_STAYS = "the statement stays as it is"
_GATED = "the statement stays as it is; `plan` puts it behind the gate, for `pgsluice contract` once no release uses it"


def found(composition: Composition) -> tuple[Finding, ...]:
    """The hazards that were met in what the user wrote, each with the safe way of the whole statement."""
    if not any(met.hazards for met in composition.met):
        return ()
    rewrites = any(isinstance(h.way, Rewrite) for met in composition.met for _, h in met.hazards)
    way = _way(composition) if rewrites else (None, None)
    gated = any(piece.phase is PhaseName.CONTRACT for piece in composition.pieces)
    return tuple(
        _finding(met.action.statement, met, rule, hazard, _own_way(hazard, way, gated))
        for met in composition.met
        for rule, hazard in met.hazards
    )


_Way = tuple[tuple[str, ...] | None, str | None]
"""The rewrite, or None and the reason why there is none."""


def _way(composition: Composition) -> _Way:
    """The statement's. A part that has no safe way leaves the whole without one, as it does in a plan."""
    reasons = dict.fromkeys(f"{r.rule}: {r.reason}; {r.next}" for r in composition.refusals)
    return (None, " / ".join(reasons)) if reasons else (printed(composition.pieces, composition.statement.enclosure), None)


def _own_way(hazard: Hazard, way: _Way, gated: bool) -> _Way:
    if isinstance(hazard.way, NoRewrite):
        return None, f"{hazard.way.reason}; {hazard.way.next}"
    if hazard.way is None:
        return None, _GATED if gated else _STAYS
    return way


def _finding(statement: Statement, met: Met, rule: Rule, hazard: Hazard, way: _Way) -> Finding:
    return Finding(
        rule.name,
        hazard.severity or rule.severity,
        rule.category,
        statement.place,
        hazard.message,
        statement.sql,
        met.impact.locks,
        tuple(map(str, met.impact.scans)),
        bool(met.impact.rewrites),
        *way,
    )


def unreadable(statement: Statement, entry: NotAnalysed) -> Finding:
    """That a statement did not parse."""
    rule, reason = not_analysed.RULE, "it cannot be read as SQL"
    return Finding(
        rule.name, rule.severity, rule.category, entry.place, f"not analysed: {entry.reason}", statement.sql, no_rewrite_reason=reason
    )


def torn(refusal: Refusal, slow: Piece, inside: list[Piece], there: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings of a statement that is slow inside of a transaction, `inside`, which must stay in one piece: those that are
    `there` have no safe way as it stands. Without any it is one itself, if an earlier statement holds a blocking lock."""
    if there:
        reason = f"{refusal.message}: {refusal.reason}; {refusal.next}"
        return tuple(replace(f, rewrite=None, no_rewrite_reason=reason) if _has_way(f) else f for f in there)
    if slow.hazard is not None or not _holds_before(slow, inside):
        return ()
    met = Met(slow.actions[0], slow.impact, ())
    way = (None, f"{refusal.reason}; {refusal.next}")
    return (_finding(slow.actions[0].statement, met, work_under_lock.RULE, Hazard(refusal.message, None), way),)


def _has_way(finding: Finding) -> bool:
    """Whether it says that the statement can be run, as it stands or otherwise."""
    return finding.rewrite is not None or finding.no_rewrite_reason in (_STAYS, _GATED)


def _holds_before(slow: Piece, inside: list[Piece]) -> bool:
    """Whether an earlier statement of the transaction holds a lock that the application waits for."""
    new = {str(t.name) for t in slow.before.tables.values() if t.made_by_run}
    earlier = inside[: inside.index(slow)]
    return any(lock.mode.blocks_application and lock.relation not in new for p in earlier for lock in p.impact.locks)
