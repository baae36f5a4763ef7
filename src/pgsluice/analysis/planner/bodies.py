"""The hazards inside of DO blocks and of the functions that a statement calls: there is no safe way without taking them out."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.inside import inside
from pgsluice.analysis.locks.prediction import impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.registry import hazards
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rewrite, Rule

BodyHazards = tuple[Action, Impact, tuple[tuple[Rule, Hazard], ...]]


def met_inside(action: Action, context: Context) -> Iterator[BodyHazards]:
    """Each action of the bodies that this one runs, with the hazards met in it; what it makes is known to those behind it."""
    found = inside(action, context.catalog)
    within = replace(context, earlier=(), later=found.actions)
    for inner in found.actions:
        does = impact(inner, within.catalog)
        said = tuple(
            (rule, _without_way(hazard)) for rule, hazard in hazards(inner, does, within) if does.analysed and not _is_nothing(hazard)
        )
        yield inner, does, said
        if inner.kind.startswith("CREATE "):  # a branch may not run: only what is made is followed, not what goes
            within = replace(within, catalog=after(inner, within.catalog))


def _is_nothing(hazard: Hazard) -> bool:
    """A rewrite without parts: in a body the statement runs all the same, and changes nothing."""
    return isinstance(hazard.way, Rewrite) and not hazard.way.parts


def _without_way(hazard: Hazard) -> Hazard:
    if not isinstance(hazard.way, Rewrite):
        return hazard
    reason = "it stands inside of a block or function, which runs in one transaction"
    return replace(hazard, way=NoRewrite(reason, "write it as a statement of its own, then it can be made safe"))
