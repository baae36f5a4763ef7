"""A TRUNCATE of a table that is in use.

## What it does

`TRUNCATE` takes ACCESS EXCLUSIVE and throws all rows away; with `CASCADE` also those of every table that references it. It is not
MVCC-safe: a transaction that began before and reads the table afterwards finds it empty.

## Why it is dangerous

The rows are gone, for the running release too. Nothing reads or writes the table while the lock is held, and with many
tables or large ones removing the files takes its time under it.

## The safe way

There is none that keeps the rows. Delete in batches where the table must stay usable; drop partitions where rows age out.

## When the safe way does not apply

Where the rows are meant to go and nobody needs the table meanwhile, allow the rule with a directive on the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    table = context.table(action)
    if action.kind != "TRUNCATE" or action.relation is None or (table is not None and table.made_by_run):
        return None
    more = " and of every table that references it" if action.node.get("behavior") == "DROP_CASCADE" else ""
    return Hazard(f"all rows of {context.name(action.relation)}{more} are thrown away, while nobody can read or write them", _NONE)


_NONE = NoRewrite(
    "rows that a running release may need are thrown away",
    "delete in batches; or, where they are meant to go, write `-- pgsluice: allow truncate because ...` above the statement",
)

RULE = Rule("truncate", Severity.ERROR, Category.DATA, _match, kinds=frozenset({"TRUNCATE"}))
