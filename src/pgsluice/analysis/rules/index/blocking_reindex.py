"""A REINDEX that blocks writes, and soon reads, until the indexes are rebuilt.

## What it does

`REINDEX` takes SHARE on the table and ACCESS EXCLUSIVE on each index while it rebuilds it.

## Why it is dangerous

Writes wait for the table's lock. Reads wait as well: to plan a query of the table PostgreSQL opens each of its
indexes, and that waits for the index's ACCESS EXCLUSIVE lock, whether the plan would use the index or not.

## The safe way

`REINDEX ... CONCURRENTLY`, outside of a transaction: it builds each index beside the old one and exchanges the two. An index
that is invalid is named on its own: for a table the concurrent form would skip it.

## When the safe way does not apply

`REINDEX SYSTEM` and the catalogs have no concurrent form, and neither have exclusion constraints: their indexes are
skipped by the concurrent form, so the rewrite is not offered for a table that has one.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.analysis.rules.wording import inserted
from pgsluice.model.catalog import ConstraintKind, Index, Table
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if not action.kind.startswith("REINDEX ") or is_concurrent(action):
        return None
    word = action.kind.removeprefix("REINDEX ")
    tables = _tables(action, word, context)
    if tables and not any(context.busy(t.name) for t in tables) and word != "SYSTEM":
        return None
    return Hazard("blocks writes, and every query that has to be planned, until the indexes are rebuilt", _way(action, word, tables))


def _tables(action: Action, word: str, context: Context) -> list[Table]:
    """The tables whose indexes are rebuilt, as far as the catalog knows them."""
    if action.relation is not None:
        name = context.name(action.relation)
        index = context.catalog.index(name)
        found = context.catalog.table(index.table if index else name)
        return [found] if found else []
    schema = action.node.get("name") if word == "SCHEMA" else None
    return [t for t in context.catalog.tables.values() if t.indexes and schema in (None, t.name.schema)]


def _way(action: Action, word: str, tables: list[Table]) -> Rewrite | NoRewrite:
    if word == "SYSTEM":
        return NoRewrite("the system catalogs cannot be reindexed concurrently", "run it in a maintenance window")
    named = action.relation[1] if word == "INDEX" and action.relation else None
    for table in tables:
        for constraint in table.constraints:
            if constraint.kind is ConstraintKind.EXCLUSION and named in (None, constraint.name):
                reason = f"the index of the exclusion constraint {constraint.name} of {table.name} cannot be rebuilt concurrently"
                return NoRewrite(reason, "reindex the other indexes by name")
    sql = inserted(action.sql, word, text="CONCURRENTLY")
    broken = [i for t in tables for i in t.indexes if not i.valid] if word != "INDEX" else []
    return Rewrite((Part(sql, "rebuilds the indexes while the table stays in use"), *map(_broken, broken)))


def _broken(index: Index) -> Part:
    return Part(f"REINDEX INDEX CONCURRENTLY {index.name}", "an invalid index is rebuilt only where it is named")


RULE = Rule("blocking-reindex", Severity.ERROR, Category.OUTAGE, _match)
