"""A new table without a primary key.

## What it does

Nothing tells its rows apart.

## Why it is dangerous

Logical replication refuses its updates and deletes, tools that work in batches have nothing to go by, and rows that were
inserted twice can only be told by their place on disk.

## The safe way

A primary key.

## When the safe way does not apply

Temporary and unlogged tables, partitions, and tables that take their columns from others are left alone.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    made = table_definition(action)
    if made is None or made.persistence != "permanent" or made.like or made.inherits or made.of_type:
        return None
    added = (added_constraint(a) for a in context.later if a.relation == action.relation and a.kind == "ALTER TABLE ADD CONSTRAINT")
    if any(c is not None and c.kind is ConstraintKind.PRIMARY_KEY for c in (*made.constraints, *added)):
        return None
    return Hazard(f"{made.name[1]} has no primary key", None)


RULE = Rule("table-without-key", Severity.INFO, Category.STYLE, _match, optional=True, kinds=frozenset({"CREATE TABLE"}))
