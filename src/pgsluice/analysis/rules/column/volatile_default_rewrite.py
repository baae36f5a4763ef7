"""A new column whose default differs from row to row, for which the whole table is written anew.

## What it does

`ADD COLUMN ... DEFAULT` with a constant, or with a function that is stable (`now()`), only notes the value in the catalog.
With a volatile one (`gen_random_uuid()`, `random()`, `clock_timestamp()`, `nextval()`, most functions of your own) each row
needs a value of its own: PostgreSQL writes the table and all of its indexes anew, under ACCESS EXCLUSIVE.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk and in WAL.

## The safe way

Add the column without the default and set the default in the same transaction: both are brief, and new rows have
their value from the start. Then the rows that were there before are filled in batches that give way to traffic. NOT NULL
comes last, the safe way.

## When the safe way does not apply

Filling is an UPDATE of every row: where triggers or rules would act on it (an `updated_at`, an audit table) the rows would not
end as the plain statement leaves them, so the rewrite is not offered. Tables with partitions or children are not filled yet.
A NULL that an application writes to the column on purpose while it is filled is filled, too, and a default that
can itself be NULL leaves rows that no batch ever fills.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.column.new_column import (
    cut,
    default_part,
    first_part,
    in_use,
    message,
    not_null_parts,
    not_null_spans,
    plain_column,
)
from pgsluice.analysis.rules.filling import fill, obstacle
from pgsluice.analysis.rules.rule import Context, Hazard, Rewrite, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column, table = plain_column(action, context), in_use(action, context)
    if column is None or table is None or column.default_span is None or not impact.rewrites:
        return None
    if is_constrained_domain(column, context):
        return None
    return Hazard(message(action, context), obstacle(table) or _way(action, column, context))


def is_constrained_domain(column: ColumnDefinition, context: Context) -> bool:
    """Whether the column's type is a domain with a CHECK or NOT NULL, of its own or of the domain that it is made of."""
    names = (n for n in context.catalog.types if n.name == column.type_name[1] and column.type_name[0] in (None, n.schema))
    return any(context.catalog.types[n].not_null or context.catalog.types[n].constraints for n in names)


def _way(action: Action, column: ColumnDefinition, context: Context) -> Rewrite:
    table = context.name(action.relation or (None, ""))
    expression = column.default_sql or "NULL"
    assert column.default_span is not None
    add = first_part(cut(action.sql, [column.default_span, *not_null_spans(column)]))
    default = default_part(action, column, context, expression)
    filled = fill(table, column.name, expression, "gives each row that was there before its own value")
    return Rewrite((add, default, filled, *not_null_parts(action, column, context)))


RULE = Rule("volatile-default-rewrite", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
