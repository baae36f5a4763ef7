"""A statement that waits for a lock that the application waits for, without a lock_timeout.

## What it does

The statement takes a lock that blocks reads or writes of a table in use. Nothing in the file says how long it may wait for it.

## Why it is dangerous

While it waits behind one long transaction, everybody who comes later waits behind it. The time has no bound.

## The safe way

`pgsluice run` bounds every wait itself, which is why this rule is off unless asked for. Where another tool runs the file:
`SET lock_timeout = '200ms'` before the statement, and try again when it strikes. `lock_timeout` counts for each lock anew: a
statement that locks several tables may wait several times as long while it holds the first ones.

## When the safe way does not apply

Where the tool or the role sets the timeout, leave the rule off.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.changes import setting
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

_ROW_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "SELECT"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if not impact.analysed or not impact.blocks or action.kind in _ROW_WRITES or is_concurrent(action):
        return None
    new = {str(t.name) for t in context.catalog.tables.values() if t.made_by_run}
    strong = [lock for lock in impact.locks if lock.mode.blocks_application and lock.relation not in new]
    if not strong or any(_bounds(a) for a in context.earlier):
        return None
    several = f" (it counts for each of the {len(strong)} locks anew)" if len(strong) > 1 else ""
    return Hazard(f"set lock_timeout before it: who comes later waits for as long as it waits{several}", None)


def _bounds(action: Action) -> bool:
    """Whether it sets a lock_timeout that bounds anything, by SET or by set_config."""
    made = setting(action)
    if made is not None:
        return made.name == "lock_timeout" and made.value not in (None, "0")
    return action.kind == "SELECT" and "set_config" in action.sql and "lock_timeout" in action.sql


RULE = Rule("lock-without-timeout", Severity.WARNING, Category.OUTAGE, _match, optional=True)
