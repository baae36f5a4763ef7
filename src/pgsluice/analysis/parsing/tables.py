"""CREATE TABLE, as written."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.actions import into_clause
from pgsluice.analysis.parsing.clauses import closing, elements, stripped, within
from pgsluice.analysis.parsing.columns import ColumnDefinition, read_column
from pgsluice.analysis.parsing.constraints import ConstraintClause, constraint_clause, is_constraint
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.remembered import remembered
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import Name, name_of, relation_name, strings

_PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """`persistence` is permanent, unlogged or temporary. `constraints` are those of the table and, after them, the inline ones
    of its columns. `like` are the relations whose columns it copies, `inherits` its parents, `partition_of` the
    partitioned table that it becomes a partition of, with `bound_sql` (FOR VALUES ... or DEFAULT).
    `partition_by_sql` is what follows PARTITION BY. `query`: made from a query (CREATE TABLE AS, SELECT INTO)."""

    name: Name
    persistence: str = "permanent"
    if_not_exists: bool = False
    columns: tuple[ColumnDefinition, ...] = ()
    table_constraints: tuple[ConstraintClause, ...] = ()
    like: tuple[Name, ...] = ()
    inherits: tuple[Name, ...] = ()
    partition_of: Name | None = None
    bound_sql: str | None = None
    default_partition: bool = False
    partition_by_sql: str | None = None
    of_type: Name | None = None
    query: bool = False
    with_data: bool = True
    on_commit: str = "NOOP"

    @property
    def constraints(self) -> tuple[ConstraintClause, ...]:
        return (*self.table_constraints, *(c for column in self.columns for c in column.constraints))


@remembered
def table_definition(action: Action) -> TableDefinition | None:
    """The table of CREATE TABLE, CREATE TABLE PARTITION OF, CREATE FOREIGN TABLE, CREATE TABLE AS, CREATE MATERIALIZED VIEW and
    SELECT INTO; None for other actions."""
    node = own(action)
    if action.statement.kind == "CreateTableAsStmt":
        return _from_query(node["into"], bool(node.get("if_not_exists")))
    if action.kind == "SELECT INTO" and (into := into_clause(node)):
        return _from_query(into, False)
    if action.statement.kind == "CreateForeignTableStmt":
        return _defined(action.sql, node["base"])
    return _defined(action.sql, node) if action.statement.kind == "CreateStmt" else None


def _from_query(into: Node, if_not_exists: bool) -> TableDefinition:
    return TableDefinition(
        relation_name(into["rel"]),
        _PERSISTENCE.get(into["rel"].get("relpersistence", "p"), "permanent"),
        if_not_exists,
        query=True,
        with_data=not into.get("skipData", False),
        on_commit=_on_commit(into.get("onCommit", "")),
    )


def _on_commit(word: str) -> str:
    return word.removeprefix("ONCOMMIT_").replace("_", " ") or "NOOP"


def _defined(sql: str, node: Node) -> TableDefinition:
    columns: list[ColumnDefinition] = []
    constraints: list[ConstraintClause] = []
    like: list[Name] = []
    for element, span in table_elements(sql, node):
        kind, body = next(iter(element.items()))
        if kind == "ColumnDef":
            columns.append(read_column(sql, body, span))
        elif kind == "Constraint" and is_constraint(body):
            constraints.append(constraint_clause(sql, body, span))
        elif kind == "TableLikeClause":
            like.append(relation_name(body["relation"]))
    parents = tuple(relation_name(r["RangeVar"]) for r in node.get("inhRelations", ()))
    bound = node.get("partbound")
    return TableDefinition(
        relation_name(node["relation"]),
        _PERSISTENCE.get(node["relation"].get("relpersistence", "p"), "permanent"),
        bool(node.get("if_not_exists")),
        tuple(columns),
        tuple(constraints),
        tuple(like),
        () if bound else parents,
        parents[0] if bound and parents else None,
        bound_sql(sql, node["inhRelations"][0]["RangeVar"].get("location", 0)) if bound and parents else None,
        bool(bound and bound.get("is_default")),
        _partition_by(sql, node),
        name_of(strings(node["ofTypename"].get("names", ()))) if "ofTypename" in node else None,
        on_commit=_on_commit(node.get("oncommit", "")),
    )


def table_elements(sql: str, node: Node) -> list[tuple[Node, tuple[int, int]]]:
    """The columns, constraints and LIKEs of a CreateStmt, each with its place in the text."""
    found = node.get("tableElts", [])
    if not found:
        return []
    _, body = next(iter(found[0].items()))
    first = body["relation"]["location"] if "relation" in body else body["location"]
    return list(zip(found, elements(sql, first), strict=True))


def bound_sql(sql: str, start: int) -> str | None:
    """The FOR VALUES ... or DEFAULT of a partition whose parent's (or own) name stands at `start`."""
    found = within(sql, start, len(sql))
    depth = found[0].depth
    for index, token in enumerate(found):
        if token.depth == depth and token.word == "DEFAULT":
            return sql[token.start : token.end]
        if token.depth == depth and token.word == "FOR":
            end = closing(found, index + 3)
            end = closing(found, end + 2) if found[index + 2].word == "FROM" else end
            return sql[token.start : found[end].end]
    return None


def _partition_by(sql: str, node: Node) -> str | None:
    if "partspec" not in node:
        return None
    found = within(sql, node["partspec"].get("location", 0), len(sql))
    index = next(i for i, t in enumerate(found) if t.word == "(")
    return stripped(sql, found[2].start, found[closing(found, index)].end)
