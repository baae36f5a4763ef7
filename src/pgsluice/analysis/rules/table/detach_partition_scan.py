"""A partition that goes, for which tables that reference the partitioned one are scanned.

## What it does

`DETACH PARTITION` takes ACCESS EXCLUSIVE on the partitioned table, on the partition and on the default partition, and on every
table whose foreign keys reference the partitioned one: those are searched for rows that reference the partition.

## Why it is dangerous

Reads and writes of all of them wait until the search is done.

## The safe way

`DETACH PARTITION ... CONCURRENTLY`, outside of a transaction, waits for the old queries without holding up the new ones; where it is
interrupted half-way pgsluice finalizes it. It still searches the referencing tables.

## When the safe way does not apply

There is no concurrent form where the table has a default partition. Where no foreign key references the table the plain form is
brief.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import partition_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind != "ALTER TABLE DETACH PARTITION" or not context.hurts(impact) or _harmless(action, context):
        return None
    worked = ", ".join(sorted(str(n) for n in impact.works if context.busy(n)))
    return Hazard(f"nobody can read or write {worked} while it is searched", _NONE)


def _harmless(action: Action, context: Context) -> bool:
    """CONCURRENTLY, and no foreign key for which tables are searched under their lock in its second transaction."""
    change, table = partition_change(action), context.table(action)
    if change is None or not change.concurrent or table is None:
        return False
    return not any(context.catalog.foreign_keys_to(name) for name in (table.name, *table.parents))


_NONE = NoRewrite(
    "the tables that reference the partitioned one are searched under their lock",
    "drop those foreign keys first, or detach in a maintenance window with detach-partition-scan allowed",
)

RULE = Rule("detach-partition-scan", Severity.ERROR, Category.OUTAGE, _match)
