"""ALTER COLUMN TYPE: what is free on a server, what must be checked again, what is written anew.

The row of the table is found in two steps: whether the rows are rewritten (`free_types`), then what hangs on the column.
"""

from collections.abc import Iterator

from pgsluice.analysis.locks.cast import Match, Names, descendants, indexes_of, table_names
from pgsluice.analysis.locks.columns import column_indexes, constraint_reference, foreign_keys_on, keys_to, referencing_roles
from pgsluice.analysis.locks.free_types import Change, Verdict, verdict
from pgsluice.analysis.locks.subject import Subject
from pgsluice.analysis.parsing.changes import TypeChange, type_change
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.trees import name_of, strings
from pgsluice.model.catalog import Column, ConstraintKind, Index

_FORM = "ALTER TABLE ALTER COLUMN TYPE"


def alter_type(subject: Subject) -> Iterator[Match]:
    change = type_change(subject.action)
    if change is None or (subject.missing and subject.action.if_exists):
        return
    column = subject.table.column(change.column) if subject.table else None
    found = _verdict(subject, change, column)
    if found is Verdict.REWRITE:
        yield subject.match(f"{_FORM}: rewrite" if subject.partitioned else f"{_FORM}: int to bigint")
        yield from _hanging(subject, change, column, "rewrite")
    else:
        yield subject.match(f"{_FORM}: same type")
        yield from _hanging(subject, change, column, "free")
        yield from _indexes(subject, change, column, found)


def _verdict(subject: Subject, change: TypeChange, column: Column | None) -> Verdict:
    if column is None or (change.using and not _is_itself(change.using, change)):
        return Verdict.REWRITE
    described = Change(column.type, change.type_name, change.type_sql, column.collation, change.collation_sql)
    return verdict(described, subject.catalog, subject.type)


def _is_itself(using: Expression, change: TypeChange) -> bool:
    """Whether USING says no more than the column, or its cast to the new type."""
    node = using.node
    if cast := node.get("TypeCast"):
        same = name_of(strings(cast.get("typeName", {}).get("names", ()))) == change.type_name
        if not same or cast.get("typeName", {}).get("typmods") or "(" in change.type_sql:
            return False
        node = cast.get("arg", {})
    fields = strings(node.get("ColumnRef", {}).get("fields", ()))
    return bool(fields) and fields[-1] == change.column


def _hanging(subject: Subject, change: TypeChange, column: Column | None, kind: str) -> Iterator[Match]:
    """What the constraints and sequences on the column add."""
    name = change.column
    if _has_valid_check(subject, name):
        yield subject.match(f"{_FORM}: {kind}, column has a CHECK")
    for key in foreign_keys_on(subject, name):
        yield subject.match(f"{_FORM}: {kind}, foreign key", **constraint_reference(subject, key))
    if keys := keys_to(subject, name):
        yield subject.match(f"{_FORM}: {kind}, referenced", **referencing_roles(subject, keys), **column_indexes(subject, name))
    if column and column.sequence:
        form = "identity" if column.identity else "serial"
        yield subject.match(f"{_FORM}: {kind}, {form}", column_sequence=table_names([column.sequence]))


def _has_valid_check(subject: Subject, column: str) -> bool:
    return subject.table is not None and any(
        c.kind is ConstraintKind.CHECK and c.validated and c.enforced and column in c.columns for c in subject.table.constraints
    )


def _indexes(subject: Subject, change: TypeChange, column: Column | None, found: Verdict) -> Iterator[Match]:
    """The indexes of a column whose rows stay: kept under a new entry, or built anew."""
    if subject.table is None or column is None:
        return
    tables = (subject.table.name, *descendants(subject.catalog, subject.table))
    for table in tables:
        own = subject.catalog.table(table)
        using = [i for i in own.indexes if change.column in i.columns] if own else []
        rebuilt: Names = tuple(i.name for i in using if _rebuilt(i, change.column, found))
        kept: Names = tuple(i.name for i in using if i.name not in rebuilt)
        if rebuilt:
            yield Match(f"{_FORM}: free, in an index expression", table, _roles(rebuilt, indexes_of(subject.catalog, ())))
        if kept:
            yield Match(f"{_FORM}: free, indexed", table, _roles(kept, ()))
        if kept and subject.partitioned and own is subject.table:
            yield subject.match(f"{_FORM}: free, indexed", column_index=kept, **column_indexes(subject, change.column))


def _roles(indexes: Names, below: Names) -> dict[str, Names]:
    return {"column indexes": indexes, "child": (), "child indexes": (), "child column indexes": below}


def _rebuilt(index: Index, column: str, found: Verdict) -> bool:
    if index.predicate or None in index.keys:
        return True
    return found is Verdict.FREE_BUT_ORDER and column in index.keys


CLASSIFIERS = {"ALTER TABLE ALTER COLUMN TYPE": alter_type}
