"""A CHECK whose rows are checked while nobody can use the table.

## What it does

`ADD CHECK` takes ACCESS EXCLUSIVE on the table and holds it while it evaluates the condition for every row, those of
the tables that inherit from it included.

## Why it is dangerous

Every read and every write of the table waits for the scan. If one row violates the condition the statement fails at
that point, after all the waiting.

## The safe way

Add the constraint `NOT VALID`: that is brief, and from then on new rows are checked. Then `VALIDATE CONSTRAINT` in a
transaction of its own, under SHARE UPDATE EXCLUSIVE, for which no read or write waits. A query counts the rows that
violate the condition before anything changes. Without a name the constraint gets the one that PostgreSQL would choose.

## When the safe way does not apply

It always does. A `NOT ENFORCED` constraint (18) and one that is `NOT VALID` already check nothing and stay as they are.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint, table_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import alter, subject
from pgsluice.analysis.rules.demands import of_constraint
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.names import check_name
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if (
        action.relation is None
        or clause is None
        or clause.kind is not ConstraintKind.CHECK
        or clause.not_valid
        or not context.hurts(impact)
    ):
        return None
    message = f"nobody can read or write {context.described(subject(action, context))} while the condition is checked for every row"
    return Hazard(message, _way(clause, action, context))


def _way(clause: ConstraintClause, action: Action, context: Context) -> Rewrite:
    table, start = subject(action, context), alter(action, context)
    name = clause.name or check_name(context.catalog, table, named_columns(clause, action, context))
    add = Part(
        f"{start} ADD {table_constraint(clause, name, not_valid=True)}",
        "new rows are checked from here on",
        preflight=of_constraint(clause, table, context),
        releases_notice=f"from here on {table} takes no new row that violates CHECK ({clause.expression_sql})",
    )
    validate = f"{start} VALIDATE CONSTRAINT {quote(name)}"
    return Rewrite((add, Part(validate, "checks the rows that were there before, while nobody waits", PhaseName.MIGRATE)))


def named_columns(clause: ConstraintClause, action: Action, context: Context) -> tuple[str, ...]:
    """The columns that the condition names, for the constraint's name; a reference to the whole row alone is none."""
    table = context.table(action)
    whole_row = table is not None and len(clause.columns) == 1 and table.column(clause.columns[0]) is None
    return () if whole_row else clause.columns


RULE = Rule("check-scan", Severity.ERROR, Category.OUTAGE, _match)
