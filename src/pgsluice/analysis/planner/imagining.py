"""The rows of a table as the earlier statements of a file will have left them, written as a query over what stands there now: so a
preflight question sees what the statement will meet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.changes import column_name, rename, type_change
from pgsluice.analysis.parsing.clauses import between_separators
from pgsluice.analysis.parsing.columns import column_definition
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.parsing.trees import relation_name, walk
from pgsluice.analysis.rules.foresight import means_the_same, stands
from pgsluice.analysis.rules.rule import Context, Imagined
from pgsluice.model.catalog import Catalog, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_KEEPS_ROWS = frozenset(
    f"ALTER TABLE {part}"
    for part in (
        "ADD CONSTRAINT", "ALTER CONSTRAINT", "DROP CONSTRAINT", "DROP DEFAULT", "DROP NOT NULL", "RENAME CONSTRAINT", "SET DEFAULT",
        "SET NOT NULL", "SET STATISTICS", "SET STORAGE", "SET COMPRESSION", "VALIDATE CONSTRAINT", "OWNER TO", "SET", "RESET",
        "ALTER COLUMN SET", "ALTER COLUMN RESET", "CLUSTER ON", "SET WITHOUT CLUSTER", "REPLICA IDENTITY", "SET LOGGED", "SET UNLOGGED",
        "ENABLE TRIGGER", "ENABLE TRIGGER USER", "ENABLE TRIGGER ALL", "DISABLE TRIGGER", "DISABLE TRIGGER USER", "DISABLE TRIGGER ALL",
        "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY",
    )
)  # fmt: skip
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "TRUNCATE", "DO", "CALL", "SELECT", "UNKNOWN", "EXECUTE"})
_TOUCHES_NO_ROW = (
    "CREATE ", "COMMENT", "GRANT", "REVOKE", "ANALYZE", "VACUUM", "SET", "RESET", "LOCK", "CLUSTER", "REINDEX",
    *(f"{verb} {noun}" for verb in ("ALTER", "DROP") for noun in ("INDEX", "TRIGGER", "VIEW", "FUNCTION", "POLICY", "RULE", "STATISTICS")),
)  # fmt: skip
_WRITERS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "IntoClause"})
_PLAIN_UPDATE = frozenset({"relation", "targetList", "whereClause"})
_PLAIN_DELETE = frozenset({"relation", "whereClause"})


@dataclass(slots=True)
class Imagination:
    """What is known of the rows of each table behind the statements so far: `imagined` where they are known as a query, `lost` where
    they are not known any more. Tables in neither hold what they hold now."""

    imagined: dict[QualifiedName, Imagined] = field(default_factory=dict)
    lost: set[QualifiedName] = field(default_factory=set)

    def follow(self, action: Action, context: Context) -> None:
        """Take an action that was analysed into account; `context` is the one in front of it."""
        if action.kind in _KEEPS_ROWS or (action.kind.startswith(_TOUCHES_NO_ROW) and action.kind not in _WRITES):
            return
        if action.kind == "SELECT" and _only_reads(action, context.catalog):
            return
        if action.relation is None:
            self._lose({context.catalog.resolve(*r) for r in mentioned_relations(action)}, context.catalog)
            return
        name = context.name(action.relation)
        table = context.catalog.table(name)
        if action.kind == "ALTER TABLE ADD COLUMN" and (table is None or table.children or table.parents):
            return
        now = self.imagined.get(name) or _standing(context.start or context.catalog, name)
        made = _after(action, now, context, self) if now is not None and name not in self.lost else None
        if made is None:
            self._lose({context.catalog.resolve(*r) for r in mentioned_relations(action)} | {name}, context.catalog)
            return
        self._lose(_cascaded(action, name, context.catalog), context.catalog)
        self.imagined.pop(name, None)
        self.imagined[QualifiedName(name.schema, action.node["newname"]) if action.kind == "ALTER TABLE RENAME" else name] = made

    def follow_opaque(self, catalog: Catalog) -> None:
        """Take something into account of which nothing is known."""
        self._lose({*catalog.tables, *self.imagined}, catalog)

    def knows(self, relations: Iterable[QualifiedName]) -> bool:
        """Whether these hold now what they will hold then."""
        return not any(r in self.lost or r in self.imagined for r in relations)

    def _lose(self, names: Iterable[QualifiedName], catalog: Catalog) -> None:
        """With them go those that show their rows, too, and those that their foreign keys change."""
        for name in names:
            if name not in self.lost:
                self.lost.add(name)
                self.imagined.pop(name, None)
                table = catalog.table(name)
                family = (*table.parents, *table.children) if table is not None else ()
                self._lose((*family, *_changed_by_keys(name, catalog)), catalog)


def _only_reads(action: Action, catalog: Catalog) -> bool:
    """Whether a SELECT writes nothing: by no WITH, and by no function."""
    kinds = {kind for kind, _ in walk(action.node)}
    return not kinds & _WRITERS and not is_volatile(expression(action.sql, action.node), catalog)


def _changed_by_keys(name: QualifiedName, catalog: Catalog) -> set[QualifiedName]:
    """The tables whose rows change with those of this one, by ON DELETE or ON UPDATE."""
    return {k.table for k in catalog.foreign_keys_to(name) if " ON DELETE " in k.definition or " ON UPDATE " in k.definition}


def _cascaded(action: Action, name: QualifiedName, catalog: Catalog) -> set[QualifiedName]:
    """The tables whose rows change with those that an UPDATE or DELETE changes, by their foreign keys."""
    if action.kind == "DELETE":
        return {k.table for k in catalog.foreign_keys_to(name) if " ON DELETE " in k.definition}
    assigned = {t["ResTarget"].get("name") for t in action.node.get("targetList", ())} if action.kind == "UPDATE" else set()
    return {k.table for k in catalog.foreign_keys_to(name) if " ON UPDATE " in k.definition and assigned & {*k.referenced_columns}}


def _standing(catalog: Catalog, name: QualifiedName) -> Imagined | None:
    table = catalog.table(name)
    plain = table is not None and table.kind in (TableKind.TABLE, TableKind.PARTITIONED) and not table.made_by_run
    return Imagined(f"SELECT * FROM {name}", tuple(c.name for c in table.columns)) if plain and table is not None else None


def _after(action: Action, now: Imagined, context: Context, imagination: Imagination) -> Imagined | None:
    table = context.table(action)
    if table is None or table.children or table.parents:
        return None
    match action.kind:
        case "UPDATE":
            return _updated(action, now, table, context, imagination)
        case "DELETE":
            return _deleted(action, now, table, context, imagination)
        case "ALTER TABLE ADD COLUMN":
            return _added(action, now, context)
        case "ALTER TABLE DROP COLUMN":
            return _shown(now, {c: quote(c) for c in now.columns if c != column_name(action)}, context.name(action.relation or (None, "")))
        case "ALTER TABLE RENAME COLUMN":
            return _renamed(action, now, context)
        case "ALTER TABLE RENAME":
            return now
        case "ALTER TABLE ALTER COLUMN TYPE":
            return _retyped(action, now, context)
    return None


def _shown(now: Imagined, values: Mapping[str, str], table: QualifiedName) -> Imagined:
    """A query over the one so far that shows these columns; conditions and values find the table under its own name."""
    listed = ", ".join(f"{value} AS {quote(column)}" for column, value in values.items())
    return Imagined(f"SELECT {listed} FROM ({now.query}) AS {quote(table.name)}", tuple(values))


def _known(expressions: Iterable[Expression], action: Action, context: Context, imagination: Imagination) -> bool:
    """Whether what the expressions say now is what they will say: they read nothing that changes, and call nothing that is made
    meanwhile."""
    own = context.name(action.relation) if action.relation is not None else None
    read = {context.catalog.resolve(*r) for r in mentioned_relations(action)} - {own}
    return all(means_the_same(context, e) for e in expressions) and imagination.knows(read) and all(map(context.foreseeable, read))


def _updated(action: Action, now: Imagined, table: Table, context: Context, imagination: Imagination) -> Imagined | None:
    """Where a trigger may act, or what is assigned cannot be said, nothing is known of the rows that are updated: they are left out, and
    the others stay as they are."""
    node = action.node
    if "fromClause" in node:
        return _unjoined(action, now, table, context, imagination)
    if not {k for k in node if k != "location"} <= _PLAIN_UPDATE or "alias" in node["relation"] or table.rules:
        return None
    assigned, where = _assignments(action.sql, node), _condition(action.sql, node)
    if (where is None and "whereClause" in node) or not _known([where] if where else [], action, context, imagination):
        return None
    certain = assigned is not None and all(means_the_same(context, e) for e in assigned.values())
    if assigned is None or not certain or any(t.enabled for t in table.triggers):
        return _kept(now, table.name, where)
    values = {c: quote(c) for c in now.columns}
    for column, value in assigned.items():
        found = table.column(column)
        if found is None or column not in values:
            return None
        typed = f"({value.sql})::{found.type}"
        values[column] = typed if where is None else f"CASE WHEN ({where.sql}) THEN {typed} ELSE {quote(column)} END"
    return _shown(now, values, table.name)


def _unjoined(action: Action, now: Imagined, table: Table, context: Context, imagination: Imagination) -> Imagined | None:
    """The rows that UPDATE ... FROM does not pick: they stay as they are."""
    node, found = action.node, tokens(action.sql)
    outer = [t for t in found if t.depth == 0]
    source = next((t for t in outer if t.word == "FROM"), None)
    where = next((t for t in outer if t.word == "WHERE"), None)
    if not {k for k in node if k != "location"} <= _PLAIN_UPDATE | {"fromClause"} or table.rules or source is None or where is None:
        return None
    picked = action.sql[source.start : found[-1].end]
    read = expression(picked, {"fromClause": node["fromClause"], "whereClause": node["whereClause"]})
    if not _known([read], action, context, imagination):
        return None
    name = quote(node["relation"].get("alias", {}).get("aliasname", table.name.name))
    own = [relation_name(body) for _, body in walk({"from": node["fromClause"]}) if body.get("relname") == table.name.name]
    if any(schema is not None for schema, _ in own):
        return None
    plain = quote(table.name.name)
    rows = f"WITH {plain} AS ({now.query}) SELECT * FROM {plain}" if own else f"SELECT * FROM ({now.query})"
    return replace(now, query=f"{rows} AS {name} WHERE NOT EXISTS (SELECT {picked})")


def _kept(now: Imagined, table: QualifiedName, where: Expression | None) -> Imagined:
    """The rows that a condition does not pick."""
    kept = "false" if where is None else f"({where.sql}) IS NOT TRUE"
    return replace(now, query=f"SELECT * FROM ({now.query}) AS {quote(table.name)} WHERE {kept}")


def _assignments(sql: str, node: Node) -> dict[str, Expression] | None:
    """The new values by column, as written; None where they are not a list of `column = value`."""
    found = tokens(sql)
    outer = [i for i, t in enumerate(found) if t.depth == 0]
    start = next((i for i in outer if found[i].word == "SET"), None)
    if start is None:
        return None
    end = next((i for i in outer if found[i].word == "WHERE"), len(found))
    parts = between_separators(found[start + 1 : end], ",")
    targets = [t["ResTarget"] for t in node["targetList"]]
    if len(parts) != len(targets):
        return None
    made: dict[str, Expression] = {}
    for part, target in zip(parts, targets, strict=True):
        equals = next((t for t in part if t.word == "=" and t.depth == 0), None)
        plain = equals is not None and "indirection" not in target and "SetToDefault" not in target.get("val", {})
        if equals is None or not plain or "MultiAssignRef" in target.get("val", {}):
            return None
        made[target["name"]] = expression(sql[equals.end : part[-1].end].strip(), target["val"])
    return made


def _condition(sql: str, node: Node) -> Expression | None:
    where = next((t for t in tokens(sql) if t.depth == 0 and t.word == "WHERE"), None)
    last = tokens(sql)[-1].end
    return expression(sql[where.end : last].strip(), node["whereClause"]) if where is not None and "whereClause" in node else None


def _deleted(action: Action, now: Imagined, table: Table, context: Context, imagination: Imagination) -> Imagined | None:
    node = action.node
    if not {k for k in node if k != "location"} <= _PLAIN_DELETE or "alias" in node["relation"] or table.rules:
        return None
    where = _condition(action.sql, node)
    if any(t.enabled for t in table.triggers) or not _known([where] if where else [], action, context, imagination):
        return None
    return _kept(now, table.name, where)


def _added(action: Action, now: Imagined, context: Context) -> Imagined | None:
    """A new column holds its constant default, or NULL; one of which that cannot be said is left out."""
    column = column_definition(action)
    if column is None or column.name in now.columns:
        return now
    if (column.never_null and not column.not_null) or column.generated:
        return now
    default = column.default
    if (default is not None and not default.constant) or not means_the_same(context, default) or not stands(context, [column.type_name[1]]):
        return now
    value = f"({default.sql})::{column.type_sql}" if default is not None else f"NULL::{column.type_sql}"
    return _shown(now, {**{c: quote(c) for c in now.columns}, column.name: value}, context.name(action.relation or (None, "")))


def _renamed(action: Action, now: Imagined, context: Context) -> Imagined | None:
    found = rename(action)
    if found is None or found.old not in now.columns:
        return None
    values = {found.new if c == found.old else c: quote(c) for c in now.columns}
    return _shown(now, values, context.name(action.relation or (None, "")))


def _retyped(action: Action, now: Imagined, context: Context) -> Imagined | None:
    change = type_change(action)
    if change is None or change.column not in now.columns:
        return None
    if not means_the_same(context, change.using) or not stands(context, [change.type_name[1]]):
        return None
    text = f"({change.using_sql or quote(change.column)})::{change.type_sql}"
    values = {c: text if c == change.column else quote(c) for c in now.columns}
    return _shown(now, values, context.name(action.relation or (None, "")))
