"""A function, type, sequence, schema, trigger, policy ... that goes while a release runs that uses it.

## What it does

`DROP` of a schema, function, procedure, aggregate, type, domain, sequence, trigger, policy, rule, extension, publication or database.

## Why it is dangerous

Statements of the running release that name it fail from that moment on. PostgreSQL does not look into the bodies of functions: what they
call can be dropped, and they fail when they run. With a trigger goes what it did, without an error; with a policy rows become
invisible, or those that a restrictive one hid visible.

## The safe way

The statement belongs to the phase `contract`, which never runs by itself: first a release that does not use the object, then the drop.

## When the safe way does not apply

Where the same file makes the object anew the two are one transaction, and nothing is said; nor of what the file itself made.
"""

from collections.abc import Iterable

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Function
from pgsluice.model.finding import Category, Severity

_QUIET = {
    "TRIGGER": "what it did is not done any more",
    "POLICY": "which rows a role sees changes",
    "RULE": "what it did is not done any more",
}
_NAMED = ("SCHEMA", "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "TYPE", "DOMAIN", "SEQUENCE", "EXTENSION", "PUBLICATION", "DATABASE")
_KINDS = frozenset(f"DROP {word}" for word in (*_NAMED, *_QUIET))
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    noun = action.kind.removeprefix("DROP ")
    name = _name(action)
    if name is None or _made(noun, name, context.earlier) or _made(noun, name, context.later):
        return None
    if action.relation is not None and noun in _QUIET and not context.stood_before(context.name(action.relation)):
        return None
    if noun in _QUIET:
        return Hazard(f"{name}: {_QUIET[noun]}, for the running release too", None)
    calling = _calling(name, context) if noun in _ROUTINES else []
    more = f"; {', '.join(calling)} may call it" if calling else ""
    return Hazard(f"the running release must not use {name} any more{more}", None)


def _name(action: Action) -> str | None:
    """The name of what goes, without its schema."""
    if (found := subject(action)) is not None:
        return found[1]
    return action.relation[1] if action.relation is not None else action.node.get("dbname")


def _made(noun: str, name: str, others: Iterable[Action]) -> bool:
    nouns = _ROUTINES if noun in _ROUTINES else {noun}
    made = (a for a in others if a.kind.startswith("CREATE ") and a.kind.removeprefix("CREATE ") in nouns)
    return any(_name(a) == name for a in made)


def _calling(name: str, context: Context) -> list[str]:
    """The functions of the database in whose text the name stands before a bracket."""
    return [f.signature for f in context.catalog.functions if f.name.name != name and _calls(f, name)]


def _calls(function: Function, name: str) -> bool:
    return function.definition is not None and f"{name}(" in function.definition


RULE = Rule("drop-object", Severity.WARNING, Category.RELEASE, _match, kinds=_KINDS)
