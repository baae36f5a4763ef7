"""A column that stands twice in the key of one index.

## What it does

PostgreSQL stores the value twice.

## Why it is dangerous

The second one finds nothing that the first does not; most likely another column was meant.

## The safe way

Name the column once, or the other one that was meant.

## When the safe way does not apply

With two operator classes or collations the two may serve different conditions: nothing is said then.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    index = index_definition(action)
    keys = [(k.column, k.operator_class, k.collation) for k in index.keys if k.column is not None] if index is not None else []
    twice = next((k[0] for n, k in enumerate(keys) if k in keys[:n]), None)
    return None if twice is None else Hazard(f"{quote(twice)} stands twice in the key", None)


RULE = Rule("repeated-index-column", Severity.INFO, Category.STYLE, _match, optional=True, kinds=frozenset({"CREATE INDEX"}))
