"""UPDATE ... FROM and DELETE ... USING taken apart: what is changed, what it is joined with, and on which condition."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import between_separators
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.row_changes import row_change
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tokens import Token, tokens
from pgsluice.analysis.parsing.trees import Name, relation_name


@dataclass(frozen=True, slots=True)
class JoinedChange:
    """`head` is the text up to SET or USING, `source` the one table behind FROM or USING with its text `source_sql` and what the
    statement calls it, `only` for ONLY; `target` is what it calls the table that it changes. `assignments` are none for DELETE."""

    head: str
    target: str
    source: Name
    source_sql: str
    alias: str
    only: bool
    assignments: tuple[tuple[str, Expression], ...]
    where: Expression


def joined_change(action: Action) -> JoinedChange | None:
    """What an UPDATE or DELETE of one table by the rows of one other says; None for any other."""
    node, text = action.node, action.sql
    sources: list[Node] = node.get("fromClause") or node.get("usingClause") or []
    source = sources[0].get("RangeVar") if len(sources) == 1 else None
    change = row_change(action)
    if source is None or "colnames" in source.get("alias", {}) or change.where is None or set(change.beyond) not in ({"FROM"}, {"USING"}):
        return None
    found = tokens(text)
    outer = [t for t in found if t.depth == 0]
    joins = max(i for i, t in enumerate(outer) if t.word == change.beyond[0] and t.start < source["location"])
    ends = next(i for i, t in enumerate(outer) if i > joins and t.word == "WHERE")
    begins = next((i for i, t in enumerate(outer) if t.word == "SET"), joins)
    inside = tuple(t for t in found if outer[begins].end <= t.start < outer[joins].start)
    parts = between_separators(inside, ",") if begins != joins else []
    targets = [t["ResTarget"] for t in node.get("targetList", ())]
    relation = node["relation"]
    return JoinedChange(
        text[: outer[begins].start].rstrip(),
        _called(relation),
        relation_name(source),
        text[outer[joins].end : outer[ends].start].strip(),
        _called(source),
        not source.get("inh", False),
        tuple((t["name"], _value(text, part, t.get("val", {}))) for t, part in zip(targets, parts, strict=True)),
        change.where,
    )


def _called(relation: Node) -> str:
    name: str = relation.get("alias", {}).get("aliasname", relation["relname"])
    return name


def _value(text: str, part: tuple[Token, ...], node: Node) -> Expression:
    """What stands behind the first `=`."""
    at = next(i for i, token in enumerate(part) if token.word == "=") + 1
    return expression(text[part[at].start : part[-1].end], node)
