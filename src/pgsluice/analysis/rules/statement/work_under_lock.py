"""Any other statement that reads, writes or builds a whole table under a lock that the application waits for.

## What it does

The statement takes a lock that blocks reads or writes of a table in use, and does work under it that grows with the table. Which
locks and which work the lock table says, made from what servers of each version really did.

## Why it is dangerous

What conflicts with the lock waits until the work is done, and everything that comes later queues up behind it.

## The safe way

None is known for this form.

## When the safe way does not apply

Always. In a maintenance window, allow the rule for the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if not impact.analysed or not context.hurts(impact) or is_concurrent(action):
        return None
    worked = ", ".join(sorted(str(n) for n in impact.works if context.busy(n)))
    modes = ", ".join(sorted({f"{lock.mode} on {lock.relation}" for lock in impact.locks if lock.mode.blocks_application}))
    return Hazard(f"{action.kind} works through {worked} while it holds {modes}", _NONE)


_NONE = NoRewrite("no way is known to do this without the lock", "allow work-under-lock for a maintenance window")

RULE = Rule("work-under-lock", Severity.ERROR, Category.OUTAGE, _match, last=True)
