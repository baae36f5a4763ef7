"""A foreign key whose rows are checked while writes to both tables wait.

## What it does

`ADD FOREIGN KEY` takes SHARE ROW EXCLUSIVE on the table and on the one that it references, and holds both while it looks
for the referenced row of every row.

## Why it is dangerous

INSERT, UPDATE and DELETE on *both* tables wait for as long as the check of the whole table takes. If one row has no
partner the statement fails at that point, after all the waiting.

## The safe way

Add the constraint `NOT VALID`: that is brief, and from then on new rows are checked. Then `VALIDATE CONSTRAINT` in a
transaction of its own, which looks at the rows under SHARE UPDATE EXCLUSIVE on the table and ROW SHARE on the
referenced one: neither makes a read or write wait. A query counts the rows without a partner before anything changes.

## When the safe way does not apply

Up to PostgreSQL 17 a foreign key *of a partitioned table* cannot be NOT VALID: add it to each partition, or move to 18.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint, table_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import alter, subject
from pgsluice.analysis.rules.demands import foreign_key, of_constraint
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.model.catalog import Constraint, ConstraintKind, TableKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if clause is None or clause.kind is not ConstraintKind.FOREIGN_KEY or clause.not_valid or not context.hurts(impact):
        return None
    key = foreign_key(clause, subject(action, context), context)
    message = f"writes to {key.table} and {key.references} wait while every row of {context.described(key.table)} is checked"
    table = context.table(action)
    if table is not None and table.kind is TableKind.PARTITIONED and not context.version.has_not_valid_keys_of_partitioned:
        return Hazard(message, _PARTITIONED)
    return Hazard(message, _way(key, clause, action, context))


def _way(key: Constraint, clause: ConstraintClause, action: Action, context: Context) -> Rewrite:
    start = alter(action, context)
    add = Part(
        f"{start} ADD {table_constraint(clause, key.name, not_valid=True)}",
        "new rows are checked from here on",
        preflight=of_constraint(clause, key.table, context),
        releases_notice=f"from here on {key.table} takes no new row without a partner in {key.references}",
    )
    validate = f"{start} VALIDATE CONSTRAINT {quote(key.name)}"
    return Rewrite((add, Part(validate, "checks the rows that were there before, while nobody waits", PhaseName.MIGRATE)))


_PARTITIONED = NoRewrite(
    "up to PostgreSQL 17 a foreign key of a partitioned table cannot be NOT VALID",
    "add it to each partition on its own (NOT VALID, then VALIDATE), and to the parent afterwards",
)

RULE = Rule("foreign-key-scan", Severity.ERROR, Category.OUTAGE, _match)
