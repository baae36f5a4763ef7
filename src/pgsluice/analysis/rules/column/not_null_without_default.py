"""A new column that may not be NULL and has no default: it fails on every table that has a row.

## What it does

`ADD COLUMN ... NOT NULL` without a default gives NULL to every row that is there, and then refuses it. It works only
while the table is empty.

## Why it is dangerous

The migration passes on the empty tables of a test and fails in production. Where it works, the release that runs does
not know the column: each of its INSERTs fails from then on.

## The safe way

Give the column a default, which is free while it is constant, or let it be NULL, fill it, and make it NOT NULL afterwards.
As it is written the plan asks first whether the table is empty, and changes nothing if it is not.

## When the safe way does not apply

Where the table is empty and nobody inserts yet, the statement does what it says.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.alteration import subject
from pgsluice.analysis.rules.column.new_column import cut, not_null_parts, not_null_spans, plain_column
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import TableKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column, table = plain_column(action, context), context.table(action)
    if column is None or not column.not_null or _has_value(column, context) or (table is not None and table.made_by_run):
        return None
    if table is not None and table.kind is TableKind.FOREIGN:
        return None
    message = f"fails if {subject(action, context)} has a row, and makes INSERTs fail that do not name {quote(column.name)}"
    return Hazard(message, _way(action, column, context))


def _has_value(column: ColumnDefinition, context: Context) -> bool:
    if column.default_span or column.is_serial or column.identity or column.generated:
        return True
    names = (n for n in context.catalog.types if n.name == column.type_name[1] and column.type_name[0] in (None, n.schema))
    return any(context.catalog.types[n].default is not None for n in names)


def _way(action: Action, column: ColumnDefinition, context: Context) -> Rewrite:
    table = subject(action, context)
    why = f"{quote(column.name)} would be NULL in them: give it a DEFAULT, or add it without NOT NULL and fill it first"
    add = Part(
        cut(action.sql, not_null_spans(column)),
        "adds the column, which no row has a value for",
        preflight=evidence.is_empty(context, table, why),
        releases_notice=f"from here on an INSERT into {table} that does not name {quote(column.name)} fails",
    )
    return Rewrite((add, *not_null_parts(action, column, context)))


RULE = Rule("not-null-without-default", Severity.ERROR, Category.RELEASE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
