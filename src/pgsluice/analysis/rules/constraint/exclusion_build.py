"""An exclusion constraint, which has no safe way onto a table in use.

## What it does

`ADD EXCLUDE` takes ACCESS EXCLUSIVE on the table and holds it while it builds the constraint's index and compares the rows.

## Why it is dangerous

Every read and every write of the table waits for all of it. If two rows exclude one another the statement fails at
that point, after all the waiting.

## The safe way

There is none in place: PostgreSQL can neither build the index of an exclusion constraint concurrently nor add the
constraint as NOT VALID. Where the rule is allowed, or the table is small, a query counts the rows that exclude one another before
anything changes.

## When the safe way does not apply

Always. Create a new table with the constraint, fill it, and let it take the old one's place; or accept the time without the
table in a maintenance window and allow the rule for the statement.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import subject
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if clause is None or clause.kind is not ConstraintKind.EXCLUSION or not context.hurts(impact):
        return None
    message = f"nobody can read or write {context.described(subject(action, context))} until the index is built and all rows are compared"
    return Hazard(message, _NONE)


_NONE = NoRewrite(
    "an exclusion constraint can neither be NOT VALID nor take an index that was built concurrently",
    "add it to a new table that takes this one's place, or allow exclusion-build for a maintenance window",
)

RULE = Rule("exclusion-build", Severity.ERROR, Category.OUTAGE, _match)
