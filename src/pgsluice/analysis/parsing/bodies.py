"""The statements inside of DO blocks and of SQL and PL/pgSQL functions, and what of them nobody can read beforehand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pgsluice.analysis.parsing import native, plpgsql
from pgsluice.analysis.parsing.statement import Node, Statement
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.parsing.trees import option, walk
from pgsluice.model.errors import InputError, Place

_QUERIES = {
    "PLpgSQL_stmt_execsql": ("sqlstmt",),
    "PLpgSQL_stmt_perform": ("expr",),
    "PLpgSQL_stmt_call": ("expr",),
    "PLpgSQL_stmt_fors": ("query",),
    "PLpgSQL_stmt_return_query": ("query",),
    "PLpgSQL_stmt_open": ("query",),
}
_DYNAMIC = {
    "PLpgSQL_stmt_dynexecute": "query",
    "PLpgSQL_stmt_dynfors": "query",
    "PLpgSQL_stmt_return_query": "dynquery",
    "PLpgSQL_stmt_open": "dynquery",
}


@dataclass(frozen=True, slots=True)
class Body:
    """`statements` are those that may run, in the order of the text, branches and loops not told apart; their places are in the
    file (columns where they are known). `dynamic` are the places of EXECUTE and its kin, which nobody can read beforehand:
    they never count as safe. `problem` says why the body as a whole could not be read, None where it could."""

    language: str
    statements: tuple[Statement, ...] = ()
    dynamic: tuple[Place, ...] = ()
    problem: str | None = None
    problem_place: Place | None = None

    @property
    def analysed(self) -> bool:
        return self.problem is None and not self.dynamic and all(s.problem is None for s in self.statements)


def body(statement: Statement) -> Body | None:
    """The body of DO, CREATE FUNCTION and CREATE PROCEDURE; None for other statements."""
    if statement.kind not in ("DoStmt", "CreateFunctionStmt"):
        return None
    language = _language(statement)
    if "sql_body" in statement.node:
        return Body("sql", tuple(_atomic(statement)))
    text, place = _text(statement)
    if text is None and language in ("plpgsql", "sql"):
        return Body(language, problem="there is no body", problem_place=statement.place)
    if language == "plpgsql":
        return _plpgsql(statement, text or "", place)
    if language == "sql":
        return _sql(text or "", place)
    return Body(language, problem=f"the body is written in {language}, which is not analysed", problem_place=statement.place)


def _language(statement: Statement) -> str:
    field = "args" if statement.kind == "DoStmt" else "options"
    found = option(statement.node, field, "language")
    default = "plpgsql" if statement.kind == "DoStmt" else "sql"
    return str(found["arg"]["String"]["sval"]).lower() if found else default


def _text(statement: Statement) -> tuple[str | None, Place]:
    """The text of the body and the place of its first character."""
    field = "args" if statement.kind == "DoStmt" else "options"
    found = option(statement.node, field, "as")
    if found is None:
        return None, statement.place
    argument = found.get("arg", {})
    texts = [argument] if "String" in argument else argument.get("List", {}).get("items", [])
    start = _body_start(statement, found.get("location", 0))
    return texts[0]["String"].get("sval", "") if len(texts) == 1 else None, _shifted(statement.place, statement.sql[:start])


def _body_start(statement: Statement, location: int) -> int:
    """The offset behind the opening quote of the first literal from `location`."""
    literal = next((t for t in tokens(statement.sql) if t.start >= location and _QUOTE.match(t.word)), None)
    if literal is None:
        return location
    quote = _QUOTE.match(literal.word)
    return literal.start + (quote.end() if quote else 0)


_QUOTE = re.compile(r"\$\w*\$|[A-Za-z&]{0,2}'")


def _shifted(place: Place, before: str) -> Place:
    """The place that follows `before`, a text that begins at `place`."""
    lines = before.count("\n")
    column = len(before) - before.rfind("\n") if lines else place.column + len(before)
    return Place(place.path, place.line + lines, column)


def _sql(text: str, place: Place) -> Body:
    try:
        found = parse_file(text, place.path)
    except InputError as error:
        return Body("sql", problem=error.what, problem_place=place)
    return Body("sql", tuple(_moved(s, place) for s in found))


def _moved(statement: Statement, start: Place) -> Statement:
    """The statement of a body with its places in the file."""
    problem = _inside(start, statement.problem_place) if statement.problem_place else None
    return replace(statement, place=_inside(start, statement.place), problem_place=problem, directives=())


def _inside(start: Place, place: Place) -> Place:
    column = place.column + (start.column - 1 if place.line == 1 else 0)
    return Place(start.path, start.line + place.line - 1, column)


def _atomic(statement: Statement) -> Iterator[Statement]:
    """The statements of BEGIN ATOMIC ... END or RETURN, which are parsed already."""
    stack = [statement.node["sql_body"]]
    while stack:
        node = stack.pop()
        kind, inner = next(iter(node.items()))
        if kind == "List":
            stack.extend(reversed(inner.get("items", [])))
        elif inner:
            yield replace(statement, kind=kind, node=inner, directives=())


def _plpgsql(statement: Statement, text: str, place: Place) -> Body:
    try:
        functions = plpgsql.tree(statement.sql, statement.node, text)
    except native.ParserError as error:
        at = _shifted(statement.place, statement.sql[: error.offset])
        return Body("plpgsql", problem=f"the PL/pgSQL body does not parse: {error.message}", problem_place=at)
    statements: list[Statement] = []
    dynamic: list[Place] = []
    for kind, node in _nodes(functions):
        line = Place(place.path, place.line + max(node.get("lineno", 1), 1) - 1, 1)
        if kind in _DYNAMIC and _DYNAMIC[kind] in node:
            dynamic.append(line)
        for field, value in node.items():
            whole = field in _QUERIES.get(kind, ())
            statements.extend(_query(value, line) if whole else _evaluated(value, line))
    return Body("plpgsql", tuple(statements), tuple(dynamic))


def _nodes(tree: Any) -> Iterator[tuple[str, Node]]:
    """The statements of a PL/pgSQL tree in the order of the text."""
    stack = [("", tree)]
    while stack:
        kind, here = stack.pop()
        if isinstance(here, dict):
            if kind.startswith(("PLpgSQL_stmt_", "PLpgSQL_var")):
                yield kind, here
            stack.extend((k, v) for k, v in reversed(here.items()) if isinstance(v, (dict, list)))
        elif isinstance(here, list):
            stack.extend(("", v) for v in reversed(here))


def _evaluated(value: Any, line: Place) -> list[Statement]:
    """An expression (a condition, an assigned value, a default) as SELECT, where it reads relations or calls functions."""
    node = value.get("PLpgSQL_expr") if isinstance(value, dict) else None
    if node is None:
        return []
    text = node.get("query", "")
    if (at := text.find(":=")) >= 0 and node.get("parseMode") in _ASSIGNMENTS:
        text = text[at + 2 :]
    try:
        found = parse_file(f"SELECT {text}", line.path)
    except InputError:
        return []
    telling = [s for s in found if s.problem is None and any(k in ("RangeVar", "FuncCall") for k, _ in walk(s.node))]
    return [_moved(s, line) for s in telling]


_ASSIGNMENTS = (3, 4, 5)
"""RAW_PARSE_PLPGSQL_ASSIGN1 to 3 of src/include/parser/parser.h: the text is `variable := expression`."""


def _query(node: Any, line: Place) -> list[Statement]:
    text = node.get("PLpgSQL_expr", {}).get("query", "")
    if not text:
        return []
    try:
        return [_moved(s, line) for s in parse_file(text, line.path)]
    except InputError as error:
        return [Statement(text, line, 0, "", {}, error.what, (), "syntax", line)]
