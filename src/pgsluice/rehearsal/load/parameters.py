"""What the parameters of a query stand for: which column each is compared with or assigned to, as far as its text shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pgsluice.analysis.parsing.statement import Node, Statement
from pgsluice.analysis.parsing.trees import relation_name, strings, walk
from pgsluice.model.catalog import Catalog, Table


@dataclass(frozen=True, slots=True)
class Meaning:
    """Of a parameter: `column` of `table`, which it gives a new value where `assigned`; or a `count` of rows (LIMIT, OFFSET)."""

    table: Table | None = None
    column: str = ""
    assigned: bool = False
    count: int | None = None


LIMIT, OFFSET = Meaning(count=20), Meaning(count=0)
_WRAPPING = ("List", "A_ArrayExpr", "TypeCast", "CollateClause")


def meanings(statement: Statement, catalog: Catalog) -> dict[int, Meaning]:
    """By the number of the parameter; those of which nothing is known are left out."""
    tables = _tables(statement, catalog)
    found: dict[int, Meaning] = {}
    for kind, body in walk({statement.kind: statement.node}):
        for number, meaning in _met(kind, body, tables, catalog):
            found.setdefault(number, meaning)
    return found


def _tables(statement: Statement, catalog: Catalog) -> dict[str, Table]:
    """The tables of the catalog that the statement names, by what it calls them."""
    found: dict[str, Table] = {}
    for _, body in walk(statement.node):
        if "relname" in body and (table := catalog.table(catalog.resolve(*relation_name(body)))) is not None:
            found[body.get("alias", {}).get("aliasname", body["relname"])] = table
    return found


def _met(kind: str, body: Node, tables: dict[str, Table], catalog: Catalog) -> Iterator[tuple[int, Meaning]]:
    if kind == "A_Expr":
        yield from _compared(body.get("lexpr", {}), body.get("rexpr", {}), tables)
        yield from _compared(body.get("rexpr", {}), body.get("lexpr", {}), tables)
    elif kind == "SelectStmt":
        yield from ((number, LIMIT) for number in _bare(body.get("limitCount")))
        yield from ((number, OFFSET) for number in _bare(body.get("limitOffset")))
    elif kind in ("InsertStmt", "UpdateStmt") and "relation" in body:
        table = catalog.table(catalog.resolve(*relation_name(body["relation"])))
        if table is not None:
            yield from _inserted(body, table) if kind == "InsertStmt" else _updated(body, table)


def _compared(one: Any, other: Any, tables: dict[str, Table]) -> Iterator[tuple[int, Meaning]]:
    """The parameters of `other` stand beside the column in `one`; of two rows each beside its own."""
    if "RowExpr" in one and "RowExpr" in other:
        for left, right in zip(one["RowExpr"].get("args", ()), other["RowExpr"].get("args", ()), strict=False):
            yield from _compared(left, right, tables)
        return
    numbers = list(_bare(other))
    meaning = next(filter(None, (_column(body, tables) for kind, body in walk(one) if kind == "ColumnRef")), None) if numbers else None
    if meaning is not None:
        yield from ((number, meaning) for number in numbers)


def _column(reference: Node, tables: dict[str, Table]) -> Meaning | None:
    *qualifier, name = strings(reference.get("fields", ())) or ("",)
    among = [tables[qualifier[-1]]] if qualifier and qualifier[-1] in tables else tables.values()
    table = next((t for t in among if t.column(name) is not None), None)
    return Meaning(table, name) if table is not None else None


def _inserted(body: Node, table: Table) -> Iterator[tuple[int, Meaning]]:
    names = [c["ResTarget"].get("name", "") for c in body.get("cols", ())] or [c.name for c in table.columns]
    for values in body.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists", ()):
        for name, item in zip(names, values.get("List", {}).get("items", ()), strict=False):
            yield from ((number, Meaning(table, name, assigned=True)) for number in _bare(item))


def _updated(body: Node, table: Table) -> Iterator[tuple[int, Meaning]]:
    for target in body.get("targetList", ()):
        of = target.get("ResTarget", {})
        yield from ((number, Meaning(table, of.get("name", ""), assigned=True)) for number in _bare(of.get("val")))


def _bare(node: Any) -> Iterator[int]:
    """The numbers of the parameters that stand there as they are: by themselves, cast, or in a list."""
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, list):
            stack.extend(here)
        elif isinstance(here, dict):
            if "ParamRef" in here:
                yield here["ParamRef"].get("number", 0)
            for kind in _WRAPPING:
                inner = here.get(kind, {})
                stack.extend(inner[field] for field in ("items", "elements", "arg") if field in inner)
