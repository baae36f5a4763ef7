"""A new column whose values a directive computes from others, while the release that writes those goes on running.

## What it does

`ADD COLUMN` is brief and leaves the new column NULL in every row. A directive above it says how its value comes from other columns of the
row, and how one of these comes back from it:

    -- pgsluice: from "split_part(name, ' ', 1)" back "first || ' ' || last"
    ALTER TABLE people ADD COLUMN first text;

## Why it is dangerous

The rows that are there have no value; a release that does not know the column writes rows without one, and a release that writes only
the new column leaves the old one stale: neither can be deployed or taken back without losing writes.

## The safe way

Column and trigger come in one transaction: each write computes the new column, and a backfill does for the rows that were there before.
Once every row is verified, and every transaction that may still see unfilled rows has ended, the trigger works both ways: whichever side
a release writes, the other follows, and a write of other columns touches neither. `contract` drops the trigger; `rollback` drops
the column, whose writes the old one has by then. NOT NULL is set the safe way.

## When the safe way does not apply

Without `back` the old column goes stale as soon as the new release writes: `-- pgsluice: one-way because ...` allows that. With a
default an INSERT that leaves the column out cannot be told from one that gives the default: leave it for a later migration.
Triggers that fire after each update, rules, partitions and children refuse the filling, by name. So does a column that moves to
another table (`from "users.email"`): docs/guide/expand-contract.md says why, and how to move one.
"""

from collections.abc import Iterator

from pgsluice.analysis.effects.columns import type_of
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.columns import ColumnDefinition, column_definition
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.own_expression import expression_of
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.trees import strings, walk
from pgsluice.analysis.parts import Part
from pgsluice.analysis.rules.column.new_column import added_column, bare, not_null_parts
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rewrite, Rule
from pgsluice.analysis.twins.derived import Derived, derived
from pgsluice.analysis.twins.triggers import no_filling, others_fire_before
from pgsluice.model.catalog import Column, ConstraintKind, Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    column, table = added_column(action, context), context.table(action)
    said = {d.word: d.values or {} for d in action.statement.directives if d.word in ("from", "one-way")}
    if column is None or "from" not in said or (table is not None and table.made_by_run):
        return None
    message = f"the rows that are there have no {quote(column.name)}, and the release that does not know it writes more of them"
    if table is None:
        return Hazard(message, _UNSEEN)
    values = said["from"]
    source = expression_of(values["from"])
    back = expression_of(values["back"]) if "back" in values else None
    read = tuple(c for c in table.columns if c.name in source.columns)
    reason = next(_reasons(table, column, source, back, read, context, one_way="one-way" in said), None)
    if reason is not None:
        return Hazard(message, NoRewrite(reason, _INSTEAD))
    return Hazard(message, Rewrite(_parts(action, column, table, source, back, read, context)))


def _parts(
    action: Action,
    column: ColumnDefinition,
    table: Table,
    source: Expression,
    back: Expression | None,
    read: tuple[Column, ...],
    context: Context,
) -> tuple[Part, ...]:
    type_ = type_of(column)
    named = _added_later(context, table) | {c.name: c.type for c in table.columns} | {column.name: type_}
    given = tuple((name, named[name]) for name in (back.columns if back else ()) if name in named)
    collate = f" COLLATE {column.collation_sql}" if column.collation_sql else ""
    add = bare(action, column, context, column.type_sql) + collate
    made = derived(Derived(table, column, type_, add, source, read, back, given, others_fire_before(table)))
    contract = next(n for n, p in enumerate(made) if p.phase == "contract")
    return (*made[:contract], *not_null_parts(action, column, context), *made[contract:])


def _added_later(context: Context, table: Table) -> dict[str, str]:
    """The columns that later statements of the file add to the table, with their types."""
    here = (a for a in context.later if a.kind == "ALTER TABLE ADD COLUMN" and a.relation and context.name(a.relation) == table.name)
    return {d.name: type_of(d) for a in here if (d := column_definition(a)) is not None}


def _reasons(
    table: Table,
    column: ColumnDefinition,
    source: Expression,
    back: Expression | None,
    read: tuple[Column, ...],
    context: Context,
    *,
    one_way: bool,
) -> Iterator[str]:
    if column.default or column.identity or column.generated or column.is_serial:
        yield f"{quote(column.name)} gets its values from an expression, and has a default or is generated as well"
    if any(c.kind is not ConstraintKind.NOT_NULL for c in column.constraints):
        yield f"{quote(column.name)} has constraints, which are to come in a statement of their own behind it"
    other = next(_of_others(table, source, back), None)
    if other is not None:
        yield (
            f"{other} is a column of another table, and two rows in two tables cannot be kept in step: each write of the one would have to "
            "lock the other, in an order that the application does not know"
        )
    if not read or source.subquery:
        yield f"from {source.sql!r} must compute the value from columns of {table.name} alone"
    if any(is_volatile(e, context.catalog) for e in (source, back) if e is not None):
        yield "a volatile expression gives another value each time, and a row would not stay as it was filled"
    if back is None and not one_way:
        yield (
            f"what {quote(column.name)} gives back is not said, and {', '.join(quote(c.name) for c in read)} would go stale: "
            'write `back "EXPRESSION"` behind it, or `-- pgsluice: one-way because ...`'
        )
    if back is not None and len(read) != 1:
        yield f"back {back.sql!r} is the value of one column, and from {source.sql!r} reads {len(read)}"
    yield from no_filling(table)


def _of_others(table: Table, *expressions: Expression | None) -> Iterator[str]:
    """The columns that are named with another table than this one."""
    for _, node in (pair for e in expressions if e is not None for pair in walk(e.node) if pair[0] == "ColumnRef"):
        *whole, column = strings(node.get("fields", ())) or [""]
        if whole and whole[-1] != table.name.name:
            yield f"{'.'.join(map(quote, whole))}.{quote(column)}"


_UNSEEN = NoRewrite("the columns that it comes from can only be seen in a database", "plan with --database (or --schema)")
_INSTEAD = "do what is said, or leave the directive away and fill the column by yourself"

RULE = Rule("derived-column", Severity.ERROR, Category.RELEASE, _match)
