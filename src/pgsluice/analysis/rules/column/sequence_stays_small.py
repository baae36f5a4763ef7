"""A column that is widened to bigint, while the sequence that fills it stays as small as it was.

## What it does

`ALTER COLUMN ... TYPE bigint` changes the column. The sequence that a `serial` column owns was made `AS integer`: its last
number stays 2,147,483,647.

## Why it is dangerous

When the sequence gets there every INSERT fails with "nextval: reached maximum value of sequence", although the column has
room.

## The safe way

`ALTER SEQUENCE ... AS bigint` beside it, in a transaction of its own: nextval waits for it, for a moment.

## When the safe way does not apply

An identity column's sequence is widened with it, and one that was made without AS is a bigint already: nothing is said of
those. It is met only where the sequence is known.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import type_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Column
from pgsluice.model.finding import Category, Severity

_SMALL = ("integer", "smallint")


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    change, table = type_change(action), context.table(action)
    column = table.column(change.column) if change is not None and table is not None else None
    if change is None or column is None or change.type_name[1] != "int8" or column.identity:
        return None
    sequence = _small_sequence(column, context)
    if sequence is None or any(a.kind == "ALTER SEQUENCE" and a.relation is not None and a.relation[1] == sequence for a in context.later):
        return None
    return Hazard(f"the sequence {sequence} stays AS {column.type}: its numbers end where the old column's did", None)


def _small_sequence(column: Column, context: Context) -> str | None:
    """The sequence that the column owns, where it is small."""
    if column.sequence is None or column.type not in _SMALL:
        return None
    found = context.catalog.sequences.get(column.sequence)
    return column.sequence.name if found is None or found.type in _SMALL else None


RULE = Rule("sequence-stays-small", Severity.WARNING, Category.DATA, _match, kinds=frozenset({"ALTER TABLE ALTER COLUMN TYPE"}))
