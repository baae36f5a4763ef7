"""A VACUUM FULL or CLUSTER, which writes the whole table anew.

## What it does

`VACUUM FULL` and `CLUSTER` write the table and all of its indexes anew, under ACCESS EXCLUSIVE.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk.

## The safe way

Plain `VACUUM`, which lets the space be used again without giving it back; `REINDEX CONCURRENTLY` for bloated indexes.

## When the safe way does not apply

Where the disk must have its space back: an extension such as pg_repack or pg_squeeze; or a maintenance window with the rule
allowed for the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in ("VACUUM FULL", "CLUSTER"):
        return None
    if action.relation is not None and not context.busy(context.name(action.relation)):
        return None
    where = str(context.name(action.relation)) if action.relation else "the tables of the database, one after the other,"
    return Hazard(f"nobody can read or write {where} while it is written anew", _NONE)


_NONE = NoRewrite(
    "PostgreSQL up to 18 cannot write a table anew while it is in use",
    "use plain VACUUM, or an extension such as pg_repack; or allow table-repack for a maintenance window",
)

RULE = Rule("table-repack", Severity.ERROR, Category.OUTAGE, _match)
