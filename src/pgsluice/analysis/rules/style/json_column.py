"""A new column of type json.

## What it does

`json` keeps the text as it came: white space, the order of keys, keys that occur twice.

## Why it is dangerous

It has no equality: `DISTINCT`, `GROUP BY`, `UNION` and `=` fail on it, also where an ORM writes them. Each access parses the text anew.

## The safe way

`jsonb`, unless the text itself has to be kept.

## When the safe way does not apply

Where the text has to come back byte by byte, `json` or `text` is right.
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
    return column.type_name[1] == "json"


_COLUMNS = of_columns(_is_wanted, "{columns}: jsonb can be compared and indexed, json cannot")

RULE = Rule("json-column", Severity.INFO, Category.STYLE, _match, optional=True, kinds=KINDS)
