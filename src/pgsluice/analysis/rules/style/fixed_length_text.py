"""A new column of type varchar(n) or char(n).

## What it does

`varchar(n)` refuses longer texts, `char(n)` pads shorter ones with blanks.

## Why it is dangerous

Limits are raised sooner or later. That is brief for varchar, unless a CHECK or a partial index names the column; to lower
one, or to change a char, rewrites the table.

## The safe way

`text`, with a CHECK where there is a limit that means something.

## When the safe way does not apply

Where the length is part of a standard, such as a country's code.
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
    name, limited = column.type_name[1], "(" in column.type_sql
    return name == "bpchar" or (name == "varchar" and limited)


_COLUMNS = of_columns(_is_wanted, "{columns}: text with a CHECK says the same, and can be changed")

RULE = Rule("fixed-length-text", Severity.INFO, Category.STYLE, _match, optional=True, kinds=KINDS)
