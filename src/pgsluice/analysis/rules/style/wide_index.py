"""An index over more than three columns.

## What it does

Each write of the table writes the index as well, and each key holds all of the columns.

## Why it is dangerous

Conditions on the first two or three columns find nearly as few rows, with an index of half the size that stays in memory.

## The safe way

Fewer key columns; further ones in `INCLUDE` where they only have to be read.

## When the safe way does not apply

For unique indexes, whose columns are what has to be unique, nothing is said.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

MOST = 3
"""Key columns that nobody minds: the usual limit of tools that check this."""


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    index = index_definition(action)
    if index is None or index.unique or len(index.keys) <= MOST:
        return None
    return Hazard(f"{len(index.keys)} key columns: {MOST} find nearly as few rows", None)


RULE = Rule("wide-index", Severity.INFO, Category.STYLE, _match, optional=True, kinds=frozenset({"CREATE INDEX"}))
