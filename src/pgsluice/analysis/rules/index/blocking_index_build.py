"""A CREATE INDEX that blocks every write until the index is built.

## What it does

`CREATE INDEX` takes SHARE on the table and holds it while it reads the whole table and sorts it: INSERT, UPDATE and
DELETE wait until the index is complete. On a partitioned table it does so on every partition at once.

## Why it is dangerous

The time grows with the table: minutes for some ten million rows. Every write of the application waits for all of it, and
while the statement itself waits for its lock behind one long transaction, all later writes wait as well. A unique
index that meets a duplicate fails at the very end of that time.

## The safe way

`CREATE INDEX CONCURRENTLY`, outside of a transaction: it takes SHARE UPDATE EXCLUSIVE, which no read or write waits for.
It reads the table twice and waits for the transactions that are older than itself. An index without a name gets the one
that PostgreSQL would choose, so that a build that was cut short can be found again: a failed one leaves an *invalid* index
behind, which is dropped before the build and after a failure. For a unique index a query looks for duplicates first.

Where the file drops an index and makes one with the same name, or with the same first column, the new one is
built first, so that queries never go without: under a helper name if need be, which is renamed once the old one is gone.

A partitioned table has no concurrent build: its own index is made `ON ONLY` it, which is brief and leaves the index invalid; then one is
built concurrently on each partition, and attached. With the last of them the index is valid. Partitions that have such an index keep it.

With `IF NOT EXISTS` and a valid index of that name there is nothing to do: the plain statement would still queue behind
writers for its lock. An invalid index of that name is no index: it is dropped and built anew.

## When the safe way does not apply

Where a partition has an index already of which it cannot be told whether the server would take it for the new one, and where a
partition is a foreign table and the index unique. Tables that this run makes and small tables keep the plain form.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.indexes import IndexDefinition, index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.demands import of_index
from pgsluice.analysis.rules.index.definition import concurrent, name_in, without_index
from pgsluice.analysis.rules.index.exchange import replaced_index
from pgsluice.analysis.rules.index.partitioned import partitioned_build
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.model.catalog import Index, TableKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.names import relation_name_taken
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    index = index_definition(action)
    if index is None or index.concurrent:
        return None
    name = context.name(index.table)
    if _skipped(index, name, context):
        message = f"{index.name} exists: the statement would change nothing, yet queue for a lock behind every writer of {name}"
        return Hazard(message, Rewrite(()))
    if not context.hurts(impact):
        return None
    return Hazard(
        f"blocks INSERT, UPDATE and DELETE on {context.described(name)} until the index is built", _way(action, index, name, context)
    )


def _way(action: Action, index: IndexDefinition, name: QualifiedName, context: Context) -> Rewrite | NoRewrite:
    table = context.catalog.table(name)
    if table is not None and table.kind is TableKind.PARTITIONED:
        return partitioned_build(action, index, table, context, of_index(index, name, context))
    old = replaced_index(index, context)
    return _build(action, index, name, context) if old is None else _exchange(action, index, old, context)


def _skipped(index: IndexDefinition, table: QualifiedName, context: Context) -> bool:
    """Whether IF NOT EXISTS finds the name taken, by anything but an invalid index."""
    if index.name is None or not index.if_not_exists or not context.busy(table):
        return False
    taken = QualifiedName(table.schema, index.name)
    found = context.catalog.index(taken)
    return relation_name_taken(context.catalog, taken) and (found is None or found.valid)


def _build(action: Action, index: IndexDefinition, table: QualifiedName, context: Context) -> Rewrite:
    sql = concurrent(action.sql, name_in(context.catalog, table, index))
    return Rewrite((Part(sql, "builds the index while reads and writes go on", preflight=of_index(index, table, context)),))


def _exchange(action: Action, index: IndexDefinition, old: Index, context: Context) -> Rewrite:
    """Build, drop the old one, and take its name where the new one is to have it."""
    name = name_in(without_index(context.catalog, old), old.table, index)
    taken = name == old.name.name
    built = helper_name(name) if taken else name
    build = Part(
        concurrent(action.sql, built),
        "builds the new index beside the old one, so that no query goes without",
        preflight=of_index(index, old.table, context),
    )
    drop = Part(f"DROP INDEX CONCURRENTLY {old.name}", "the new index does its work already")
    rename = f"ALTER INDEX {QualifiedName(old.table.schema, built)} RENAME TO {quote(name)}"
    return Rewrite((build, drop, Part(rename, "the name is free now")) if taken else (build, drop))


RULE = Rule("blocking-index-build", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"CREATE INDEX"}))
