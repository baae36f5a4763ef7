"""An UPDATE or DELETE taken apart: what it assigns, and to which rows."""

from dataclasses import dataclass, field

from pgsluice.analysis.parsing.clauses import between_separators
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tokens import Token, tokens
from pgsluice.analysis.parsing.trees import walk


@dataclass(frozen=True, slots=True)
class RowChange:
    """`assignments` are (column, value), none for DELETE; `where` is None where all rows are meant; `alias` is what it calls the
    table, '' its own name. `beyond` names what it uses beyond a plain change of one table (`FROM`, `RETURNING` ...)."""

    assignments: tuple[tuple[str, Expression], ...]
    where: Expression | None
    alias: str = ""
    only: bool = False
    beyond: tuple[str, ...] = field(default=())

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return (*self.values, *((self.where,) if self.where else ()))

    @property
    def values(self) -> tuple[Expression, ...]:
        return tuple(value for _, value in self.assignments)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for column, _ in self.assignments)


_BEYOND = {
    "fromClause": "FROM",
    "usingClause": "USING",
    "withClause": "WITH",
    "returningList": "RETURNING",
    "returningClause": "RETURNING",
}


def row_change(action: Action) -> RowChange:
    """What an action of kind UPDATE or DELETE says."""
    node, text = action.node, action.sql
    found = tokens(text)
    beyond = [word for key, word in _BEYOND.items() if key in node]
    targets = [t["ResTarget"] for t in node.get("targetList", ())]
    beyond += ["a list of columns in brackets"] if any("MultiAssignRef" in t.get("val", {}) for t in targets) else []
    beyond += ["a part of a column"] if any("indirection" in t for t in targets) else []
    beyond += ["CURRENT OF"] if "CurrentOfExpr" in node.get("whereClause", {}) else []
    relation = node.get("relation", {})
    return RowChange(
        () if beyond else tuple(_assignments(text, found, targets)),
        _where(text, found, node),
        relation.get("alias", {}).get("aliasname", ""),
        not relation.get("inh", False),
        tuple(beyond),
    )


def _assignments(text: str, found: tuple[Token, ...], targets: list[Node]) -> list[tuple[str, Expression]]:
    if not targets:
        return []
    outer = [i for i, t in enumerate(found) if t.depth == 0]
    begin = next(i for i in outer if found[i].word == "SET") + 1
    end = next((i for i in outer if i >= begin and found[i].word == "WHERE"), len(found))
    parts = between_separators(found[begin:end], ",")
    return [(t["name"], _value(text, part, t.get("val", {}))) for t, part in zip(targets, parts, strict=True)]


def _value(text: str, part: tuple[Token, ...], node: Node) -> Expression:
    """What stands behind the first `=`."""
    at = next(i for i, token in enumerate(part) if token.word == "=") + 1
    return expression(text[part[at].start : part[-1].end], node)


def _where(text: str, found: tuple[Token, ...], node: Node) -> Expression | None:
    """To the end of the text: what may follow is named in `beyond`."""
    if "whereClause" not in node:
        return None
    at = next(i for i, t in enumerate(found) if t.word == "WHERE" and t.depth == 0) + 1
    return expression(text[found[at].start : found[-1].end], node["whereClause"])


def conjuncts(where: Node) -> tuple[Node, ...]:
    """The conditions that must all hold."""
    both = where.get("BoolExpr", {})
    if both.get("boolop") != "AND_EXPR":
        return (where,)
    return tuple(inner for part in both["args"] for inner in conjuncts(part))


def has_default(node: Node) -> bool:
    """Whether the value is the word DEFAULT."""
    return any(kind == "SetToDefault" for kind, _ in walk(node))
