"""A new column of type timestamp without time zone.

## What it does

`timestamp` stores what a clock on some wall said, without saying where the wall was.

## Why it is dangerous

Clients in other zones, and the one hour that comes twice in autumn, make different instants of it. The change to timestamptz
rewrites the table unless the session's time zone is UTC.

## The safe way

`timestamptz`, which stores an instant.

## When the safe way does not apply

For a time that is meant locally, such as the opening hour of a shop.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.analysis.rules.style.new_columns import KINDS, of_columns
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    return _COLUMNS(action, impact, context)


def _is_wanted(column: ColumnDefinition) -> bool:
    return column.type_name[1] == "timestamp" and not column.array


_COLUMNS = of_columns(_is_wanted, "{columns}: timestamptz is an instant, timestamp is not")

RULE = Rule("timestamp-without-zone", Severity.INFO, Category.STYLE, _match, optional=True, kinds=KINDS)
