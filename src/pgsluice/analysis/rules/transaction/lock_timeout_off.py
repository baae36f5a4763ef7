"""A lock_timeout that is switched off, or so long that it bounds nothing.

## What it does

`SET lock_timeout = 0` lets every later statement of the session wait for its locks for ever; one of half a minute lets it wait for half
a minute, and that for each lock anew, not for the statement.

## Why it is dangerous

Who waits for a strong lock makes everybody wait who comes later, readers too: behind one long transaction the whole
application stands still for as long as the timeout allows.

## The safe way

`pgsluice run` decides the timeouts of its steps itself and leaves these settings out. Where another tool runs the file, set
`lock_timeout` to what the application may wait, some hundred milliseconds, before the first statement that takes a lock, and try
again when it strikes.

## When the safe way does not apply

In front of statements that take no strong lock, such as `VALIDATE CONSTRAINT`: allow the rule there.
"""

import re

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import setting
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

LONGEST_S = 5.0
"""The longest lock_timeout that is not reported: more than most applications' own timeouts for a request."""

_UNITS = {"us": 1e-6, "": 1e-3, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""Of a setting whose own unit is the millisecond (guc.c)."""


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    made = setting(action)
    seconds = _seconds(made.value or "") if made is not None and made.name == "lock_timeout" else None
    if seconds is None or 0 < seconds <= LONGEST_S:
        return None
    how_long = "for ever" if seconds == 0 else f"for {seconds:,.0f} s, for each lock anew"
    return Hazard(f"later statements may wait {how_long} for a lock, and everybody who comes later waits behind them", None)


def _seconds(text: str) -> float | None:
    """What the server makes of the setting's text; None for what it would refuse."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-z]*)\s*", text)
    if found is None or found[2] not in _UNITS:
        return None
    return float(found[1]) * _UNITS[found[2]]


RULE = Rule("lock-timeout-off", Severity.WARNING, Category.OUTAGE, _match, kinds=frozenset({"SET"}))
