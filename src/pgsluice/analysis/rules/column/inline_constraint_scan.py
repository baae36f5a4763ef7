"""A constraint written inside of ADD COLUMN, for which the table is scanned or an index built under its strongest lock.

## What it does

`ADD COLUMN ... CHECK` evaluates the condition for every row, `REFERENCES` with a default looks for every row's partner and
locks the referenced table as well, `UNIQUE` and `PRIMARY KEY` build an index: all of it under the ACCESS EXCLUSIVE lock that
adding a column takes.

## Why it is dangerous

Adding the column alone would be over in a moment. With the constraint in it every read and every write of the table waits
until all rows are checked or the index is built, and of the referenced table every write.

## The safe way

The column first, without the constraints; then each constraint as a statement of its own, with the name that PostgreSQL
would choose for the inline form, and each made safe in its turn: NOT VALID and VALIDATE, or an index built concurrently.

## When the safe way does not apply

A column that may be NULL, has no default and only `REFERENCES` another table is brief as it is, and stays so. Until its
constraint stands the new column takes values that the constraint would refuse; where such values get in, validation says so.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.constraints import table_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import alter, subject
from pgsluice.analysis.rules.column.new_column import TAKEN_OUT, added_column, cut
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column = added_column(action, context)
    if column is None or not any(c.kind in TAKEN_OUT for c in column.constraints) or not context.busy(subject(action, context)):
        return None
    if not context.hurts(impact) and _only_references(column):
        return None
    message = f"nobody can read or write {context.described(subject(action, context))} while the new column's constraints are checked"
    return Hazard(message, Rewrite((_column(action, column), *_constraints(action, column, context))))


def _only_references(column: ColumnDefinition) -> bool:
    """A nullable column without a value that references another table: no row has anything to be looked up."""
    keys = all(c.kind is ConstraintKind.FOREIGN_KEY for c in column.constraints)
    return keys and column.default is None and not column.never_null and not column.generated


def _column(action: Action, column: ColumnDefinition) -> Part:
    """ADD COLUMN without its constraints. A PRIMARY KEY leaves its NOT NULL behind, so that what cannot work fails at once."""
    sql = cut(action.sql, [c.span for c in column.constraints if c.kind in TAKEN_OUT])
    bare_null = column.never_null and not (column.not_null or column.is_serial or column.identity)
    return Part(f"{sql} NOT NULL" if bare_null else sql, "adds the column without its constraints")


def _constraints(action: Action, column: ColumnDefinition, context: Context) -> tuple[Part, ...]:
    start = alter(action, context)
    clauses = [c for c in column.constraints if c.kind in TAKEN_OUT]
    return tuple(Part(f"{start} ADD {table_constraint(c)}", "the constraint on its own can be made safe") for c in clauses)


RULE = Rule("inline-constraint-scan", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
