"""From a statement to its actions: what each clause does to each object, each as a statement of its own.

All kinds are in `kinds`. What is not understood comes back as one UNKNOWN action: assume ACCESS EXCLUSIVE on everything.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from pgsluice.analysis.parsing import kinds
from pgsluice.analysis.parsing.clauses import alter_table_clauses, dropped_objects, listed_relations
from pgsluice.analysis.parsing.statement import Action, Node, Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.trees import Name, is_on, name_of, option, relation_name, strings

_Reader = Callable[[Statement], tuple[Action, ...]]


def actions(statement: Statement) -> tuple[Action, ...]:
    """What the statement does, at least one action. The clauses of ALTER TABLE are in the order in which the server works through
    them, whatever the text's: DROP before ADD COLUMN before ADD CONSTRAINT."""
    reader = _READERS.get(statement.kind)
    if reader is not None:
        return reader(statement)
    return (_one(statement, kinds.STATEMENTS.get(statement.kind, kinds.UNKNOWN), _relation(statement)),)


def action_of(sql: str) -> Action:
    """The one action of a statement that rules have made; raises InputError where it is not exactly one statement."""
    return actions(parse_statement(sql))[0]


def is_concurrent(action: Action) -> bool:
    """Whether it says CONCURRENTLY: CREATE and DROP INDEX, REINDEX, REFRESH MATERIALIZED VIEW, DETACH PARTITION."""
    node = action.node
    partition = node.get("def", {}).get("PartitionCmd", {}) if isinstance(node.get("def"), dict) else {}
    return bool(node.get("concurrent") or partition.get("concurrent") or is_on(option(node, "params", "concurrently")))


def _one(statement: Statement, kind: str, relation: Name | None, node: Node | None = None) -> Action:
    whole = statement.node
    main = _main_relation(whole)
    return Action(
        kind,
        statement,
        statement.sql,
        whole if node is None else node,
        relation,
        only=main is not None and not main.get("inh", False),
        if_exists=bool(whole.get("missing_ok", False)),
    )


_RELATION_FIELDS = ("relation", "view", "sequence", "table")


def _main_relation(node: Node) -> Node | None:
    for field in _RELATION_FIELDS:
        found = node.get(field)
        if isinstance(found, dict) and "relname" in found:
            return found
    return None


def _relation(statement: Statement) -> Name | None:
    """The relation that a statement is about."""
    node = statement.node
    if (main := _main_relation(node)) is not None:
        return relation_name(main)
    if statement.kind == "CreateStatsStmt":
        return next((relation_name(r["RangeVar"]) for r in node.get("relations", ()) if "RangeVar" in r), None)
    if statement.kind in ("CommentStmt", "SecLabelStmt"):
        return _described(node)
    if statement.kind == "CreateForeignTableStmt":
        return relation_name(node["base"]["relation"])
    return None


_RELATIONS = frozenset(f"OBJECT_{o}" for o in ("TABLE", "INDEX", "VIEW", "MATVIEW", "SEQUENCE", "FOREIGN_TABLE"))
_PARTS = frozenset(f"OBJECT_{o}" for o in ("COLUMN", "TABCONSTRAINT", "TRIGGER", "POLICY", "RULE"))


def _described(node: Node) -> Name | None:
    """The relation of COMMENT and SECURITY LABEL: itself, or the one that the column, constraint, trigger ... is on."""
    items = strings(node.get("object", {}).get("List", {}).get("items", ()))
    if node.get("objtype") in _RELATIONS:
        return name_of(items)
    return name_of(items[:-1]) if node.get("objtype") in _PARTS else None


def _several(statement: Statement, parts: Iterable[tuple[str, str, Node, Name | None]]) -> tuple[Action, ...]:
    """Actions from (kind, sql, node, relation)."""
    found = tuple(parts)
    whole = statement.node
    main = _main_relation(whole)
    only = main is not None and not main.get("inh", False)
    return tuple(
        Action(kind, statement, sql, node, relation, only, bool(whole.get("missing_ok", False)), number, len(found))
        for number, (kind, sql, node, relation) in enumerate(found)
    )


def _alter_table(statement: Statement) -> tuple[Action, ...]:
    node = statement.node
    of = kinds.OBJECTS.get(node.get("objtype", ""), "")
    names = kinds.ALTER_TYPE if of == "TYPE" else kinds.ALTER_TABLE
    commands = [c["AlterTableCmd"] for c in node.get("cmds", ())]
    texts = alter_table_clauses(statement.sql, node["relation"].get("location", 0), len(commands))
    if texts is None or not commands:
        return (_one(statement, kinds.UNKNOWN, relation_name(node["relation"])),)
    relation = relation_name(node["relation"])
    parts = [(_command_kind(of, names, c), text, c, relation) for c, text in zip(commands, texts, strict=True)]
    return _several(statement, sorted(parts, key=lambda part: _pass(part[0].removeprefix(f"ALTER {of} "), part[2])))


