"""A new identity column, for which the whole table is written anew.

## What it does

`ADD COLUMN ... GENERATED ... AS IDENTITY` makes a sequence and gives every row a number from it: PostgreSQL writes the table
and all of its indexes anew, under ACCESS EXCLUSIVE.

## Why it is dangerous

Every read and every write of the table waits until all of it is written, and twice its size is needed on disk and in WAL.

## The safe way

A column can only become an identity column when it is NOT NULL. Until then its numbers come from a helper sequence with the
same options, as an ordinary default: column and default in one transaction, the rows that were there before filled in
batches that give way to traffic, NOT NULL the safe way. Then one brief transaction drops the default, makes the
column `GENERATED ... AS IDENTITY`, lets its sequence go on where the helper stood, and drops the helper.

## When the safe way does not apply

Where triggers or rules would act on the updates of the filling, and on tables with partitions or children. Until the last
step `GENERATED ALWAYS` is not enforced: an INSERT that names a value for the column is taken.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.rules.alteration import alter
from pgsluice.analysis.rules.column.new_column import bare, default_part, first_part, in_use, message, not_null_parts, plain_column
from pgsluice.analysis.rules.filling import fill, obstacle
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, literal, quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column, table = plain_column(action, context), in_use(action, context)
    if column is None or table is None or not column.identity:
        return None
    return Hazard(message(action, context), obstacle(table) or _way(action, column, table, context))


def _way(action: Action, column: ColumnDefinition, table: Table, context: Context) -> Rewrite:
    helper = QualifiedName(table.name.schema, helper_name(table.name.name, column.name, "seq"))
    next_value = f"nextval({literal(str(helper))}::regclass)"
    make = f"CREATE SEQUENCE {helper} AS {column.type_sql} {_without_name(column.identity_options or '')}".rstrip()
    return Rewrite(
        (
            Part(make, "the numbers come from here until the column is an identity column"),
            Part(f"GRANT USAGE ON SEQUENCE {helper} TO PUBLIC", "an identity column asks its writers for no right on its sequence"),
            first_part(bare(action, column, context, column.type_sql)),
            default_part(action, column, context, next_value),
            fill(table.name, column.name, next_value, "gives each row that was there before its number"),
            *not_null_parts(action, column, context),
            *_exchange(action, column, table, helper, context),
        )
    )


def _exchange(action: Action, column: ColumnDefinition, table: Table, helper: QualifiedName, context: Context) -> tuple[Part, ...]:
    """One transaction: from the helper's default to the identity, which goes on with the helper's numbers."""
    start, name = f"{alter(action, context)} ALTER COLUMN {quote(column.name)}", literal(column.name)
    options = f" ({column.identity_options})" if column.identity_options else ""
    own = f"pg_catalog.pg_get_serial_sequence({literal(str(table.name))}, {name})::regclass"
    goes_on = f"SELECT pg_catalog.setval({own}, last_value, is_called) FROM {helper}"
    return (
        _last(f"{start} DROP DEFAULT", "the helper's numbers end here"),
        _last(f"{start} ADD GENERATED {column.identity.upper()} AS IDENTITY{options}", "every row has its number now"),
        _last(goes_on, "the identity goes on where the helper stood"),
        _last(f"DROP SEQUENCE {helper}", "the helper has done its work", with_next=False),
    )


def _last(sql: str, reason: str, *, with_next: bool = True) -> Part:
    return Part(sql, reason, PhaseName.MIGRATE, with_next=with_next)


def _without_name(options: str) -> str:
    """The options of a sequence without SEQUENCE NAME, which names the identity's own."""
    found = tokens(options)
    at = next((i for i, t in enumerate(found) if t.word == "SEQUENCE"), None)
    if at is None:
        return options
    end = at + 2
    while end + 2 < len(found) and found[end + 1].word == ".":
        end += 2
    return (options[: found[at].start] + options[found[end].end :]).strip()


RULE = Rule("identity-rewrite", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
