"""A new serial column, for which the whole table is written anew.

## What it does

`ADD COLUMN ... serial` (`bigserial`, `smallserial`) makes a sequence and gives every row a number from it: PostgreSQL writes
the table and all of its indexes anew, under ACCESS EXCLUSIVE.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk and in WAL.

## The safe way

What serial stands for, piece by piece: the sequence, with the name, type and owner that PostgreSQL would give it; the integer
column with `nextval` as its default, in one transaction, so that new rows have their number from the start; the rows
that were there before, filled in batches that give way to traffic; NOT NULL last, the safe way. The sequence belongs to the
column, as with serial. Every row gets a number of its own; which row gets which is as arbitrary as it is with serial.

## When the safe way does not apply

Where triggers or rules would act on the updates of the filling, and on tables with partitions or children.
Roles that insert need USAGE on the sequence, with the plain statement as with this one.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.column.new_column import bare, default_part, first_part, in_use, message, not_null_parts, plain_column
from pgsluice.analysis.rules.filling import fill, obstacle
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.names import sequence_name
from pgsluice.model.postgres.identifiers import QualifiedName, literal, quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column, table = plain_column(action, context), in_use(action, context)
    if column is None or table is None or column.serial_type is None:
        return None
    return Hazard(message(action, context), obstacle(table) or _way(action, column, column.serial_type, table, context))


def _way(action: Action, column: ColumnDefinition, type_: str, table: Table, context: Context) -> Rewrite:
    sequence = QualifiedName(table.name.schema, sequence_name(context.catalog, table.name, column.name))
    next_value = f"nextval({literal(str(sequence))}::regclass)"
    owned = f"ALTER SEQUENCE {sequence} OWNED BY {table.name}.{quote(column.name)}"
    return Rewrite(
        (
            *_sequence(sequence, type_, table, context),
            first_part(bare(action, column, context, type_)),
            default_part(action, column, context, next_value, with_next=True),
            Part(owned, "the sequence goes where the column goes"),
            fill(table.name, column.name, next_value, "gives each row that was there before its number"),
            *not_null_parts(action, column, context),
        )
    )


def _sequence(sequence: QualifiedName, type_: str, table: Table, context: Context) -> tuple[Part, ...]:
    """The sequence as serial makes it: unlogged with an unlogged table from 15 on, and the table's owner's."""
    unlogged = table.persistence == "unlogged" and context.version.has_unlogged_sequences
    make = f"CREATE {'UNLOGGED ' if unlogged else ''}SEQUENCE {sequence} AS {type_}"
    parts = (Part(make, "the numbers come from here"),)
    if table.owner in ("", context.catalog.role):
        return parts
    return (*parts, Part(f"ALTER SEQUENCE {sequence} OWNER TO {quote(table.owner)}", "it belongs to the owner of the table"))


RULE = Rule("serial-rewrite", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
