"""A partition that is made with CREATE TABLE ... PARTITION OF.

## What it does

`CREATE TABLE ... PARTITION OF` takes ACCESS EXCLUSIVE on the partitioned table, and on its default partition, which it
searches for rows that belong into the new one.

## Why it is dangerous

Every query of the partitioned table waits while the statement waits for its lock, and while the default partition is
searched.

## The safe way

Make the table on its own (`CREATE TABLE ... (LIKE parent INCLUDING ALL)`), with a CHECK that says what its bounds say, then
`ATTACH PARTITION`, which takes SHARE UPDATE EXCLUSIVE on the parent. Where there is a default partition, a validated CHECK
on it that excludes the new bounds spares its scan.

## When the safe way does not apply

Without a default partition the lock is brief, which `pgsluice run` strikes for. Where the parent is known nothing is said
then.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    made = table_definition(action)
    if made is None or made.partition_of is None or context.catalog.known:
        return None
    parent = context.name(made.partition_of)
    if context.catalog.table(parent) is not None:
        return None
    return Hazard(f"nobody can read or write {parent} meanwhile, and its default partition, if it has one, is searched", None)


RULE = Rule("partition-by-create", Severity.WARNING, Category.OUTAGE, _match, kinds=frozenset({"CREATE TABLE PARTITION OF"}))
