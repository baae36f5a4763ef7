"""A statement of which cannot be said what it locks.

## What it does

Its form is not known, it did not parse, or what it does is only decided when it runs: a `DO` block or a function that executes
text, a command of psql's.

## Why it is dangerous

It may lock anything. Silence about it would be a lie.

## The safe way

It is run as if it took ACCESS EXCLUSIVE on everything that it mentions: watched for, and cancelled and rolled back when it takes
longer than the stall budget. Write as plain SQL what can be plain SQL, so that it can be made safe.

## When the safe way does not apply

Where it needs longer than the budget, allow the rule with a directive on the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if impact.analysed:
        return None
    return Hazard("what it locks is not known: ACCESS EXCLUSIVE on everything that it mentions is assumed", None)


RULE = Rule("not-analysed", Severity.WARNING, Category.OUTAGE, _match, last=True)
