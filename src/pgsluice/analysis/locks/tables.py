"""Tables, views and sequences as a whole: made, dropped, emptied, maintained."""

from collections.abc import Callable, Iterator

from pgsluice.analysis.locks.cast import Match, Names, dependent_views, descendants, indexes_of, read_tables, stored, table_names
from pgsluice.analysis.locks.columns import constraint_reference, reference, referencing_roles
from pgsluice.analysis.locks.queries import reads
from pgsluice.analysis.locks.subject import NotUnderstoodError, Subject
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.changes import cascades
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.tables import TableDefinition, table_definition
from pgsluice.analysis.parsing.trees import Name
from pgsluice.model.catalog import ConstraintKind, Table, TableKind


def create_table(subject: Subject) -> Iterator[Match]:
    definition = table_definition(subject.action)
    if definition is None:
        return
    yield Match("CREATE TABLE")
    if definition.if_not_exists and subject.table:
        return
    for clause in definition.constraints:
        target, roles = reference(subject, clause) if clause.references else (None, {})
        if clause.kind is ConstraintKind.FOREIGN_KEY and target != subject.main:
            partitioned = ": REFERENCES a partitioned table" if roles["referenced_partition"] else ": REFERENCES"
            yield Match(f"CREATE TABLE{partitioned}", None, {r.replace("_", " "): n for r, n in roles.items()})
    yield from _copied(subject, definition)


def _copied(subject: Subject, definition: TableDefinition) -> Iterator[Match]:
    """The tables that lend their columns, and the sequences that defaults name."""
    for name in definition.like:
        yield Match("CREATE TABLE: LIKE INCLUDING ALL", subject.name(name), {"default sequence": _sequences(subject, name)})
    for name in definition.inherits:
        yield Match("CREATE TABLE: INHERITS", None, {"parent": (subject.name(name),), "default sequence": _sequences(subject, name)})
    found = (subject.name(n) for n in sorted(mentioned_relations(subject.action), key=str))
    sequences = tuple(n for n in found if n in subject.catalog.sequences)
    if sequences:
        yield Match("CREATE TABLE: default nextval", None, {"default sequence": sequences})


def _sequences(subject: Subject, name: Name) -> Names:
    """The sequences that defaults of another table take their values from."""
    table = subject.catalog.table(subject.name(name))
    return table_names(c.sequence for c in table.columns if c.default) if table else ()


def create_from_query(subject: Subject) -> Iterator[Match]:
    """CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW."""
    definition = table_definition(subject.action)
    yield Match("CREATE TABLE AS")
    if definition and definition.if_not_exists and subject.table:
        return
    if definition and not definition.with_data:
        yield from reads_definition(subject)
    else:
        yield from reads(subject, "SELECT", subject.main)


def reads_definition(subject: Subject) -> Iterator[Match]:
    """The relations that a stored query names, looked at but not read."""
    names = table_names(subject.name(n) for n in sorted(mentioned_relations(subject.action), key=str))
    others = tuple(n for n in names if n != subject.main and n not in subject.catalog.sequences)
    sequences = tuple(n for n in names if n in subject.catalog.sequences)
    yield Match("CREATE VIEW", None, {"read table": (*others, *sequences)})


def create_view(subject: Subject) -> Iterator[Match]:
    yield from reads_definition(subject)
    if subject.table:
        yield Match("CREATE VIEW: OR REPLACE", subject.main)


def drop_table(subject: Subject) -> Iterator[Match]:
    if subject.missing and subject.action.if_exists:
        yield subject.match("DROP TABLE: IF EXISTS, missing")
        return
    yield from dropped(subject, cascades(subject.action))


def dropped(subject: Subject, cascade: bool) -> Iterator[Match]:
    """A table goes: its indexes, sequences and partitions with it; tables at the other end of foreign keys are locked too."""
    yield subject.match("DROP TABLE", referenced=(), referenced_indexes=())
    table = subject.table
    if table is None:
        return
    for key in (k for k in table.foreign_keys if not k.inherited):
        roles = constraint_reference(subject, key)
        yield subject.match("ALTER TABLE DROP CONSTRAINT FOREIGN KEY", **roles)
        yield Match("ALTER TABLE DROP CONSTRAINT FOREIGN KEY: to a partitioned table", table.name, _spaced(roles))
    if table.is_partition:
        yield subject.match("DROP TABLE: a partition")
    if cascade:
        yield from _dropped_around(subject, table)


def _spaced(roles: dict[str, Names]) -> dict[str, Names]:
    return {role.replace("_", " "): names for role, names in roles.items()}


