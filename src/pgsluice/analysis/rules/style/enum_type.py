"""A new enum.

## What it does

An enum's values can be added and renamed, never dropped.

## Why it is dangerous

To get rid of a value every table that uses the type is rewritten. New values reach clients that map the enum to a closed list.

## The safe way

A text column with a CHECK, which can be exchanged while nobody waits, or a table of values with a foreign key.

## When the safe way does not apply

Where the values never change, such as the days of the week.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    return Hazard("its values can be added, never dropped", None) if action.statement.kind == "CreateEnumStmt" else None


RULE = Rule("enum-type", Severity.INFO, Category.STYLE, _match, optional=True, kinds=frozenset({"CREATE TYPE"}))
