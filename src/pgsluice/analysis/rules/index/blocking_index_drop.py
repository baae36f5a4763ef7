"""A DROP INDEX that stops every query of the table.

## What it does

`DROP INDEX` takes ACCESS EXCLUSIVE on the table and on the index: nobody reads or writes the table meanwhile. The work
itself is brief; the wait for the lock is not.

## Why it is dangerous

Every query of the table holds a lock on *each* of its indexes until its transaction ends, used or not. Behind one long
transaction the drop waits, and behind the drop every new query of the table waits.

## The safe way

`DROP INDEX CONCURRENTLY`, one for each index, outside of a transaction: it marks the index as unused, waits for
the transactions that may still use it while nobody waits for it, and removes it. With `IF EXISTS` names that nothing bears
are left out. An index that the same file builds anew is dropped only once its successor stands.

## When the safe way does not apply

An index of a partitioned table cannot be dropped concurrently, and neither can one that something depends on
(`CASCADE` of a unique index that foreign keys rely on): drop those foreign keys first, one at a time. An index that
backs a constraint is dropped with `ALTER TABLE ... DROP CONSTRAINT`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.index.exchange import dropped, has_successor
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.analysis.rules.wording import inserted
from pgsluice.model.catalog import Index
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind != "DROP INDEX" or action.relation is None:
        return None
    index = dropped(action, context)
    if index is None:
        return _unknown(action, context)
    if not context.busy(index.table):
        return None
    message = f"blocks all queries of {index.table} while it waits for those that run"
    if has_successor(index, context):
        return Hazard(f"queries of {index.table} would go without the index until its successor is built", Rewrite(()))
    if is_concurrent(action):
        return None
    reason = _reason(index, action, context)
    if reason is not None:
        return Hazard(message, NoRewrite(reason, "drop what depends on it first, or allow blocking-index-drop: it is brief"))
    return Hazard(message, Rewrite((Part(f"DROP INDEX CONCURRENTLY {index.name}", _DROPS),)))


def _unknown(action: Action, context: Context) -> Hazard | None:
    """An index that the catalog does not show is taken to be there only where no database was read."""
    if context.catalog.known or is_concurrent(action) or action.node.get("behavior") == "DROP_CASCADE":
        return None
    return Hazard(
        "blocks all queries of its table while it waits for those that run",
        Rewrite((Part(inserted(action.sql, "INDEX", text="CONCURRENTLY"), _DROPS),)),
    )


_DROPS = "drops the index while the table stays in use"


def _reason(index: Index, action: Action, context: Context) -> str | None:
    """Why the index cannot be dropped concurrently."""
    if index.partitioned or index.parent is not None:
        return f"{index.name} belongs to a partitioned table, whose indexes cannot be dropped concurrently"
    users = [k.name for k in context.catalog.foreign_keys_to(index.table) if k.index in (None, index.name)]
    if action.node.get("behavior") == "DROP_CASCADE" and index.unique and users:
        return f"CASCADE would drop the foreign keys that rely on {index.name} ({', '.join(users)}), which cannot be done concurrently"
    return None


RULE = Rule("blocking-index-drop", Severity.WARNING, Category.OUTAGE, _match, kinds=frozenset({"DROP INDEX"}))
