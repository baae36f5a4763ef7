"""An expression as the user wrote it, with what it depends on."""

from dataclasses import dataclass, field
from typing import Any

from pgsluice.analysis.parsing.statement import Node
from pgsluice.analysis.parsing.trees import Name, name_of, strings, walk


@dataclass(frozen=True, slots=True)
class Expression:
    """`sql` is its text. `functions` are those that it calls, in order, once each, (schema or None, name); CURRENT_TIMESTAMP and
    its kin are there by their lower-case word. `columns` are the columns that it names, once each, without their relation.
    `types` are those that it casts to. `constant`: only literals and casts of them. `subquery`: it reads other rows."""

    sql: str
    node: Node = field(hash=False)
    functions: tuple[Name, ...] = ()
    columns: tuple[str, ...] = ()
    types: tuple[Name, ...] = ()
    constant: bool = False
    null: bool = False
    subquery: bool = False


def expression(sql: str, node: Node) -> Expression:
    """What `node`, one wrapped node such as {"FuncCall": {...}}, says; `sql` is its text."""
    functions, columns, types, kinds = _depends_on(node)
    return Expression(
        sql,
        node,
        tuple(functions),
        tuple(columns),
        tuple(types),
        constant=kinds <= _LITERALS,
        null=bool(node.get("A_Const", {}).get("isnull", False)),
        subquery="SubLink" in kinds,
    )


_LITERALS = frozenset(("A_Const", "TypeCast", "TypeName", "A_ArrayExpr", "RowExpr", "String", "Integer"))


def _depends_on(node: Node) -> tuple[dict[Name, None], dict[str, None], dict[Name, None], set[str]]:
    functions: dict[Name, None] = {}
    columns: dict[str, None] = {}
    types: dict[Name, None] = {}
    kinds: set[str] = set()
    for kind, body in walk(node):
        if kind == "FuncCall":
            functions[name_of(strings(body.get("funcname", ())))] = None
        elif kind == "SQLValueFunction":
            functions[(None, value_function(body))] = None
        elif kind == "ColumnRef":
            names = strings(body.get("fields", ()))
            columns.update({names[-1]: None} if names else {})
        elif "typeName" in body:
            types[name_of(strings(body["typeName"].get("names", ())))] = None
        if kind:
            kinds.add(kind)
    return functions, columns, types, kinds


def value_function(body: Node) -> str:
    """`current_timestamp` for SVFOP_CURRENT_TIMESTAMP, without the _N of those with a precision."""
    return str(body.get("op", "SVFOP_CURRENT_DATE")).removeprefix("SVFOP_").removesuffix("_N").lower()


def called_functions(node: Any) -> frozenset[Name]:
    """The functions that any tree calls, (schema or None, name)."""
    return frozenset(_depends_on(node)[0])
