"""A change of a column's type for which the table is written anew, its indexes rebuilt or its rows checked.

## What it does

`ALTER COLUMN ... TYPE` takes ACCESS EXCLUSIVE. Where the stored form changes (int to bigint, varchar to a shorter one, timestamp
to timestamptz outside of UTC) PostgreSQL writes the table and all of its indexes anew; where only the order or the expressions
change it rebuilds indexes; and each CHECK that names the column is verified again for every row.

## Why it is dangerous

Every read and every write of the table waits for all of it. Foreign keys of the column lock the other table as well.

## The safe way

Changes that only note the new type are brief and stay as they are: varchar to a longer one or to text, numeric to a higher
precision of the same scale, and the like.

For the others a *twin*: a second column of the new type, which a trigger fills at each write and a backfill for the rows that
were there before. Everything that hangs on the column is made anew on the twin while reads and writes go on: indexes
concurrently, constraints and foreign keys (those that point at it, too) NOT VALID and then validated, NOT NULL,
statistics target, privileges, comment. Once every row is verified, and every transaction that may still see rows without
their new value has ended, the two change names in one brief transaction, together with default, sequence or identity and primary
key. From there on a trigger keeps the old column right, so that `rollback` brings it back with every write; `contract` drops it.

Where the old value cannot be had from the new one by a cast, a directive says how, or that there shall be no way back:

    -- pgsluice: back "cents / 100.0"
    -- pgsluice: one-way because nobody needs the old form

## When the safe way does not apply

On a partitioned table the twin is made in all partitions at once. The server changes the type of no column of a partition key.

What cannot be the same on another column is refused before the start, and named: exclusion constraints, inheritance, rules,
triggers that fire after each update, views, policies and generated columns that read the column (for these the plain statement
fails as well). A view that the file drops right before the change and makes anew right behind it (`DROP VIEW`, the change, `CREATE
VIEW`, with `GRANT` and `COMMENT` on it) goes and comes in the same brief transaction, there and back, unless it has more than its
query, options, privileges and comment; one change between the two, and no `BEGIN` around them. Without a database it cannot be seen
what hangs on a column.
The column becomes the last one of its table, and `SELECT *` shows its old form too until `contract`.
Who allows the rule gets the plain statement, for a maintenance window.
"""

from collections.abc import Iterator

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.changes import TypeChange, type_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import subject
from pgsluice.analysis.rules.conversion import convertible
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rewrite, Rule
from pgsluice.analysis.twins.obstacles import obstacles
from pgsluice.analysis.twins.rebuilt import not_brought_back
from pgsluice.analysis.twins.references import References
from pgsluice.analysis.twins.twin import NotKeptError, Twin, is_cast
from pgsluice.analysis.twins.type_change import type_change as by_twin
from pgsluice.analysis.twins.view_columns import readers
from pgsluice.model.catalog import Catalog
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind != "ALTER TABLE ALTER COLUMN TYPE" or not context.hurts(impact):
        return None
    work = "is written anew" if impact.rewrites else "has its indexes rebuilt" if impact.builds else "has every row checked"
    message = f"nobody can read or write {context.described(subject(action, context))} while it {work}"
    return Hazard(message, _way(action, context))


def _way(action: Action, context: Context) -> Rewrite | NoRewrite:
    change, table = type_change(action), context.table(action)
    column = table.column(change.column) if table and change else None
    if change is None or table is None or column is None:
        return _UNSEEN
    values = {d.word: d for d in action.statement.directives if d.word in ("back", "one-way")}
    back = (values["back"].values or {}).get("back") if "back" in values else None
    twin = Twin(context.catalog, table, column, change, back, one_way="one-way" in values, start=context.start, around=context.around)
    reason = next(_reasons(twin, context), None)
    if reason is not None:
        return NoRewrite(reason, _INSTEAD)
    try:
        return Rewrite(by_twin(twin, convertible(twin, context)), declinable=True)
    except NotKeptError as error:
        return NoRewrite(f"a twin of {twin.name} cannot have what the column has: {error}", _INSTEAD)


def _reasons(twin: Twin, context: Context) -> Iterator[str]:
    """Why there is no twin."""
    yield from obstacles(twin)
    yield from References(twin).too_many(context.budget_s)
    yield from not_brought_back(twin.around, twin.catalog.role)
    rebuilt = {v.name for v in twin.around.dropped}
    views = [str(v.name) for v in readers(twin) if v.name not in rebuilt]
    if views:
        yield f"{', '.join(views)} reads {twin.name}: the plain statement fails, too. Drop it right before, and make it anew right behind"
    yield from _of_values(twin, twin.change, context.catalog)


def _of_values(twin: Twin, change: TypeChange, catalog: Catalog) -> Iterator[str]:
    if change.using is not None and is_volatile(change.using, catalog):
        yield f"USING {change.using.sql} may give another value each time, and a row would not stay as it was filled"
    if change.using is not None and not is_cast(change.using, change.column) and twin.back is None and not twin.one_way:
        yield (
            f"how to get the old value back from the new one is not known, and after `rollback` {twin.name} must be right: "
            'write `-- pgsluice: back "EXPRESSION"` above the statement, or `-- pgsluice: one-way because ...` where none is needed'
        )


_UNSEEN = NoRewrite(
    "what hangs on the column can only be seen in a database, and a twin must have all of it",
    "plan with --database (or --schema with the table's definition)",
)
_INSTEAD = (
    "add a column of the new type, fill it in batches and move to it release by release; "
    "or allow type-change-rewrite for a maintenance window"
)

RULE = Rule("type-change-rewrite", Severity.ERROR, Category.OUTAGE, _match)
