"""Statements on indexes."""

from collections.abc import Iterator

from pgsluice.analysis.locks.cast import Match, Names, indexes_of, stored, table_names
from pgsluice.analysis.locks.columns import referencing_roles
from pgsluice.analysis.locks.constraints import attached_indexes
from pgsluice.analysis.locks.subject import NotUnderstoodError, Subject, unless_missing
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.changes import cascades
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.model.catalog import Index
from pgsluice.model.postgres.identifiers import QualifiedName


def create_index(subject: Subject) -> Iterator[Match]:
    definition = index_definition(subject.action)
    concurrently = " CONCURRENTLY" if is_concurrent(subject.action) else ""
    if definition and definition.if_not_exists and definition.name and _exists(subject, definition.name):
        yield subject.match(f"CREATE INDEX{concurrently}: IF NOT EXISTS, exists")
    elif subject.partitioned and definition and definition.only:
        yield subject.match("CREATE INDEX: ON ONLY (partitioned)")
    elif subject.partitioned:
        yield subject.match("CREATE INDEX (partitioned)")
    else:
        yield subject.match(f"CREATE INDEX{concurrently}", child=())


def _exists(subject: Subject, name: str) -> bool:
    return subject.main is not None and subject.catalog.index(QualifiedName(subject.main.schema, name)) is not None


def the_index(subject: Subject) -> tuple[Index | None, QualifiedName | None]:
    """The index that the action names, and its table."""
    index = subject.catalog.index(subject.main) if subject.main else None
    return index, index.table if index else None


def drop_index(subject: Subject) -> Iterator[Match]:
    index, table = the_index(subject)
    concurrently = " CONCURRENTLY" if is_concurrent(subject.action) else ""
    if index is None and subject.action.if_exists and subject.catalog.known:
        yield subject.match(f"DROP INDEX{concurrently}: IF EXISTS, missing")
        return
    roles = {"index": table_names([subject.main]), "table": table_names([table])}
    yield subject.match(f"DROP INDEX{concurrently}", **roles)
    if index and index.partitioned:
        yield subject.match("DROP INDEX (partitioned)", **roles, **_attached(subject, index))
    if index and cascades(subject.action):
        keys = [k for k in subject.catalog.foreign_keys_to(index.table) if set(k.referenced_columns) == set(index.keys)]
        others = Subject(subject.action, subject.catalog, index.table, subject.catalog.table(index.table))
        yield subject.match("DROP INDEX: CASCADE, referenced", **roles, **referencing_roles(others, keys))


def _attached(subject: Subject, index: Index) -> dict[str, Names]:
    """The indexes attached to a partitioned one at any depth, and the partitions that they are on."""
    found = [subject.catalog.index(name) for name in attached_indexes(subject, (index.name,))]
    leaf = [i for i in found if i and not i.partitioned]
    branch = [i for i in found if i and i.partitioned]
    return {
        "attached_index": tuple(i.name for i in leaf),
        "attached_partitioned_index": tuple(i.name for i in branch),
        "partition": tuple(i.table for i in leaf),
        "partitioned_partition": tuple(i.table for i in branch),
    }


def reindex_index(subject: Subject) -> Iterator[Match]:
    index, table = the_index(subject)
    concurrently = " CONCURRENTLY" if is_concurrent(subject.action) else ""
    roles = {"index": table_names([subject.main]), "table": table_names([table])}
    if index and index.partitioned:
        yield subject.match(f"REINDEX INDEX{concurrently} (partitioned)", **roles, **_attached(subject, index))
    else:
        yield subject.match(f"REINDEX INDEX{concurrently}", **roles)


def reindex_table(subject: Subject) -> Iterator[Match]:
    concurrently = " CONCURRENTLY" if is_concurrent(subject.action) else ""
    yield subject.match(f"REINDEX TABLE{concurrently}{' (partitioned)' if subject.partitioned else ''}")


def reindex_schema(subject: Subject) -> Iterator[Match]:
    """REINDEX SCHEMA, and DATABASE and SYSTEM for the tables of users."""
    concurrently = " CONCURRENTLY" if is_concurrent(subject.action) else ""
    schema = subject.action.node.get("name") if subject.action.kind == "REINDEX SCHEMA" else None
    if not subject.catalog.known:
        raise NotUnderstoodError("which tables the schema has")
    tables = tuple(t.name for t in subject.catalog.tables.values() if stored(t) and schema in (None, t.name.schema))
    yield subject.match(f"REINDEX SCHEMA{concurrently}", member=tables, member_indexes=indexes_of(subject.catalog, tables))


def alter_index_rename(subject: Subject) -> Iterator[Match]:
    if subject.missing and subject.action.if_exists:
        return
    if subject.table:
        yield subject.match("ALTER INDEX RENAME: a table in truth")
    else:
        yield subject.match("ALTER INDEX RENAME")


def attach(subject: Subject) -> Iterator[Match]:
    """ALTER INDEX ... ATTACH PARTITION."""
    from pgsluice.analysis.parsing.changes import partition_change

    change = partition_change(subject.action)
    attached = subject.name(change.partition) if change else None
    index = subject.catalog.index(attached) if attached else None
    _, table = the_index(subject)
    roles = {"attached_index": table_names([attached]), "partition": table_names([index.table if index else None])}
    yield subject.match("ALTER INDEX ATTACH PARTITION", index=table_names([subject.main]), table=table_names([table]), **roles)


CLASSIFIERS = {
    "CREATE INDEX": create_index,
    "DROP INDEX": drop_index,
    "REINDEX INDEX": reindex_index,
    "REINDEX TABLE": reindex_table,
    "REINDEX SCHEMA": reindex_schema,
    "REINDEX DATABASE": reindex_schema,
    "REINDEX SYSTEM": reindex_schema,
    "ALTER INDEX RENAME": alter_index_rename,
    "ALTER INDEX ATTACH PARTITION": attach,
    "ALTER INDEX SET": unless_missing("ALTER INDEX SET (options)"),
    "ALTER INDEX RESET": unless_missing("ALTER INDEX RESET (options)"),
    "ALTER INDEX SET STATISTICS": unless_missing("ALTER INDEX ALTER COLUMN SET STATISTICS"),
    "ALTER INDEX DEPENDS ON EXTENSION": unless_missing("ALTER INDEX DEPENDS ON EXTENSION"),
    "ALTER INDEX SET TABLESPACE": unless_missing("ALTER INDEX SET TABLESPACE"),
}
