"""A published table whose rows nobody can tell apart.

## What it does

A publication that carries UPDATE and DELETE needs a *replica identity* for each of its tables: the primary key, an index
named by `REPLICA IDENTITY USING INDEX`, or the whole row with FULL.

## Why it is dangerous

From the moment at which a table without one is published, or at which a published one loses it, every UPDATE and DELETE of
the application on it fails (SQLSTATE 55000). `FOR ALL TABLES` does that to each table without a primary key, those that
later migrations make included.

## The safe way

A primary key first. Where there is none to be had, `REPLICA IDENTITY FULL` before the table is published.

## When the safe way does not apply

For publications that carry only INSERT (`publish = 'insert'`) nothing is said.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.parsing.trees import option
from pgsluice.analysis.rules.column.published_column import publications
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Table, TableKind
from pgsluice.model.finding import Category, Severity

_IDENTITY = "ALTER TABLE REPLICA IDENTITY"
_KINDS = frozenset({"CREATE PUBLICATION", "ALTER PUBLICATION", "CREATE TABLE", _IDENTITY, "ALTER TABLE DROP CONSTRAINT"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind in ("CREATE PUBLICATION", "ALTER PUBLICATION"):
        return _published(action, context)
    if action.kind == "CREATE TABLE":
        return _made(action, context)
    table = context.table(action)
    if table is None or not publications(table, context) or not _loses(action, table):
        return None
    return Hazard(f"every UPDATE and DELETE on {table.name}, which is published, fails from that moment on", None)


def _published(action: Action, context: Context) -> Hazard | None:
    publish = option(action.node, "options", "publish")
    words = str(publish.get("arg", {}).get("String", {}).get("sval", "")) if publish else "update"
    if "update" not in words and "delete" not in words:
        return None
    if action.node.get("action") == "AP_DropObjects":
        return None
    every = action.node.get("for_all_tables") and context.catalog.known
    names = context.catalog.tables if every else sorted({context.name(n) for n in mentioned_relations(action)})
    bare = [str(t.name) for n in names if (t := context.catalog.table(n)) is not None and _is_bare(t)]
    if bare:
        return Hazard(f"every UPDATE and DELETE on {', '.join(bare)} fails: no primary key, no replica identity", None)
    if action.node.get("for_all_tables"):
        return Hazard("each table without a primary key, now or later, takes no UPDATE and no DELETE any more", None, Severity.WARNING)
    return None


def _is_bare(table: Table) -> bool:
    kinds = (TableKind.TABLE, TableKind.PARTITIONED)
    given = table.replica_identity in ("full", "index") or any(i.replica_identity for i in table.indexes)
    return table.kind in kinds and table.persistence == "permanent" and table.primary_key is None and not given


def _made(action: Action, context: Context) -> Hazard | None:
    """A table without a key, where everything is published."""
    made = table_definition(action)
    if made is None or made.persistence != "permanent" or made.inherits or made.like:
        return None
    if not any(p.all_tables or context.name(made.name).schema in p.schemas for p in context.catalog.publications):
        return None
    keyed = any(c.kind == "primary key" for c in made.constraints)
    later = any("PRIMARY KEY" in a.sql.upper() for a in context.later if a.relation == action.relation)
    return None if keyed or later else Hazard("every table is published here: without a primary key it takes no UPDATE and no DELETE", None)


def _loses(action: Action, table: Table) -> bool:
    if action.kind == _IDENTITY:
        kind = action.node.get("def", {}).get("ReplicaIdentityStmt", {}).get("identity_type")
        return kind == "n" or (kind == "d" and table.primary_key is None)
    key = table.primary_key
    return key is not None and key.name == action.node.get("name") and table.replica_identity == "default"


RULE = Rule("published-without-identity", Severity.ERROR, Category.REPLICA, _match, kinds=_KINDS)
