"""CREATE INDEX, as written."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import after_word, brackets_after, closing, elements, relation_end, stripped
from pgsluice.analysis.parsing.expression_name import expression_name
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.parsing.trees import Name, name_of, relation_name, strings


@dataclass(frozen=True, slots=True)
class IndexKey:
    """One key of an index: `column`, or None for an expression. `name` is what the server calls it in the name of an unnamed
    index. `descending` and `nulls_first` as the server takes them (NULLS FIRST is the default of DESC)."""

    column: str | None
    name: str
    expression: Expression | None = None
    collation: Name | None = None
    operator_class: Name | None = None
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """`name` is None where the server chooses it. `where` is the predicate, `parameters` the inside of WITH (...).
    `method` is in lower case as the catalog has it."""

    name: str | None
    table: Name
    unique: bool
    concurrent: bool
    if_not_exists: bool
    only: bool
    method: str
    keys: tuple[IndexKey, ...]
    include: tuple[str, ...]
    where: Expression | None
    nulls_not_distinct: bool
    tablespace: str | None
    parameters: str | None

    @property
    def columns(self) -> tuple[str | None, ...]:
        """The key columns; None stands for an expression."""
        return tuple(k.column for k in self.keys)

    @property
    def has_expressions(self) -> bool:
        return any(k.column is None for k in self.keys)

    @property
    def key_names(self) -> tuple[str, ...]:
        """From what the server makes the name of an unnamed index: keys, then INCLUDE columns."""
        return (*(k.name for k in self.keys), *self.include)

    @property
    def where_sql(self) -> str | None:
        return self.where.sql if self.where else None


def index_definition(action: Action) -> IndexDefinition | None:
    """The index of CREATE INDEX; None for other actions."""
    if action.kind != "CREATE INDEX":
        return None
    node, sql = own(action), action.sql
    return IndexDefinition(
        node.get("idxname"),
        relation_name(node["relation"]),
        bool(node.get("unique")),
        bool(node.get("concurrent")),
        bool(node.get("if_not_exists")),
        not node["relation"].get("inh", False),
        node.get("accessMethod", "btree"),
        tuple(index_key(k["IndexElem"], text) for k, text in zip(node["indexParams"], _key_texts(sql, node), strict=True)),
        tuple(k["IndexElem"].get("name", "") for k in node.get("indexIncludingParams", ())),
        _where(sql, node),
        bool(node.get("nulls_not_distinct")),
        node.get("tableSpace"),
        _parameters(sql, node),
    )


def _key_list(sql: str, node: Node) -> tuple[int, int]:
    """The inside of the brackets around the keys."""
    found = tokens(sql)
    inside = brackets_after(sql, found[relation_end(found, node["relation"]["location"])].start, len(sql))
    assert inside is not None, "the grammar demands the brackets"
    return inside


def _key_texts(sql: str, node: Node) -> list[str]:
    """The text of each key, with its collation, operator class and order."""
    return [sql[a:b] for a, b in elements(sql, next(t.start for t in tokens(sql) if t.start >= _key_list(sql, node)[0]))]


def _expression_text(key: str) -> str:
    """A key is a function call, or an expression in brackets, with what may follow it."""
    found = tokens(key)
    first = next((i for i, t in enumerate(found) if t.word == "("), None)
    if first is None:
        return key[: found[0].end]
    end = found[closing(found, first)]
    return stripped(key, found[0].end, end.start) if first == 0 else key[: end.end]


def _where(sql: str, node: Node) -> Expression | None:
    if "whereClause" not in node:
        return None
    start = after_word(sql, _key_list(sql, node)[1] + 1, len(sql), "WHERE")
    return None if start is None else expression(stripped(sql, start, len(sql)), node["whereClause"])


def _parameters(sql: str, node: Node) -> str | None:
    if not node.get("options"):
        return None
    start = after_word(sql, _key_list(sql, node)[1] + 1, len(sql), "WITH")
    inside = brackets_after(sql, start, len(sql)) if start is not None else None
    return stripped(sql, *inside) if inside else None


def index_key(node: Node, text: str) -> IndexKey:
    """The key of an IndexElem node, whose text is `text` with all that follows it."""
    found = expression(_expression_text(text), node["expr"]) if "expr" in node else None
    descending = node.get("ordering") == "SORTBY_DESC"
    nulls = node.get("nulls_ordering")
    return IndexKey(
        node.get("name"),
        node["name"] if "name" in node else expression_name(node["expr"]),
        found,
        name_of(strings(node["collation"])) if "collation" in node else None,
        name_of(strings(node["opclass"])) if "opclass" in node else None,
        descending,
        nulls == "SORTBY_NULLS_FIRST" or (descending and nulls != "SORTBY_NULLS_LAST"),
    )
