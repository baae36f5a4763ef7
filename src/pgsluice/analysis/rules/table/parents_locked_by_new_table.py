"""A new table whose foreign keys lock the busy tables that they reference, all of them at once.

## What it does

`CREATE TABLE ... REFERENCES` takes SHARE ROW EXCLUSIVE on every table that is referenced, one after the other, and holds them all
until the end of the transaction.

## Why it is dangerous

While the statement waits for one of them behind a long transaction, writes to those that it has already wait behind it.
Whatever else the transaction does prolongs the time.

## The safe way

Create the table without the foreign keys, which locks nothing that is in use, then add each foreign key alone: the table is new
and empty, so there is nothing to check, and each lock is held for a moment. The names are those that PostgreSQL would choose.

## When the safe way does not apply

It always does. Foreign keys to tables that the same run makes, and to the table itself, stay where they are.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import ConstraintClause, table_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import TableDefinition, table_definition
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.rules.alteration import alter
from pgsluice.analysis.rules.column.new_column import cut
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.names import relation_name_taken


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind != "CREATE TABLE" or action.relation is None:
        return None
    table = table_definition(action)
    if table is None or (table.if_not_exists and relation_name_taken(context.catalog, context.name(table.name))):
        return None
    keys = _keys_to_busy(table, context)
    if not keys:
        return None
    parents = sorted({str(context.name(k.references or (None, ""))) for k in keys})
    message = f"writes to {', '.join(parents)} wait until the whole transaction ends"
    without = Part(_without(action.sql, keys), "locks nothing that is in use")
    start = alter(action, context)
    added = (Part(f"{start} ADD {table_constraint(k)}", "the new table is empty: there is nothing to check") for k in keys)
    return Hazard(message, Rewrite((without, *added)))


def _keys_to_busy(table: TableDefinition, context: Context) -> list[ConstraintClause]:
    """In the order of the text, in which the server names them."""
    own = context.name(table.name)
    keys = [c for c in table.constraints if c.kind is ConstraintKind.FOREIGN_KEY and c.references]
    outside = [k for k in keys if k.references and context.name(k.references) != own]
    if not any(context.busy(context.name(k.references)) for k in outside if k.references):
        return []
    return sorted(outside, key=lambda k: k.span)


def _without(sql: str, keys: list[ConstraintClause]) -> str:
    return cut(sql, [k.span if k.inline else _with_comma(sql, k.span) for k in keys])


def _with_comma(sql: str, span: tuple[int, int]) -> tuple[int, int]:
    """The span with the comma in front of it, or behind it where it is the first of the list."""
    before = [t for t in tokens(sql) if t.end <= span[0]][-1]
    if before.word == ",":
        return before.start, span[1]
    after = next(t for t in tokens(sql) if t.start >= span[1])
    return span[0], after.end if after.word == "," else span[1]


RULE = Rule("parents-locked-by-new-table", Severity.WARNING, Category.OUTAGE, _match)
