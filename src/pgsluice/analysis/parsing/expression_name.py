"""The name that the server gives to an index column that is an expression.

Source: FigureColnameInternal in src/backend/parser/parse_target.c; `expr` where that finds none
(ChooseIndexColumnNames in src/backend/commands/indexcmds.c). Tried on servers 14 to 18.
"""

from pgsluice.analysis.parsing.statement import Node

_FIXED = {
    "A_ArrayExpr": "array",
    "CoalesceExpr": "coalesce",
    "JsonArrayConstructor": "json_array",
    "JsonObjectConstructor": "json_object",
    "JsonParseExpr": "json",
    "JsonScalarExpr": "json_scalar",
    "JsonSerializeExpr": "json_serialize",
    "RowExpr": "row",
    "XmlSerialize": "xmlserialize",
}
_XML = {"IS_XMLCONCAT", "IS_XMLELEMENT", "IS_XMLFOREST", "IS_XMLPARSE", "IS_XMLPI", "IS_XMLROOT"}
_NONE, _WEAK, _STRONG = 0, 1, 2


def expression_name(node: Node) -> str:
    """The name for an expression such as `lower(email)` (lower) or `(a + b)` (expr); `node` wraps one node by its kind."""
    return _named(node)[0] or "expr"


def _named(node: Node) -> tuple[str, int]:
    """A name and how strongly it holds: a cast replaces a weak one with the type's."""
    kind, body = next(iter(node.items()), ("", {}))
    if kind in _FIXED:
        return _FIXED[kind], _STRONG
    special = _BY_KIND.get(kind)
    return special(body) if special else ("", _NONE)


def _last_string(nodes: list[Node]) -> str:
    return next((n["String"]["sval"] for n in reversed(nodes) if "String" in n), "")


def _column(body: Node) -> tuple[str, int]:
    name = _last_string(body["fields"])
    return name, _STRONG if name else _NONE


def _indirection(body: Node) -> tuple[str, int]:
    name = _last_string(body.get("indirection", []))
    return (name, _STRONG) if name else _named(body["arg"])


def _cast(body: Node) -> tuple[str, int]:
    name, strength = _named(body["arg"])
    return (name, strength) if strength > _WEAK else (_last_string(body["typeName"]["names"]), _WEAK)


def _case(body: Node) -> tuple[str, int]:
    name, strength = _named(body.get("defresult", {}))
    return (name, strength) if strength > _WEAK else ("case", _WEAK)


def _operator(body: Node) -> tuple[str, int]:
    return ("nullif", _STRONG) if body.get("kind") == "AEXPR_NULLIF" else ("", _NONE)


def _xml(body: Node) -> tuple[str, int]:
    operation = body.get("op", "")
    return (operation.removeprefix("IS_").lower(), _STRONG) if operation in _XML else ("", _NONE)


_BY_KIND = {
    "A_Expr": _operator,
    "A_Indirection": _indirection,
    "CaseExpr": _case,
    "CollateClause": lambda body: _named(body["arg"]),
    "ColumnRef": _column,
    "FuncCall": lambda body: (_last_string(body["funcname"]), _STRONG),
    "MinMaxExpr": lambda body: ("greatest" if body.get("op") == "IS_GREATEST" else "least", _STRONG),
    "TypeCast": _cast,
    "XmlExpr": _xml,
}
