"""Column definitions of ADD COLUMN and CREATE TABLE, read by token position."""

from collections.abc import Iterator
from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import brackets_after, last_end, stripped, within
from pgsluice.analysis.parsing.constraints import ConstraintClause, constraint_clause, is_constraint
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.remembered import remembered
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import Name, name_of, strings
from pgsluice.model.catalog import ConstraintKind

_SERIAL = {
    "smallserial": "smallint",
    "serial2": "smallint",
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
}
"""transformColumnDefinition in src/backend/parser/parse_utilcmd.c: only unqualified and no arrays."""

_AFTER_TYPE = ("STORAGE", "COMPRESSION", "OPTIONS")


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as written. `span` is where it stands in the action's `sql`; `default_span`, `identity_span` and
    `generated_span` are those of these clauses, CONSTRAINT name included.

    `type_sql` is '' for a column of a typed table or partition. `type_name` is (schema or None, name), in the parser's names
    (int4 for int). `serial_type` is the integer type that a serial stands for, None for others. `generated` is '', stored or
    virtual, with `expression`; `identity` is '', always or by default, with the inside of its brackets in `identity_options`.
    `not_null` is what it says itself (PRIMARY KEY, serial and identity imply it: `never_null`).
    `constraints` are CHECK, NOT NULL, UNIQUE, PRIMARY KEY and REFERENCES in their order."""

    name: str
    type_sql: str
    span: tuple[int, int]
    type_name: Name = (None, "")
    array: bool = False
    serial_type: str | None = None
    collation_sql: str | None = None
    storage: str | None = None
    compression: str | None = None
    default: Expression | None = None
    default_span: tuple[int, int] | None = None
    generated: str = ""
    expression: Expression | None = None
    generated_span: tuple[int, int] | None = None
    identity: str = ""
    identity_options: str | None = None
    identity_span: tuple[int, int] | None = None
    not_null: bool = False
    constraints: tuple[ConstraintClause, ...] = ()

    @property
    def default_sql(self) -> str | None:
        return self.default.sql if self.default else None

    @property
    def is_serial(self) -> bool:
        return self.serial_type is not None

    @property
    def never_null(self) -> bool:
        primary = any(c.kind is ConstraintKind.PRIMARY_KEY for c in self.constraints)
        return self.not_null or primary or self.is_serial or bool(self.identity)

    def constraint(self, kind: ConstraintKind) -> ConstraintClause | None:
        """The first inline constraint of this kind."""
        return next((c for c in self.constraints if c.kind is kind), None)


@remembered
def column_definition(action: Action) -> ColumnDefinition | None:
    """The column of ALTER TABLE (or FOREIGN TABLE) ADD COLUMN and ALTER TYPE ADD ATTRIBUTE; None for other actions."""
    node = own(action)
    if node.get("subtype") != "AT_AddColumn":
        return None
    column = node["def"]["ColumnDef"]
    end = len(action.sql)
    if node.get("behavior") == "DROP_CASCADE" or action.kind.startswith("ALTER TYPE"):
        end = _without_behavior(action.sql, column["location"])
    return read_column(action.sql, column, (column["location"], end))


def _without_behavior(sql: str, start: int) -> int:
    found = within(sql, start, len(sql))
    return found[-1].start if found[-1].word in ("CASCADE", "RESTRICT") else len(sql)


def read_column(sql: str, node: Node, span: tuple[int, int]) -> ColumnDefinition:
    """The definition of a ColumnDef node that stands at `span` of `sql`."""
    span = (span[0], last_end(sql, *span))
    parts = list(_parts(sql, node, span))
    type_sql = _type_sql(sql, node, parts[0][1][0] if parts else span[1])
    said = {n["contype"]: (n, s) for n, s, _ in parts if "contype" in n}
    default = said.get("CONSTR_DEFAULT")
    generated = said.get("CONSTR_GENERATED")
    identity = said.get("CONSTR_IDENTITY")
    type_node = node.get("typeName", {})
    type_name = name_of(strings(type_node.get("names", ())))
    array = bool(type_node.get("arrayBounds"))
    return ColumnDefinition(
        node["colname"],
        type_sql,
        span,
        type_name,
        array,
        None if array or type_name[0] else _SERIAL.get(type_name[1]),
        next((stripped(sql, *s).split(None, 1)[1] for n, s, _ in parts if "collname" in n), None),
        node.get("storage_name"),
        node.get("compression"),
        _default(sql, *default) if default else None,
        default[1] if default else None,
        _generated(generated[0]) if generated else "",
        _bracketed(sql, *generated) if generated else None,
        generated[1] if generated else None,
        ("always" if identity[0].get("generated_when") == "a" else "by default") if identity else "",
        _identity_options(sql, *identity) if identity else None,
        identity[1] if identity else None,
        "CONSTR_NOTNULL" in said,
        tuple(constraint_clause(sql, n, s, node["colname"], a) for n, s, a in parts if is_constraint(n)),
    )


def _parts(sql: str, node: Node, span: tuple[int, int]) -> Iterator[tuple[Node, tuple[int, int], frozenset[str]]]:
    """What follows the type: (node, span, attributes behind it), in the order of the text. Attributes such as DEFERRABLE are nodes
    of their own in the tree, and belong to the constraint before them."""
    found = [c["Constraint"] for c in node.get("constraints", ())]
    if "collClause" in node:
        found.append(node["collClause"])
    found.sort(key=lambda n: n.get("location", 0))
    heads = [i for i, n in enumerate(found) if not n.get("contype", "").startswith("CONSTR_ATTR_")]
    for head, following in zip(heads, [*heads[1:], len(found)][: len(heads)], strict=True):
        end = found[following]["location"] if following < len(found) else span[1]
        start = found[head]["location"]
        yield found[head], (start, last_end(sql, start, end)), frozenset(n["contype"] for n in found[head + 1 : following])


def _type_sql(sql: str, node: Node, end: int) -> str:
    if "typeName" not in node:
        return ""
    start = node["typeName"]["location"]
    found = within(sql, start, end)
    stop = next((t.start for t in found[1:] if t.word in _AFTER_TYPE and t.depth == found[0].depth), end)
    return stripped(sql, start, stop)


def _default(sql: str, node: Node, span: tuple[int, int]) -> Expression:
    found = within(sql, *span)
    word = 2 if found[0].word == "CONSTRAINT" else 0
    return expression(stripped(sql, found[word].end, span[1]), node["raw_expr"])


def _generated(node: Node) -> str:
    return "virtual" if node.get("generated_kind") == "v" else "stored"


def _bracketed(sql: str, node: Node, span: tuple[int, int]) -> Expression | None:
    inside = brackets_after(sql, *span)
    return expression(stripped(sql, *inside), node["raw_expr"]) if inside else None


def _identity_options(sql: str, node: Node, span: tuple[int, int]) -> str | None:
    inside = brackets_after(sql, *span) if node.get("options") else None
    return stripped(sql, *inside) if inside else None
