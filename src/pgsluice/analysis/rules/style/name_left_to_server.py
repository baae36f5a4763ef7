"""An index or constraint to which the server gives a name.

## What it does

PostgreSQL makes the name from those of the table and the columns, cuts it to 63 bytes, and adds a number where it is taken.

## Why it is dangerous

The name depends on what is there already: another one in production than on a laptop, and the next migration, which drops it
by name, fails.

## The safe way

Say the name. What `check` prints as the safe way has the name that the server would have chosen.

## When the safe way does not apply

For NOT NULL, and for constraints of a new table, whose names are the same everywhere, nothing is said.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    index, clause = index_definition(action), added_constraint(action)
    unnamed = (index is not None and index.name is None) or (
        clause is not None and clause.name is None and clause.kind is not ConstraintKind.NOT_NULL
    )
    return Hazard("the server chooses its name, by what is there already: say one", None) if unnamed else None


RULE = Rule(
    "name-left-to-server",
    Severity.INFO,
    Category.STYLE,
    _match,
    optional=True,
    kinds=frozenset({"CREATE INDEX", "ALTER TABLE ADD CONSTRAINT"}),
)
