"""A foreign key whose columns no index begins with.

## What it does

PostgreSQL demands an index on the columns that a foreign key references, not on those that it constrains. Each DELETE of a referenced row,
and each UPDATE of its key, looks for the rows that reference it.

## Why it is dangerous

Without an index that look is a scan of the whole referencing table, for each row that is deleted, while the row is locked. With
`ON DELETE CASCADE` a clean-up of a thousand parents scans it a thousand times.

## The safe way

An index that begins with the foreign key's columns, in any order, built concurrently before the foreign key is added.

## When the safe way does not apply

Where referenced rows are never deleted and their keys never change, allow the rule. It is met only where the table's indexes are
known: made by the files, by `--schema`, or read from the database.
"""

from collections.abc import Iterator

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import column_definition
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import ConstraintKind, Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_KINDS = frozenset({"CREATE TABLE", "ALTER TABLE ADD COLUMN", "ALTER TABLE ADD CONSTRAINT"})
_UNIQUE = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY)


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None:
        return None
    table = context.table(action)
    own = _own(action)
    if (table is None and action.kind != "CREATE TABLE") or (table is not None and not _grows(action, table, context)):
        return None
    bare = [k for k in own if k.kind is ConstraintKind.FOREIGN_KEY and k.columns and not _covered(k, own, table, action, context)]
    if not bare:
        return None
    name = context.name(action.relation)
    wanted = "; ".join(f"({', '.join(map(quote, k.columns))})" for k in bare)
    return Hazard(f"no index of {name} begins with {wanted}: each DELETE of a referenced row scans the whole table", None)


def _grows(action: Action, table: Table, context: Context) -> bool:
    """A new table will; CREATE TABLE that finds one does nothing; one that is small after all its time is taken for small."""
    return action.kind != "CREATE TABLE" and (table.made_by_run or context.busy(table.name))


def _own(action: Action) -> tuple[ConstraintClause, ...]:
    """The constraints that the action makes."""
    if action.kind == "CREATE TABLE":
        made = table_definition(action)
        return made.constraints if made is not None and not made.inherits else ()
    if action.kind == "ALTER TABLE ADD COLUMN":
        column = column_definition(action)
        return column.constraints if column is not None else ()
    clause = added_constraint(action)
    return (clause,) if clause is not None else ()


def _covered(key: ConstraintClause, own: tuple[ConstraintClause, ...], table: Table | None, action: Action, context: Context) -> bool:
    columns = frozenset(key.columns)
    there = (i.keys for i in table.indexes if i.valid and i.predicate is None) if table is not None else ()
    leads = (*there, *(c.columns for c in own if c.kind in _UNIQUE))
    name = context.name(action.relation or (None, ""))
    return any(_begins(keys, columns) for keys in (*leads, *_built_later(name, context)))


def _begins(keys: tuple[str | None, ...], columns: frozenset[str]) -> bool:
    return frozenset(keys[: len(columns)]) == columns


def _built_later(table: QualifiedName, context: Context) -> Iterator[tuple[str | None, ...]]:
    """The keys of the indexes that later statements of the file build on the table."""
    for action in context.later:
        if action.kind == "CREATE INDEX":
            index = index_definition(action)
            if index is not None and index.where is None and context.name(index.table).name == table.name:
                yield tuple(k.column for k in index.keys)
        elif action.kind == "ALTER TABLE ADD CONSTRAINT" and action.relation is not None and action.relation[1] == table.name:
            clause = added_constraint(action)
            if clause is not None and clause.kind in _UNIQUE:
                yield clause.columns


RULE = Rule("foreign-key-without-index", Severity.WARNING, Category.OUTAGE, _match, kinds=_KINDS)
