"""A new key of four bytes or less.

## What it does

`serial`, `int` and `smallint` keys end at 2,147,483,647 or 32,767.

## Why it is dangerous

When the numbers run out every INSERT fails. To widen the column then rewrites the table, and each table that references it.

## The safe way

`bigint`, as `GENERATED ... AS IDENTITY`.

## When the safe way does not apply

For tables that stay small for ever.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.analysis.rules.style.new_columns import KINDS, of_columns
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    return _COLUMNS(action, impact, context)


def _is_wanted(column: ColumnDefinition) -> bool:
    small = column.type_name[1] in ("int4", "int2", "serial", "serial4", "smallserial", "serial2")
    primary = any(c.kind is ConstraintKind.PRIMARY_KEY for c in column.constraints)
    return small and (primary or column.is_serial or bool(column.identity))


_COLUMNS = of_columns(_is_wanted, "{columns}: the numbers end at 2,147,483,647 or before; bigint costs four bytes more")

RULE = Rule("small-integer-key", Severity.INFO, Category.STYLE, _match, optional=True, kinds=KINDS)
