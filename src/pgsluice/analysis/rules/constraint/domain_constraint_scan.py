"""A constraint of a domain that is checked for every row of every table which has a column of it.

## What it does

`ALTER DOMAIN ... ADD CONSTRAINT`, `VALIDATE CONSTRAINT` and `SET NOT NULL` take SHARE on each table that has a column of the domain, one
after the other, and hold all of them while they look at every row.

## Why it is dangerous

INSERT, UPDATE and DELETE on all of these tables wait until the last one is checked.

## The safe way

There is none to the same end in place: `VALIDATE` of a domain's constraint takes the same locks as adding it. `ADD CONSTRAINT ...
NOT VALID` is brief, locks no table, and every new value is checked from then on: write that, and validate in a maintenance window, or
never. What the stored values must obey today can be said by a CHECK of each table, which is validated while nobody waits.

What breaks the constraint is counted in all tables before anything changes.

## When the safe way does not apply

Where the tables are small, or in a maintenance window with the rule allowed, the statement runs as it is.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.domains import CHECKING
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if not impact.analysed or not context.hurts(impact):
        return None
    tables = ", ".join(context.described(n) for n in sorted(impact.works, key=str))
    return Hazard(f"INSERT, UPDATE and DELETE on {tables} wait until every row is checked", _NONE)


_NONE = NoRewrite(
    "a constraint of a domain is checked under SHARE on every table that has a column of it, by VALIDATE as well",
    "write ADD CONSTRAINT ... NOT VALID, which is brief and checks new values from then on; validate in a maintenance window with "
    "domain-constraint-scan allowed, or give each table a CHECK of its own, which is validated while nobody waits",
)

RULE = Rule("domain-constraint-scan", Severity.ERROR, Category.OUTAGE, _match, kinds=CHECKING)
