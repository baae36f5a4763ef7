"""A constraint that is added NOT VALID and validated in the same transaction.

## What it does

`ADD CONSTRAINT ... NOT VALID` is brief, but its lock (ACCESS EXCLUSIVE for a CHECK, SHARE ROW EXCLUSIVE for a foreign key, on both tables)
is held until the transaction ends. `VALIDATE CONSTRAINT` in the same transaction, or in the same statement, scans the table
while that lock is held.

## Why it is dangerous

The two steps are meant to keep the table usable. In one transaction they do what the one step would have done: everybody waits for
the scan.

## The safe way

Commit in between. Clauses of one `ALTER TABLE` are taken apart; inside of `BEGIN` ... `COMMIT` the file has to be changed, or the
block to be allowed to come apart with `-- pgsluice: split because ...`.

## When the safe way does not apply

It always does.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.changes import constraint_name
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not context.busy(context.name(action.relation)):
        return None
    name = constraint_name(action)
    message = f"{context.described(context.name(action.relation))} is scanned while the lock of the constraint's making is still held"
    if action.of > 1 and any(_adds(a, name) for a in actions(action.statement)):
        alone = Part(action.sql, "checks the rows in a transaction of its own, while nobody waits", PhaseName.MIGRATE)
        return Hazard(message, Rewrite((alone,)))
    if any(_adds(a, name) and a.relation is not None and a.relation[1] == action.relation[1] for a in context.in_block()):
        return Hazard(f"{message}: commit in between", None)
    return None


def _adds(action: Action, name: str | None) -> bool:
    clause = added_constraint(action)
    return clause is not None and clause.not_valid and clause.name == name


RULE = Rule(
    "constraint-validated-at-once",
    Severity.ERROR,
    Category.OUTAGE,
    _match,
    kinds=frozenset({"ALTER TABLE VALIDATE CONSTRAINT"}),
)