def _dropped_around(subject: Subject, table: Table) -> Iterator[Match]:
    """What CASCADE reaches: foreign keys to the table, views on it, inheritance children."""
    below = descendants(subject.catalog, table)
    views = dependent_views(subject.catalog, table.name)
    keys = list(subject.catalog.foreign_keys_to(table.name))
    roles = referencing_roles(subject, keys) | {"referenced": (), "referenced_indexes": (), "matview": ()}
    roles |= {"view": views, "matview_indexes": indexes_of(subject.catalog, views)}
    yield Match("DROP TABLE: CASCADE", table.name, _spaced({**roles, "child": below, "child_indexes": indexes_of(subject.catalog, below)}))


def drop_view(subject: Subject) -> Iterator[Match]:
    """A view or a materialised view."""
    if subject.missing and subject.action.if_exists:
        yield subject.match("DROP VIEW: IF EXISTS, missing")
        return
    every = table_names([subject.main])
    if cascades(subject.action) and subject.main:
        every = (*every, *dependent_views(subject.catalog, subject.main))
    for name in every:
        yield Match("DROP MATERIALIZED VIEW", name)


def truncate(subject: Subject) -> Iterator[Match]:
    if subject.action.node.get("restart_seqs"):
        yield subject.match("TRUNCATE: RESTART IDENTITY")
    if subject.action.only:
        yield subject.match("TRUNCATE: ONLY")
        return
    yield subject.match("TRUNCATE")
    if cascades(subject.action) and subject.table:
        yield subject.match("TRUNCATE: CASCADE", **_truncated(subject, subject.table))


def _truncated(subject: Subject, table: Table) -> dict[str, Names]:
    """The tables that CASCADE empties too: those that reference one that is emptied, at any distance, with their partitions."""
    found: dict[object, None] = {table.name: None}
    queue = [table.name, *descendants(subject.catalog, table)]
    reached: Names = ()
    while queue:
        name = queue.pop(0)
        for key in subject.catalog.foreign_keys_to(name):
            other = subject.catalog.table(key.table)
            for more in (key.table, *(descendants(subject.catalog, other) if other else ())):
                if more not in found:
                    found[more] = None
                    reached = (*reached, more)
                    queue.append(more)
    return {"referencing": reached, "referencing_indexes": indexes_of(subject.catalog, reached)}


def cluster(subject: Subject) -> Iterator[Match]:
    if subject.main is None:
        raise NotUnderstoodError("CLUSTER without a table")
    yield subject.match("CLUSTER", named_index=())


def _vacuum(form: str) -> Callable[[Subject], Iterator[Match]]:
    def classify(subject: Subject) -> Iterator[Match]:
        """Without a table: every table of the database."""
        if subject.main is not None:
            yield subject.match(form)
            return
        if not subject.catalog.known:
            raise NotUnderstoodError("which tables the database has")
        for table in subject.catalog.tables.values():
            if stored(table):
                yield subject.on(table.name).match(form)

    return classify


def vacuum(subject: Subject) -> Iterator[Match]:
    options = str(subject.action.node.get("options", ""))
    yield from _vacuum("VACUUM")(subject)
    if "analyze" in options:
        yield from _vacuum("VACUUM: ANALYZE")(subject)


def refresh(subject: Subject) -> Iterator[Match]:
    concurrently = is_concurrent(subject.action)
    without = ": WITH NO DATA" if subject.action.node.get("skipData") else ""
    roles: dict[str, Names] = {"matview": table_names([subject.main])}
    yield subject.match(f"REFRESH MATERIALIZED VIEW{' CONCURRENTLY' if concurrently else without}", **roles)
    view = subject.table
    for name, _ in () if view is None or without else view.depends_on:
        table = subject.catalog.table(name)
        if table and table.kind is TableKind.VIEW:
            yield Match("SELECT: by key", name)
        else:
            yield subject.on(name).match("SELECT")
    for name in read_tables(subject.catalog, view) if view and not without else ():
        yield Match("SELECT", name, {"child": (), "child indexes": ()})


CLASSIFIERS: dict[str, Callable[[Subject], Iterator[Match]]] = {
    "CREATE TABLE": create_table,
    "CREATE FOREIGN TABLE": create_table,
    "CREATE TABLE AS": create_from_query,
    "SELECT INTO": create_from_query,
    "CREATE MATERIALIZED VIEW": create_from_query,
    "CREATE VIEW": create_view,
    "DROP TABLE": drop_table,
    "DROP FOREIGN TABLE": drop_table,
    "DROP VIEW": drop_view,
    "DROP MATERIALIZED VIEW": drop_view,
    "TRUNCATE": truncate,
    "CLUSTER": cluster,
    "VACUUM": vacuum,
    "VACUUM FULL": _vacuum("VACUUM: FULL"),
    "ANALYZE": _vacuum("ANALYZE"),
    "REFRESH MATERIALIZED VIEW": refresh,
}
