"""Whether a condition means the same before the run as it will then: what it calls must be there, and be left alone."""

from collections.abc import Iterable

from pgsluice.analysis.parsing.changes import enum_change
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.trees import walk
from pgsluice.analysis.rules.rule import Context

_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"})
_OPERATIONS = frozenset({"OPERATOR", "CAST"})
_NAMESPACES = frozenset({"EXTENSION", "SCHEMA"})
"""What may bring functions, operators and types that a condition does not name as its own."""
_TYPES = frozenset({"TYPE", "DOMAIN"})
_VERBS = ("CREATE ", "ALTER ", "DROP ")


def means_the_same(context: Context, condition: Expression | None) -> bool:
    """False where earlier statements of the file make or change what the condition may use: routines where it calls any (one
    may call the other), operators and casts, types that it names, labels of an enum that stand in it as constants."""
    if condition is None:
        return True
    for action in context.earlier:
        noun = _noun(action.kind)
        if noun in _NAMESPACES or noun in _OPERATIONS or (noun in _ROUTINES and condition.functions):
            return False
        if noun in _TYPES and not _leaves_alone(action, condition):
            return False
    return True


def stands(context: Context, types: Iterable[str]) -> bool:
    """Whether earlier statements of the file leave the types of these names alone: they are there when a question is asked."""
    names = {*types}
    changing = [a for a in context.earlier if _noun(a.kind) in _TYPES | _NAMESPACES]
    return not any(_noun(a.kind) in _NAMESPACES or (own := subject(a)) is None or own[1] in names for a in changing)


def _leaves_alone(action: Action, condition: Expression) -> bool:
    change = enum_change(action)
    if change is not None:
        texts = {str(body["sval"].get("sval", "")) for kind, body in walk(condition.node) if kind == "A_Const" and "sval" in body}
        return not texts & {change.new, change.old}
    own = subject(action)
    known = own is not None and action.kind.startswith(("CREATE ", "DROP ", "ALTER DOMAIN "))
    return known and own is not None and own[1] not in {name for _, name in condition.types}


def _noun(kind: str) -> str:
    verb = next((v for v in _VERBS if kind.startswith(v)), None)
    return kind.removeprefix(verb).split()[0] if verb else ""