def _pass(words: str, command: Node) -> int:
    """When the server does this clause, among those of its statement."""
    if words == "ADD CONSTRAINT":
        return kinds.CONSTRAINT_PASSES.get(command["def"]["Constraint"].get("contype", ""), 6)
    return kinds.PASSES.get(words, kinds.LAST_PASS)


def _command_kind(of: str, names: dict[str, str], command: Node) -> str:
    subtype = command.get("subtype", "")
    if subtype == "AT_ColumnDefault" and "def" not in command:
        return f"ALTER {of} DROP DEFAULT"
    return f"ALTER {of} {names[subtype]}" if subtype in names and of else kinds.UNKNOWN


def _drop(statement: Statement) -> tuple[Action, ...]:
    node = statement.node
    words = kinds.OBJECTS.get(node.get("removeType", ""))
    objects = node.get("objects", [])
    if words is None or not objects:
        return (_one(statement, kinds.UNKNOWN, None),)
    texts = dropped_objects(statement.sql, words, bool(node.get("missing_ok")), len(objects))
    if texts is None:
        return (_one(statement, kinds.UNKNOWN, None),)
    kind = f"DROP {words}"
    return _several(
        statement, ((kind, text, {**node, "objects": [o]}, _dropped_relation(node, o)) for o, text in zip(objects, texts, strict=True))
    )


def _dropped_relation(node: Node, dropped: Node) -> Name | None:
    items = strings(dropped.get("List", {}).get("items", ()))
    if node.get("removeType") in _RELATIONS:
        return name_of(items)
    return name_of(items[:-1]) if node.get("removeType") in _PARTS else None


def _list_of_relations(kind: Callable[[Node], str], field: str, inside: str = "RangeVar") -> _Reader:
    """A reader for statements on a list of relations: one action for each."""

    def read(statement: Statement) -> tuple[Action, ...]:
        node = statement.node
        items = node.get(field, [])
        found = [_range_var(i, inside) for i in items]
        if not items or any(r is None for r in found):
            return (_one(statement, kind(node), None),)
        ranges = [r for r in found if r is not None]
        texts = listed_relations(statement.sql, [r.get("location", 0) for r in ranges])
        parts = zip(items, ranges, texts, strict=True)
        several = _several(statement, ((kind(node), text, {**node, field: [i]}, relation_name(r)) for i, r, text in parts))
        return tuple(_with_only(a, r) for a, r in zip(several, ranges, strict=True))

    return read


def _with_only(action: Action, range_var: Node) -> Action:
    return replace(action, only=not range_var.get("inh", False))


def _range_var(item: Node, inside: str) -> Node | None:
    body = item.get(inside)
    if body is None:
        return None
    found = body.get("relation") if inside == "VacuumRelation" else body
    return found if isinstance(found, dict) else None


def _vacuum_kind(node: Node) -> str:
    if not node.get("is_vacuumcmd"):
        return "ANALYZE"
    return "VACUUM FULL" if is_on(option(node, "options", "full")) else "VACUUM"


def _grant_kind(node: Node) -> str:
    return "GRANT" if node.get("is_grant") else "REVOKE"


def _rename(statement: Statement) -> tuple[Action, ...]:
    node = statement.node
    part = kinds.RENAME_PARTS.get(node.get("renameType", ""))
    of = kinds.OBJECTS.get(node.get("relationType" if node.get("renameType") == "OBJECT_COLUMN" else "renameType", ""))
    kind = f"ALTER {of} {part or 'RENAME'}" if of else kinds.UNKNOWN
    return (_one(statement, kind, _relation(statement)),)


def _alter_object(words: str, field: str) -> _Reader:
    def read(statement: Statement) -> tuple[Action, ...]:
        of = kinds.OBJECTS.get(statement.node.get(field, ""))
        return (_one(statement, f"ALTER {of} {words}".rstrip() if of else kinds.UNKNOWN, _relation(statement)),)

    return read


def _alter_domain(statement: Statement) -> tuple[Action, ...]:
    node = statement.node
    words = kinds.ALTER_DOMAIN.get(node.get("subtype", ""))
    if node.get("subtype") == "T" and "def" not in node:
        words = "DROP DEFAULT"
    return (_one(statement, f"ALTER DOMAIN {words}" if words else kinds.UNKNOWN, None),)


