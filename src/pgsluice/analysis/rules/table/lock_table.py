"""A LOCK TABLE that makes the application wait until the migration's transaction ends.

## What it does

`LOCK TABLE` takes the lock that it names, ACCESS EXCLUSIVE without a mode, and holds it until the end of the transaction. On a
view it locks the tables beneath.

## Why it is dangerous

Queries that conflict wait for as long as the rest of the transaction takes, and all of them queue up while the statement itself
waits.

## The safe way

Leave it out: each step takes the lock that it needs, for as long as it needs it.

## When the safe way does not apply

Where the lock guards what follows in the same transaction against concurrent writes, and all of that is brief, allow
the rule with a directive on the statement: the transaction then stays in one piece.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    table = context.table(action)
    if action.kind != "LOCK" or action.relation is None or not impact.blocks or (table is not None and table.made_by_run):
        return None
    return Hazard(f"queries of {context.name(action.relation)} wait until the transaction ends", _NONE)


_NONE = NoRewrite(
    "how long the lock is held depends on all that follows in the transaction",
    "leave it out; or, where it guards what follows, write `-- pgsluice: allow lock-table because ...` above the statement",
)

RULE = Rule("lock-table", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"LOCK"}))
