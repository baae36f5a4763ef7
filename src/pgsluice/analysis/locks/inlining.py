"""SQL functions that the server replaces by their body wherever they are called: then the body alone says how volatile the call is."""

from functools import lru_cache

from pgsluice.analysis.parsing.bodies import body
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.statement import Node, Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.model.errors import InputError

_OPTIONS = frozenset({"as", "language", "volatility", "parallel", "cost"})
"""Any other (SET, SECURITY DEFINER) keeps the function a call of its own; STRICT does so for some bodies."""

_BARE = frozenset({"targetList", "limitOption", "op"})
"""What the tree of a SELECT without FROM, WHERE and so on consists of."""


@lru_cache(maxsize=256)
def inlined(definition: str) -> Expression | None:
    """What stands for the call of a function without parameters, by its CREATE FUNCTION; None where the server calls it. As
    `inline_function` of the server's clauses.c has it, and seen on 14 to 18; where that is not certain, None."""
    try:
        statement = parse_statement(definition, "")
    except InputError:
        return None
    node = statement.node
    options = {option["DefElem"].get("defname") for option in node.get("options", ())}
    if statement.kind != "CreateFunctionStmt" or node.get("parameters") or not options <= _OPTIONS or _many(node):
        return None
    found = body(statement)
    if found is None or found.language != "sql" or not found.analysed or len(found.statements) != 1:
        return None
    return _only_value(found.statements[0])


def _many(function: Node) -> bool:
    returns = function.get("returnType", {})
    return not returns or bool(returns.get("setof"))


def _only_value(statement: Statement) -> Expression | None:
    node = statement.node
    targets = node.get("targetList", ())
    if statement.kind == "ReturnStmt":
        value = node.get("returnval")
    else:
        bare = statement.kind == "SelectStmt" and node.keys() <= _BARE and node.get("op") == "SETOP_NONE" and len(targets) == 1
        value = targets[0]["ResTarget"].get("val") if bare else None
    made = expression(statement.sql, value) if value else None
    return None if made is None or made.subquery else made
