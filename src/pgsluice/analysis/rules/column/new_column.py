"""ADD COLUMN without some of its clauses, and the clauses as statements of their own."""

from pgsluice.analysis.parsing.columns import ColumnDefinition, column_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import alter, subject
from pgsluice.analysis.rules.rule import Context, Part
from pgsluice.model.catalog import ConstraintKind, Table
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.steps import Preflight


def added_column(action: Action, context: Context) -> ColumnDefinition | None:
    """The column that an ALTER TABLE ADD COLUMN adds; None for others, and where IF NOT EXISTS finds it there."""
    if action.kind != "ALTER TABLE ADD COLUMN":
        return None
    column, table = column_definition(action), context.table(action)
    there = column is not None and table is not None and table.column(column.name) is not None
    return None if there else column


TAKEN_OUT = (ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY, ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY)
"""Inline constraints that become statements of their own before anything else is looked at."""


def plain_column(action: Action, context: Context) -> ColumnDefinition | None:
    """Like `added_column`, where no constraint is to be taken out first."""
    column = added_column(action, context)
    return None if column is None or any(c.kind in TAKEN_OUT for c in column.constraints) else column


def in_use(action: Action, context: Context) -> Table | None:
    """The table, where it is in use; where nothing is known of it, one of which nothing is known."""
    table = context.table(action)
    if table is None and action.relation is not None and not context.catalog.known:
        table = Table(context.name(action.relation))
    return table if table is not None and context.busy(table.name) else None


def cut(sql: str, spans: list[tuple[int, int]]) -> str:
    """The SQL without what stands at the spans, and without a blank left over in front of a comma or bracket."""
    position, kept = 0, ""
    for start, end in [*sorted(spans), (len(sql), len(sql))]:
        piece = sql[position:start].strip() if position else sql[:start].rstrip()
        kept += ("" if not kept or not piece or piece[0] in ",)" else " ") + piece
        position = end
    return kept


def bare(action: Action, column: ColumnDefinition, context: Context, type_sql: str) -> str:
    """ADD COLUMN with a name and a type, nothing else."""
    return f"{alter(action, context)} ADD COLUMN {quote(column.name)} {type_sql}"


def not_null_spans(column: ColumnDefinition) -> list[tuple[int, int]]:
    return [c.span for c in column.constraints if c.kind is ConstraintKind.NOT_NULL]


def not_null_parts(action: Action, column: ColumnDefinition, context: Context) -> tuple[Part, ...]:
    """NOT NULL as a statement of its own, under the name that it was given (which counts from 18 on)."""
    if not column.never_null:
        return ()
    clause = column.constraint(ConstraintKind.NOT_NULL)
    name = clause.name if clause is not None and context.version.has_not_null_constraints else None
    if name:
        sql = f"{alter(action, context)} ADD CONSTRAINT {quote(name)} NOT NULL {quote(column.name)}"
    else:
        sql = f"{alter(action, context)} ALTER COLUMN {quote(column.name)} SET NOT NULL"
    return (Part(sql, "every row has a value now"),)


def default_part(action: Action, column: ColumnDefinition, context: Context, expression: str, *, with_next: bool = False) -> Part:
    sql = f"{alter(action, context)} ALTER COLUMN {quote(column.name)} SET DEFAULT {expression}"
    return Part(sql, "rows from here on get their value when they are inserted", with_next=with_next)


def first_part(sql: str, preflight: tuple[Preflight, ...] = (), releases_notice: str | None = None) -> Part:
    """The column itself, in one transaction with what makes new rows right."""
    return Part(sql, "adds the column without touching a row", with_next=True, preflight=preflight, releases_notice=releases_notice)


def message(action: Action, context: Context) -> str:
    return f"nobody can read or write {context.described(subject(action, context))} while it is written anew with all of its indexes"
