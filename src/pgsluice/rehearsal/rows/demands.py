"""What migrations will demand of rows: the shapes that they leave behind, put back onto the tables as they stood before."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod

from pgsluice.rehearsal.rows.arrangement import named_in
from pgsluice.rehearsal.rows.habits import Habit, Habits
from pgsluice.rehearsal.rows.shape import Check, ColumnShape, ForeignKey, Key, Shapes, TableShape, TypeShape

UNIQUE = -0.5
"""A column that is unique has -1, which is estimated from a sample."""

_Known = Mapping[str, Habit]


def with_demands(now: Shapes, then: Shapes, habits: Habits, rows: int) -> Shapes:
    """The shapes of a database with what the same database demands later (both have their tables' oids): types, NOT NULL, keys,
    foreign keys, checks and bounds over columns that are there now. What production's statistics contradict is left out: there the
    rows break it, too."""
    tables = {oid: _merged(table, now, then, habits.get(table.name, {}), rows) for oid, table in now.tables.items()}
    return replace(now, tables=tables)


def _merged(table: TableShape, now: Shapes, later: Shapes, known: _Known, rows: int) -> TableShape:
    then = later.tables.get(table.oid)
    if then is None:
        return table
    names, types = {c.name for c in table.columns}, {**_enums(later), **now.types}
    return replace(
        table,
        columns=tuple(_column(c, then, types, known) for c in table.columns),
        keys=(*table.keys, *(k for k in _new_keys(table, then) if k.used <= names and not _repeated(k, known, rows))),
        foreign_keys=(*table.foreign_keys, *_new_foreign_keys(table, then, now)),
        checks=(*table.checks, *(c for c in _new_checks(table, then) if c.columns <= names)),
    )


def _column(column: ColumnShape, then: TableShape, types: Mapping[int, TypeShape], known: _Known) -> ColumnShape:
    """`types` are those that values can be made of."""
    own = next((c for c in then.columns if c.name == column.name and c.generated is None), None)
    if own is None:
        return column
    habit = known.get(column.name)
    full = own.not_null and (habit is None or not habit.null_share)
    type_ = types.get(own.type)
    becomes = None if own.spelled == column.spelled or type_ is None else (type_, own.spelled)
    return replace(column, not_null=column.not_null or full, becomes=becomes)


def _enums(later: Shapes) -> dict[int, TypeShape]:
    """With their labels as texts: where rows are made an enum may not be there yet."""
    return {oid: replace(type_, spelled="text") for oid, type_ in later.types.items() if type_.kind == "e"}


def _new_keys(table: TableShape, then: TableShape) -> Iterator[Key]:
    there = {(k.used, k.plain) for k in table.keys}
    return (k for k in then.keys if k.used and (k.used, k.plain) not in there)


def _repeated(key: Key, known: _Known, rows: int) -> bool:
    """Whether production's values repeat, as its statistics say: of one column those that ANALYZE found to be far from unique, of
    several those that cannot make so many rows."""
    habits = [known[c] for c in key.used if c in known]
    if len(habits) < len(key.used) or any(h.n_distinct < UNIQUE for h in habits):
        return False
    return len(habits) == 1 or prod(h.distinct(rows) for h in habits) < rows


def _new_foreign_keys(table: TableShape, then: TableShape, now: Shapes) -> Iterator[ForeignKey]:
    names, there = {c.name for c in table.columns}, {(k.columns, k.target) for k in table.foreign_keys}
    for key in then.foreign_keys:
        target = now.tables.get(key.target)
        if target is not None and {*key.target_columns} <= {c.name for c in target.columns}:
            if {*key.columns} <= names and (key.columns, key.target) not in there:
                yield key


def _new_checks(table: TableShape, then: TableShape) -> Iterator[Check]:
    there = {c.condition for c in table.checks}
    yield from (c for c in then.checks if c.condition not in there)
    if then.bounds is not None and table.bounds is None:
        yield Check("the bounds of a partition", then.bounds, named_in(then.bounds, then.columns))
    for column in then.columns:
        if column.generated is not None and column.not_null:
            yield Check(f"NOT NULL of {column.name}", f"({column.generated}) IS NOT NULL", named_in(column.generated, then.columns))
