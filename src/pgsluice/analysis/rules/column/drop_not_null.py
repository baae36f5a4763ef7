"""A column that may hold NULL from now on.

## What it does

`DROP NOT NULL` is brief: only the catalog changes.

## Why it is dangerous

As soon as the new release stores a NULL the running one reads it, and may not be made for it. The way back needs a scan, and
fails where a NULL has got in.

## The safe way

First a release that can read NULL, then the statement, then one that writes it.

## When the safe way does not apply

Where readers do not care there is nothing to do.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import column_name
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    name = column_name(action)
    if name is None or action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    table = context.table(action)
    column = table.column(name) if table is not None else None
    if column is not None and not column.not_null:
        return None
    return Hazard(f"the running release must be able to read NULL in {quote(name)} before anybody writes it", None)


RULE = Rule("drop-not-null", Severity.INFO, Category.RELEASE, _match, kinds=frozenset({"ALTER TABLE DROP NOT NULL"}))
