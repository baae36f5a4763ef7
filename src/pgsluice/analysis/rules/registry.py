"""All rules, found by scanning this package: a module that holds a `RULE` is a rule."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import getdoc
from types import ModuleType

from pgsluice.analysis import rules as package
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import RulePage


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order in which they are asked: by name, the ones for what no other rule knows last."""
    found = [module.RULE for module in _modules()]
    return tuple(sorted(found, key=lambda rule: (rule.last, rule.name)))


@cache
def _for_kind(kind: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if not rule.kinds or kind in rule.kinds)


def named(name: str) -> Rule | None:
    """The rule of that name, such as `set-not-null-scan`; None where there is none."""
    return next((rule for rule in rules() if rule.name == name), None)


def page(name: str) -> str:
    """The documentation of a rule: its module's docstring. Raises KeyError for an unknown name."""
    return next(getdoc(module) or "" for module in _modules() if module.RULE.name == name)


def described(rule: Rule) -> RulePage:
    """The rule as it is shown to people."""
    text = page(rule.name)
    return RulePage(rule.name, rule.severity, rule.category, " ".join(text.split("\n\n")[0].split()), text, rule.optional)


def hazards(action: Action, impact: Impact, context: Context) -> Iterator[tuple[Rule, Hazard]]:
    """The hazards met in an action, in the rules' order, those that only need to be said behind the others. A rule that is asked
    last is left out where another one has a way or a reason why there is none."""
    said: list[tuple[Rule, Hazard]] = []
    settled = False
    for rule in _for_kind(action.kind):
        if (rule.last and settled) or not rule.asked_for(context.asked):
            continue
        hazard = rule.match(action, impact, context)
        if hazard is not None and hazard.way is None:
            said.append((rule, hazard))
        elif hazard is not None:
            settled = True
            yield rule, hazard
    yield from said


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not info.ispkg and info.name.count(".") == package.__name__.count(".") + 2:
            module = import_module(info.name)
            if hasattr(module, "RULE"):
                yield module
