"""Rows that are copied from a table in use in one go.

## What it does

`INSERT ... SELECT`, `CREATE TABLE AS`, `SELECT INTO` and `CREATE MATERIALIZED VIEW` read all that their query names in one
statement, and write it in one transaction. No query waits for it.

## Why it is dangerous

The snapshot that it holds keeps vacuum from cleaning up anywhere in the database, and every CREATE INDEX CONCURRENTLY waits
for its end. What it writes goes through the WAL at once: standbys lag, and slots hold it back.

## The safe way

In batches by key, each a short transaction, while nobody counts on the copy; for a table that is to be kept in step,
triggers or a view first.

## When the safe way does not apply

Where the rows that the query finds are few there is nothing to do: a condition may select them, which the text does not
show.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

_KINDS = frozenset({"INSERT", "CREATE TABLE AS", "SELECT INTO", "CREATE MATERIALIZED VIEW"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    node = action.node.get("selectStmt", action.node.get("query", {}))
    select = node.get("SelectStmt", action.node if action.kind == "SELECT INTO" else {})
    if not impact.analysed or "valuesLists" in select or "limitCount" in select or action.node.get("into", {}).get("skipData"):
        return None
    read = sorted(str(context.described(n)) for n in impact.scans if context.busy(n))
    return Hazard(f"all that the query finds in {', '.join(read)} is copied in one transaction", None) if read else None


RULE = Rule("bulk-copy", Severity.INFO, Category.REPLICA, _match, kinds=_KINDS)
