"""What an action runs that is not written in it: the body of a DO block, those of the functions that SELECT and CALL name."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pgsluice.analysis.locks.subject import steady_functions
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.bodies import Body, body
from pgsluice.analysis.parsing.expressions import called_functions
from pgsluice.analysis.parsing.remembered import remembered
from pgsluice.analysis.parsing.statement import Action, Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.trees import Name, name_of, strings
from pgsluice.model.catalog import Catalog, Function
from pgsluice.model.errors import InputError

_DEPTH = 3
"""Functions that call functions: deeper ones are not analysed."""

_CALLING = frozenset({"SELECT", "CALL"})
RUNS_BODIES = _CALLING | {"DO"}
"""The kinds of actions that may run more than their own words."""


@dataclass(frozen=True, slots=True)
class Inside:
    """`actions` are those of the body, branches and loops not told apart; `unread` says what of it nobody can read beforehand."""

    actions: tuple[Action, ...] = ()
    unread: str | None = None


NOTHING = Inside()


def inside(action: Action, catalog: Catalog, depth: int = 0) -> Inside:
    """What the action runs beside its own words."""
    if action.kind == "DO":
        return _of_body(body(action.statement), action.statement, catalog, depth, "the block")
    if action.kind not in _CALLING:
        return NOTHING
    calls = sorted(_calls(action), key=str)
    return _together([_called(name, action, catalog, depth) for name in calls]) if calls else NOTHING


@remembered
def _calls(action: Action) -> frozenset[Name]:
    """The functions that it calls; the procedure of a CALL stands in the tree without its kind."""
    procedure = action.node.get("funccall", {}).get("funcname")
    own = frozenset({name_of(strings(procedure))}) if procedure else frozenset()
    return called_functions(action.node) | own


def _called(name: Name, action: Action, catalog: Catalog, depth: int) -> Inside:
    schema, plain = name
    found = [f for f in catalog.functions if f.name.name == plain and schema in (None, f.name.schema)]
    if not found:
        return NOTHING if _built_in(name) else Inside(unread=f"what {plain}() does is not known")
    if depth >= _DEPTH:
        return Inside(unread=f"{plain}() is called too deep inside of others")
    return _together([_of_function(f, action, catalog, depth) for f in found])


def _of_function(function: Function, action: Action, catalog: Catalog, depth: int) -> Inside:
    """An extension's are taken for what they say of themselves: nobody reads C."""
    if function.extension is not None or function.kind == "aggregate":
        return NOTHING if function.volatility != "volatile" else Inside(unread=f"{function.name.name}() of an extension is not read")
    try:
        statement = parse_statement(function.definition or "", action.statement.place.path)
    except InputError:
        return Inside(unread=f"the text of {function.name.name}() is not known")
    read = _of_body(body(statement), statement, catalog, depth + 1, f"{function.name.name}()")
    return Inside(tuple(_placed(a, action) for a in read.actions), read.unread)


def _placed(inner: Action, outer: Action) -> Action:
    """What a function does is found where it is called."""
    return replace(inner, statement=replace(inner.statement, place=outer.statement.place))


def _of_body(found: Body | None, statement: Statement, catalog: Catalog, depth: int, what: str) -> Inside:
    if found is None or not found.analysed:
        return Inside(tuple(_actions(found)), f"a part of {what} is not known beforehand")
    own = tuple(_actions(found))
    deeper = [inside(a, catalog, depth) for a in own]
    return _together([Inside(own), *deeper])


def _actions(found: Body | None) -> Iterator[Action]:
    for statement in found.statements if found is not None else ():
        if statement.problem is None:
            yield from actions(statement)


def _together(parts: list[Inside]) -> Inside:
    return Inside(tuple(a for p in parts for a in p.actions), next((p.unread for p in parts if p.unread), None))


def _built_in(name: Name) -> bool:
    schema, plain = name
    return schema in (None, "pg_catalog") and (plain in steady_functions() or plain in moving_functions())


@cache
def moving_functions() -> frozenset[str]:
    """PostgreSQL's own functions that are volatile in one of their variants: they change settings, sequences, sessions, no table.
    From pg_proc of 14 and 18."""
    return frozenset(Path(__file__).with_name("moving_functions.txt").read_text(encoding="utf-8").split())
