"""Typed readers of the smaller actions: what they change, from what to what."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import after_word, brackets_after, stripped
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tables import bound_sql
from pgsluice.analysis.parsing.trees import Name, name_of, relation_name, strings


def column_name(action: Action) -> str | None:
    """The column (or attribute) of an ALTER TABLE clause on one column, ADD COLUMN included; None for other clauses."""
    node = action.node
    if node.get("subtype") == "AT_AddColumn":
        return str(node["def"]["ColumnDef"]["colname"])
    return node.get("name") if node.get("subtype") in _ON_COLUMN else None


_ON_COLUMN = frozenset(
    f"AT_{s}"
    for s in (
        "DropColumn",
        "AlterColumnType",
        "ColumnDefault",
        "SetNotNull",
        "DropNotNull",
        "SetExpression",
        "DropExpression",
        "AddIdentity",
        "SetIdentity",
        "DropIdentity",
        "SetStatistics",
        "SetStorage",
        "SetCompression",
        "SetOptions",
        "ResetOptions",
        "AlterColumnGenericOptions",
    )
)
_ON_CONSTRAINT = frozenset(("AT_DropConstraint", "AT_ValidateConstraint"))


def constraint_name(action: Action) -> str | None:
    """The name in DROP, VALIDATE, ALTER and named ADD CONSTRAINT, of tables and domains; None elsewhere and where none is said."""
    node = action.node
    definition = node.get("def", {})
    if "ATAlterConstraint" in definition:
        return str(definition["ATAlterConstraint"]["conname"])
    if "Constraint" in definition:
        name: str | None = definition["Constraint"].get("conname")
        return name
    named = node.get("subtype") in _ON_CONSTRAINT or (action.kind.startswith("ALTER DOMAIN") and node.get("subtype") in ("X", "V"))
    return node.get("name") if named else None


def cascades(action: Action) -> bool:
    """Whether it says CASCADE."""
    return action.node.get("behavior") == "DROP_CASCADE"


def missing_allowed(action: Action) -> bool:
    """Whether IF EXISTS (of the object or of its part) or IF NOT EXISTS is said."""
    node = action.node
    return any(bool(node.get(f)) for f in ("missing_ok", "if_not_exists", "skipIfNewValExists")) or action.if_exists


@dataclass(frozen=True, slots=True)
class TypeChange:
    """ALTER COLUMN TYPE. `type_name` is in the parser's names (int4 for int)."""

    column: str
    type_sql: str
    type_name: Name
    using: Expression | None = None
    collation_sql: str | None = None

    @property
    def using_sql(self) -> str | None:
        return self.using.sql if self.using else None


def type_change(action: Action) -> TypeChange | None:
    """The change of ALTER TABLE ALTER COLUMN TYPE (or ALTER TYPE ALTER ATTRIBUTE TYPE); None for other actions."""
    node, sql = own(action), action.sql
    if node.get("subtype") != "AT_AlterColumnType":
        return None
    column = node["def"]["ColumnDef"]
    start, end = column["typeName"]["location"], len(sql)
    using_at = after_word(sql, start, end, "USING") if "raw_default" in column else None
    using = expression(stripped(sql, using_at, end), column["raw_default"]) if using_at is not None else None
    behind_type = end if using_at is None else using_at - len("USING")
    collate = column["collClause"]["location"] if "collClause" in column else None
    return TypeChange(
        node["name"],
        _without_behavior(stripped(sql, start, behind_type if collate is None else collate)),
        name_of(strings(column["typeName"].get("names", ()))),
        using,
        _without_behavior(stripped(sql, collate + len("COLLATE"), behind_type)) if collate is not None else None,
    )


def _without_behavior(text: str) -> str:
    """ALTER ATTRIBUTE TYPE may end in CASCADE or RESTRICT."""
    words = text.rsplit(None, 1)
    return words[0] if len(words) == 2 and words[1].upper() in ("CASCADE", "RESTRICT") else text


def new_default(action: Action) -> Expression | None:
    """The value of SET DEFAULT, of a column or a domain; None for other actions."""
    node, sql = own(action), action.sql
    if not action.kind.endswith(" SET DEFAULT") or "def" not in node:
        return None
    found = after_word(sql, 0, len(sql), "DEFAULT")
    return None if found is None else expression(stripped(sql, found, len(sql)), node["def"])


def identity_sql(action: Action) -> str | None:
    """GENERATED ... AS IDENTITY ... of ADD IDENTITY, or the options of SET IDENTITY, as written; None for other actions."""
    node, sql = own(action), action.sql
    if node.get("subtype") == "AT_AddIdentity":
        return stripped(sql, node["def"]["Constraint"]["location"], len(sql))
    if node.get("subtype") == "AT_SetIdentity":
        return stripped(sql, node["def"]["List"]["items"][0]["DefElem"]["location"], len(sql))
    return None


@dataclass(frozen=True, slots=True)
class Rename:
    """`part` is '' for the object itself, else column, attribute, constraint, trigger, policy or rule."""

    part: str
    old: str
    new: str


_PARTS = {
    "OBJECT_COLUMN": "column",
    "OBJECT_ATTRIBUTE": "attribute",
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_DOMCONSTRAINT": "constraint",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_POLICY": "policy",
    "OBJECT_RULE": "rule",
}


def rename(action: Action) -> Rename | None:
    """The change of any ALTER ... RENAME, enum values excepted; None for other actions."""
    node = action.node
    if action.statement.kind != "RenameStmt":
        return None
    part = _PARTS.get(node.get("renameType", ""), "")
    old = node.get("subname") or (action.relation[1] if action.relation else _object_name(node))
    return Rename(part, old, node["newname"])


