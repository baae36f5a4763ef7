"""A table or view that gets another name, or moves to another schema, under the feet of the release that runs.

## What it does

`RENAME TO` and `SET SCHEMA` are brief: only the catalog changes.

## Why it is dangerous

Every statement of the running release that names the table fails from that moment on. The new release cannot run before, the
old one not after: no order of deploying avoids the errors.

## The safe way

A view under the old name, made in the transaction that renames the table: SELECT, INSERT, UPDATE, DELETE, upserts by column,
RETURNING and FOR UPDATE go on by either name, with the table's privileges, defaults and row security. `contract` drops it, once no
release uses the old name; `rollback` gives the name back.

Where the same file gives the old name to something else (another table in exchange, or a view on the renamed one) statements go
on finding it, and the file's statements run in one transaction: there is no hazard, unless the table that takes the name is known to lack a
column of the old one. Statements that name that column fail, and no view helps.

## When the safe way does not apply

By the old name no statement can TRUNCATE, COPY, name a constraint in ON CONFLICT, or MERGE before 17; a function of the database that does
so refuses the change, and so does row security before 15. Views, materialised views and foreign tables have no such way.

Where nothing runs that names the table (or in a maintenance window) allow the rule with a directive on the statement, or with
`--allow rename-table`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rewrite, Rule
from pgsluice.analysis.twins.view import no_view, renamed_table
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_OBJECTS = ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE")
_KINDS = frozenset(f"ALTER {o} {w}" for o in _OBJECTS for w in ("RENAME", "SET SCHEMA"))
_MAKES = frozenset({"CREATE TABLE", "CREATE TABLE AS", "CREATE VIEW", "CREATE MATERIALIZED VIEW"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in _KINDS or action.relation is None:
        return None
    name, table = context.name(action.relation), context.table(action)
    if (table is not None and table.made_by_run) or context.catalog.index(name) or action.node.get("newschema") == name.schema:
        return None
    heir = _heir(name, context)
    if heir is not None or _takes_place(action, context):
        return _lacking(table, name, heir, context)
    return Hazard(f"statements of the running release that name {name} fail from that moment on", _way(action, table, context))


def _way(action: Action, table: Table | None, context: Context) -> Rewrite | NoRewrite:
    if table is None or not action.kind.startswith("ALTER TABLE "):
        return _NONE
    reason = next(no_view(table, context.catalog), None)
    if reason is not None:
        return NoRewrite(reason, _NONE.next)
    moves = "newschema" in action.node
    new = QualifiedName(action.node["newschema"], table.name.name) if moves else _gives(action, context) or table.name
    back = f"SET SCHEMA {quote(table.name.schema)}" if moves else f"RENAME TO {quote(table.name.name)}"
    waits = bool(context.doomed(table))
    return Rewrite(tuple(renamed_table(table, new, action.sql, f"ALTER TABLE {new} {back}", context.catalog, waits=waits)), declinable=True)


def _heir(name: QualifiedName, context: Context) -> Action | None:
    """The later action of the file that gives the name to something else."""
    return next((a for a in context.later if _gives(a, context) == name), None)


def _lacking(table: Table | None, name: QualifiedName, heir: Action | None, context: Context) -> Hazard | None:
    """What of the table's columns the one that takes its name has not, where both are known."""
    has = _columns(heir, context) if heir is not None else None
    lost = [c.name for c in table.columns if c.name not in has] if table is not None and has is not None else []
    if not lost:
        return None
    columns = ", ".join(map(quote, lost))
    return Hazard(f"the table that takes the name {name} has no {columns}: statements of the running release that name it fail", _LESS)


def _columns(heir: Action, context: Context) -> frozenset[str] | None:
    """Those of the table that it makes or renames; None where they are not written there."""
    if heir.kind != "CREATE TABLE":
        other = context.table(heir)
        return frozenset(c.name for c in other.columns) if other is not None else None
    elements = heir.node.get("tableElts", ())
    plain = all("ColumnDef" in e or "Constraint" in e for e in elements) and not {"inhRelations", "ofTypename"} & heir.node.keys()
    return frozenset(e["ColumnDef"]["colname"] for e in elements if "ColumnDef" in e) if plain else None


def _takes_place(action: Action, context: Context) -> bool:
    """Whether the new name is one that an earlier action of the file has freed: the two change places."""
    freed = {context.name(a.relation) for a in context.earlier if a.kind in _KINDS and a.relation is not None}
    return _gives(action, context) in freed


def _gives(action: Action, context: Context) -> QualifiedName | None:
    if action.relation is None:
        return None
    if action.kind in _MAKES:
        return context.name(action.relation)
    if action.kind not in _KINDS or "newname" not in action.node:
        return None
    return QualifiedName(context.name(action.relation).schema, action.node["newname"])


_NONE = NoRewrite(
    "a table has one name at a time",
    "make a view under the old name in the same file; or, where no running release names it, "
    "write `-- pgsluice: allow rename-table because ...` above the statement",
)

_LESS = NoRewrite(
    "two tables of one name cannot be had at a time",
    "keep the columns until the old release is gone; or, where no running release names them, "
    "write `-- pgsluice: allow rename-table because ...` above the statement",
)

RULE = Rule("rename-table", Severity.ERROR, Category.RELEASE, _match)
