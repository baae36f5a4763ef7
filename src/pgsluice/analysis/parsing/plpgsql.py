"""Reading PL/pgSQL through libpg_query, which knows no types but PostgreSQL's own.

A body whose variables have other types, or one of a schema, is refused by it; such types are exchanged for stand-ins and the body
is read again. Only types change: the statements, and the lines they stand on, stay.
"""

from collections.abc import Iterator
from typing import Any

from pgsluice.analysis.parsing import native
from pgsluice.analysis.parsing.built_in import BUILT_IN_TYPES
from pgsluice.analysis.parsing.clauses import between_separators
from pgsluice.analysis.parsing.statement import Node
from pgsluice.analysis.parsing.tokens import Token, tokens
from pgsluice.analysis.parsing.trees import strings
from pgsluice.model.postgres.identifiers import quote

_SPELLINGS = BUILT_IN_TYPES | frozenset(
    "bigint boolean character dec decimal double float int integer national real smallint varying setof".split()
)
_END_OF_TYPE = frozenset(("COLLATE", "NOT", "DEFAULT", ":=", "="))
_NO_VARIABLE = frozenset(("CURSOR", "ALIAS", "NO", "SCROLL"))
_MODES = {"FUNC_PARAM_OUT": "OUT ", "FUNC_PARAM_INOUT": "INOUT "}


def tree(sql: str, node: Node, text: str) -> list[Any]:
    """libpg_query's tree of a DO, CREATE FUNCTION or CREATE PROCEDURE statement `sql`, whose node is `node` and whose body
    is `text` (without a body libpg_query aborts the process). Raises ParserError with what it says of the statement as it
    is, where no stand-in helps."""
    try:
        return native.parse_plpgsql(sql)
    except native.ParserError as error:
        for stand_in in ("record", "text"):
            try:
                return native.parse_plpgsql(_with_stand_in(node, text, stand_in))
            except native.ParserError:
                continue
        raise error


def _with_stand_in(node: Node, text: str, stand_in: str) -> str:
    """The statement as a function of the same parameters, unknown types exchanged."""
    parameters = [p["FunctionParameter"] for p in node.get("parameters", ())]
    given = [p for p in parameters if p.get("mode") != "FUNC_PARAM_TABLE"]
    head = ", ".join(_parameter(p, number) for number, p in enumerate(given))
    returned = _returned(node, parameters)
    body = _body(text, stand_in)
    tag = "$_pgsluice_$"
    while tag in body:
        tag = tag[:-1] + "_$"
    return f"CREATE FUNCTION f({head}) {returned} LANGUAGE plpgsql AS {tag}{body}{tag}"


def _parameter(parameter: Node, number: int) -> str:
    name = quote(parameter["name"]) if "name" in parameter else f"_{number}"
    return f"{_MODES.get(parameter.get('mode', ''), '')}{name} {_known(parameter['argType'], 'text')}"


def _known(type_node: Node, stand_in: str) -> str:
    names = strings(type_node.get("names", ()))
    known = bool(names) and (names[0] == "pg_catalog" or (len(names) == 1 and names[0] in BUILT_IN_TYPES))
    return (quote(names[-1]) if known else stand_in) + "[]" * len(type_node.get("arrayBounds", ()))


def _returned(node: Node, parameters: list[Node]) -> str:
    returns = node.get("returnType")
    columns = [f"{quote(p['name'])} {_known(p['argType'], 'text')}" for p in parameters if p.get("mode") == "FUNC_PARAM_TABLE"]
    if columns:
        return f"RETURNS TABLE ({', '.join(columns)})"
    if any(p.get("mode") in ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT") for p in parameters):
        return "RETURNS SETOF record" if returns and returns.get("setof") else ""
    if returns is None:
        return "RETURNS void"
    return f"RETURNS {'SETOF ' if returns.get('setof') else ''}{_known(returns, 'record')}"


def _body(text: str, stand_in: str) -> str:
    """The body, the unknown types of its DECLAREs exchanged; line breaks inside of one are kept."""
    for start, end in reversed(list(_unknown_types(tokens(text)))):
        text = text[:start] + stand_in + "\n" * text.count("\n", start, end) + text[end:]
    return text


def _unknown_types(found: tuple[Token, ...]) -> Iterator[tuple[int, int]]:
    index = 0
    while index < len(found):
        if found[index].word != "DECLARE":
            index += 1
            continue
        ends = (i for i in range(index + 1, len(found)) if found[i].word == "BEGIN" and found[i - 1].word in (";", "DECLARE"))
        end = next(ends, len(found))
        for declaration in between_separators(found[index + 1 : end], ";"):
            yield from _unknown_type(declaration)
        index = end


def _unknown_type(declaration: tuple[Token, ...]) -> Iterator[tuple[int, int]]:
    """The place of a declaration's type if it is not PostgreSQL's own."""
    first = 2 if len(declaration) > 1 and declaration[1].word == "CONSTANT" else 1
    words = [t.word for t in declaration[first:]]
    size = next((i for i, w in enumerate(words) if w in _END_OF_TYPE), len(words))
    if not size or words[0] in _NO_VARIABLE or "%" in words[:size]:
        return
    if "." in words[:size] or words[0].lower() not in _SPELLINGS:
        yield declaration[first].start, declaration[first + size - 1].end