def _object_name(node: Node) -> str:
    kind, body = next(iter(node["object"].items()))
    if kind == "String":
        return str(body["sval"])
    return name_of(strings(body.get("items", body.get("objname", ()))))[1]


def new_schema(action: Action) -> str | None:
    """The schema of ALTER ... SET SCHEMA; None for other actions."""
    return action.node.get("newschema")


@dataclass(frozen=True, slots=True)
class EnumChange:
    """ADD VALUE (`old` None) or RENAME VALUE of the enum `type`."""

    type: Name
    new: str
    old: str | None = None
    before: str | None = None
    after: str | None = None
    if_not_exists: bool = False


def enum_change(action: Action) -> EnumChange | None:
    """The change of ALTER TYPE ADD VALUE or RENAME VALUE; None for other actions."""
    node = action.node
    if action.statement.kind != "AlterEnumStmt":
        return None
    neighbour, is_after = node.get("newValNeighbor"), bool(node.get("newValIsAfter"))
    return EnumChange(
        name_of(strings(node["typeName"])),
        node["newVal"],
        node.get("oldVal"),
        None if is_after else neighbour,
        neighbour if is_after else None,
        bool(node.get("skipIfNewValExists")),
    )


@dataclass(frozen=True, slots=True)
class PartitionChange:
    """ATTACH or DETACH PARTITION of a table or an index."""

    partition: Name
    bound_sql: str | None = None
    default: bool = False
    concurrent: bool = False


def partition_change(action: Action) -> PartitionChange | None:
    """The partition of ATTACH, DETACH and DETACH FINALIZE; None for other actions."""
    node = own(action)
    command = node.get("def", {}).get("PartitionCmd") if "subtype" in node else None
    if command is None:
        return None
    bound = command.get("bound")
    return PartitionChange(
        relation_name(command["name"]),
        bound_sql(action.sql, command["name"]["location"]) if bound else None,
        bool(bound and bound.get("is_default")),
        bool(command.get("concurrent")),
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """SET, SET LOCAL and RESET: `value` as text, lists joined by a comma and a space; None for RESET and SET ... TO DEFAULT.
    `name` is in lower case; 'all' for RESET ALL."""

    name: str
    value: str | None
    local: bool = False


def setting(action: Action) -> Setting | None:
    """The setting of SET and RESET; None for other actions, SET TRANSACTION among them."""
    node = action.node
    if action.kind not in ("SET", "RESET"):
        return None
    values = [_constant(a) for a in node.get("args", ())] if node.get("kind") == "VAR_SET_VALUE" else []
    name = str(node.get("name", "all")).lower()
    return Setting(name, ", ".join(values) if values else None, bool(node.get("is_local")))


def _constant(node: Node) -> str:
    constant = node.get("A_Const") or node.get("TypeCast", {}).get("arg", {}).get("A_Const", {})
    for kind in ("sval", "ival", "fval", "boolval"):
        if kind in constant:
            return str(constant[kind].get(kind, 0 if kind == "ival" else ""))
    return ""


@dataclass(frozen=True, slots=True)
class TriggerDefinition:
    """`timing` is BEFORE, AFTER or INSTEAD OF; `events` are INSERT, DELETE, UPDATE, TRUNCATE; `columns` those of UPDATE OF.
    `references` is the table after FROM of a constraint trigger."""

    name: str
    table: Name
    function: Name
    timing: str
    events: tuple[str, ...]
    row: bool = False
    columns: tuple[str, ...] = ()
    constraint: bool = False
    replace: bool = False
    references: Name | None = None


_EVENTS = ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"), (32, "TRUNCATE"))
"""TRIGGER_TYPE_... of src/include/catalog/pg_trigger.h; timing is BEFORE 2, INSTEAD 64."""


def trigger_definition(action: Action) -> TriggerDefinition | None:
    """The trigger of CREATE TRIGGER; None for other actions."""
    node = action.node
    if action.kind != "CREATE TRIGGER":
        return None
    timing = node.get("timing", 0)
    return TriggerDefinition(
        node["trigname"],
        relation_name(node["relation"]),
        name_of(strings(node["funcname"])),
        "BEFORE" if timing & 2 else "INSTEAD OF" if timing & 64 else "AFTER",
        tuple(word for bit, word in _EVENTS if node.get("events", 0) & bit),
        bool(node.get("row")),
        strings(node.get("columns", ())),
        bool(node.get("isconstraint")),
        bool(node.get("replace")),
        relation_name(node["constrrel"]) if "constrrel" in node else None,
    )


@dataclass(frozen=True, slots=True)
class CommentText:
    """COMMENT ON: `part` is the column, constraint, trigger ... of the action's relation. `text` None removes it."""

    object: str
    part: str | None
    text: str | None


def comment(action: Action) -> CommentText | None:
    """What COMMENT says; `object` is libpg_query's word (OBJECT_COLUMN). None for other actions."""
    node = action.node
    if action.kind != "COMMENT":
        return None
    items = strings(node.get("object", {}).get("List", {}).get("items", ()))
    of = node.get("objtype", "")
    return CommentText(of, items[-1] if of in _COMMENTED and items else None, node.get("comment"))


_COMMENTED = frozenset(("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE", "OBJECT_DOMCONSTRAINT"))


def storage_parameters(action: Action) -> str | None:
    """The inside of SET (...) or RESET (...) of a relation or a column; None for other actions."""
    if action.node.get("subtype") not in ("AT_SetRelOptions", "AT_ResetRelOptions", "AT_SetOptions", "AT_ResetOptions"):
        return None
    inside = brackets_after(action.sql, 0, len(action.sql))
    return stripped(action.sql, *inside) if inside else None