def _alter_enum(statement: Statement) -> tuple[Action, ...]:
    return (_one(statement, "ALTER TYPE RENAME VALUE" if "oldVal" in statement.node else "ALTER TYPE ADD VALUE", None),)


def _alter_all(statement: Statement) -> tuple[Action, ...]:
    of = kinds.OBJECTS.get(statement.node.get("objtype", ""), "TABLE")
    return (_one(statement, f"ALTER {of} ALL IN TABLESPACE", None),)


def _create_table(statement: Statement) -> tuple[Action, ...]:
    kind = "CREATE TABLE PARTITION OF" if "partbound" in statement.node else "CREATE TABLE"
    return (_one(statement, kind, _relation(statement)),)


def _create_table_as(statement: Statement) -> tuple[Action, ...]:
    kind = "CREATE MATERIALIZED VIEW" if statement.node.get("objtype") == "OBJECT_MATVIEW" else "CREATE TABLE AS"
    return (_one(statement, kind, relation_name(statement.node["into"]["rel"])),)


def _create_schema(statement: Statement) -> tuple[Action, ...]:
    """One with elements is not taken apart: what its tables reference is not understood."""
    return (_one(statement, kinds.UNKNOWN if statement.node.get("schemaElts") else "CREATE SCHEMA", None),)


def _create_function(statement: Statement) -> tuple[Action, ...]:
    return (_one(statement, "CREATE PROCEDURE" if statement.node.get("is_procedure") else "CREATE FUNCTION", None),)


def _define(statement: Statement) -> tuple[Action, ...]:
    of = kinds.OBJECTS.get(statement.node.get("kind", ""))
    return (_one(statement, f"CREATE {of}" if of else kinds.UNKNOWN, None),)


def _select(statement: Statement) -> tuple[Action, ...]:
    into = into_clause(statement.node)
    return (_one(statement, "SELECT INTO", relation_name(into["rel"])) if into else _one(statement, "SELECT", None),)


def into_clause(node: Node) -> Node | None:
    """The INTO of a SELECT; of a UNION it stands in the leftmost arm."""
    while node:
        if "intoClause" in node:
            into: Node = node["intoClause"]
            return into
        node = node.get("larg", {})
    return None


def _set(statement: Statement) -> tuple[Action, ...]:
    kind = statement.node.get("kind", "")
    if kind == "VAR_SET_MULTI":
        return (_one(statement, "SET TRANSACTION", None),)
    return (_one(statement, "RESET" if kind.startswith("VAR_RESET") else "SET", None),)


def _by_field(names: dict[str, str]) -> _Reader:
    """A reader for statements whose field `kind` says what they are."""

    def read(statement: Statement) -> tuple[Action, ...]:
        return (_one(statement, names.get(statement.node.get("kind", ""), kinds.UNKNOWN), _relation(statement)),)

    return read


def _grant_role(statement: Statement) -> tuple[Action, ...]:
    return (_one(statement, _grant_kind(statement.node), None),)


_READERS: dict[str, _Reader] = {
    "AlterTableStmt": _alter_table,
    "AlterDomainStmt": _alter_domain,
    "AlterEnumStmt": _alter_enum,
    "AlterFunctionStmt": _alter_object("", "objtype"),
    "AlterObjectDependsStmt": _alter_object("DEPENDS ON EXTENSION", "objectType"),
    "AlterObjectSchemaStmt": _alter_object("SET SCHEMA", "objectType"),
    "AlterOwnerStmt": _alter_object("OWNER TO", "objectType"),
    "AlterTableMoveAllStmt": _alter_all,
    "CreateFunctionStmt": _create_function,
    "CreateSchemaStmt": _create_schema,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "DefineStmt": _define,
    "DropStmt": _drop,
    "GrantRoleStmt": _grant_role,
    "GrantStmt": _list_of_relations(_grant_kind, "objects"),
    "LockStmt": _list_of_relations(lambda _: "LOCK", "relations"),
    "ReindexStmt": _by_field(kinds.REINDEX),
    "RenameStmt": _rename,
    "SelectStmt": _select,
    "TransactionStmt": _by_field(kinds.TRANSACTION),
    "TruncateStmt": _list_of_relations(lambda _: "TRUNCATE", "relations"),
    "VacuumStmt": _list_of_relations(_vacuum_kind, "rels", "VacuumRelation"),
    "VariableSetStmt": _set,
}
