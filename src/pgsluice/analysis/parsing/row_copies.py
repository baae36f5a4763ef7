"""An INSERT ... SELECT taken apart: what it inserts, from which table, and which rows of that."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tokens import Token, tokens
from pgsluice.analysis.parsing.trees import Name, relation_name, walk


@dataclass(frozen=True, slots=True)
class RowCopy:
    """`head` is its text up to the FROM, `where` that of its condition ('' where all rows are meant), `tail` what stands behind it (ON
    CONFLICT ...). `source` is the table that it reads and `alias` what it calls that, '' its own name; `values` is all that it
    computes. `beyond` names what it uses beyond a plain copy of one table's rows; the rest then means nothing."""

    head: str = ""
    where: str = ""
    tail: str = ""
    source: Name = (None, "")
    alias: str = ""
    only: bool = False
    values: Expression | None = None
    beyond: tuple[str, ...] = ()


_BEYOND = {
    "withClause": "WITH",
    "valuesLists": "VALUES",
    "distinctClause": "DISTINCT",
    "groupClause": "GROUP BY",
    "havingClause": "HAVING",
    "windowClause": "WINDOW",
    "sortClause": "ORDER BY",
    "limitCount": "LIMIT",
    "limitOffset": "OFFSET",
    "lockingClause": "FOR UPDATE",
    "returningList": "RETURNING",
    "returningClause": "RETURNING",
}
_ACROSS = {"agg_star": "an aggregate", "agg_distinct": "an aggregate", "agg_order": "an aggregate", "over": "a window function"}

_AGGREGATES = frozenset(
    """any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every grouping json_agg
    json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_agg
    jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict max min mode
    percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg""".split()
)
"""pg_proc, prokind `a`, of 18, but for those that only stand with WITHIN GROUP and have the names of window functions; GROUPING."""


def row_copy(action: Action) -> RowCopy:
    """What an action of kind INSERT says."""
    node = action.node
    query = node.get("selectStmt", {}).get("SelectStmt", {})
    sources = [item.get("RangeVar") for item in query.get("fromClause", ())]
    beyond = [word for part in (node, query) for key, word in _BEYOND.items() if key in part]
    beyond += ["UNION"] if query.get("op", "SETOP_NONE") != "SETOP_NONE" else []
    beyond += ["more than one table, or none"] if len(sources) != 1 or sources[0] is None else []
    beyond += ["other names for columns"] if any("colnames" in (s or {}).get("alias", {}) for s in sources) else []
    beyond += ["TABLE"] if len(sources) == 1 and not query.get("targetList") else []
    beyond += sorted(_across(query.get("targetList", ())))
    if beyond:
        return RowCopy(beyond=tuple(dict.fromkeys(beyond)))
    source = sources[0] or {}
    return _taken_apart(action.sql, tokens(action.sql), node, query, source)


def _taken_apart(text: str, found: tuple[Token, ...], node: Node, query: Node, source: Node) -> RowCopy:
    """The query may stand in brackets: what closes them is in the tail."""
    select = next(n for n, t in enumerate(found) if t.word == "SELECT")
    own = [n for n in range(select, len(found)) if found[n].depth == found[select].depth]
    begin = next(n for n in own if found[n].word == "FROM" and found[n - 1].word != "DISTINCT")
    where = next((found[n].end for n in own if n > begin and found[n].word == "WHERE"), None) if "whereClause" in query else None
    end = _end(found, select, node)
    return RowCopy(
        text[: found[begin - 1].end],
        text[where:end].strip() if where is not None else "",
        text[end:].strip(),
        relation_name(source),
        source.get("alias", {}).get("aliasname", ""),
        not source.get("inh", False),
        expression(text[found[select].end : found[begin].start].strip(), {"List": {"items": query.get("targetList", ())}}),
    )


def _end(found: tuple[Token, ...], select: int, node: Node) -> int:
    """Where the query ends: what follows is the INSERT's again."""
    if found[select].depth:
        return next(t.start for t in found[select:] if t.depth < found[select].depth)
    if "onConflictClause" not in node:
        return found[-1].end
    pairs = zip(found[select:], found[select + 1 :], strict=False)
    return max(one.start for one, next_one in pairs if (one.word, next_one.word, one.depth) == ("ON", "CONFLICT", 0))


def _across(targets: tuple[Node, ...] | list[Node]) -> set[str]:
    """What looks at more than one row of the source: not the subqueries, which are the same for each batch."""
    found: set[str] = set()
    for kind, body in walk({"List": {"items": targets}}):
        if kind == "FuncCall":
            found |= {word for key, word in _ACROSS.items() if key in body}
            name = body.get("funcname", ())[-1:]
            found |= {"an aggregate"} if name and name[0].get("String", {}).get("sval") in _AGGREGATES else set()
    return found
