"""A SET LOCAL that sets nothing, because no transaction is open.

## What it does

`SET LOCAL` holds until the end of the transaction. Outside of one it changes nothing, and the server only warns.

## Why it is dangerous

Who reads the file believes that `lock_timeout`, `search_path` or a role is set, and none is.

## The safe way

Write it behind `BEGIN`, or use `SET` and `RESET`. `pgsluice run` takes it for a setting of the whole file.

## When the safe way does not apply

Where a tool wraps the whole file in a transaction it is inside of one: only files that open transactions themselves are looked at.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import setting
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    made = setting(action)
    if made is None or not made.local or context.in_block():
        return None
    if not any(a.kind == "BEGIN" for others in (context.earlier, context.later) for a in others):
        return None
    return Hazard(f"no transaction is open here: {made.name} is not set", None)


RULE = Rule("set-local-outside-transaction", Severity.WARNING, Category.OUTAGE, _match, kinds=frozenset({"SET"}))
