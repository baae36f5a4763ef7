"""Partitions: made, attached, detached."""

from collections.abc import Iterator

from pgsluice.analysis.locks.cast import Match, Names, ancestors, descendants, indexes_of, key_index, leaves, table_names
from pgsluice.analysis.locks.subject import Subject
from pgsluice.analysis.parsing.changes import PartitionChange, partition_change
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.model.catalog import Catalog, Constraint, Table
from pgsluice.model.postgres.identifiers import QualifiedName, bounds_helper

_ATTACH = "ALTER TABLE ATTACH PARTITION"


def create_partition(subject: Subject) -> Iterator[Match]:
    definition = table_definition(subject.action)
    if definition is None or definition.partition_of is None:
        return
    if definition.if_not_exists and subject.table:
        yield subject.match("CREATE TABLE: IF NOT EXISTS, exists")
        return
    parent = subject.on(subject.name(definition.partition_of))
    form = "CREATE TABLE PARTITION OF"
    roles = tree_roles(parent)
    place = QualifiedName(definition.name[0] or subject.catalog.creation_schema, definition.name[1])
    proved = _proved(subject.catalog, roles.get("default partition", ()), place)
    yield Match(f"{form}: a CHECK on the default partition proves" if proved else form, parent.main, roles)


def _proved(catalog: Catalog, tables: Names, partition: QualifiedName) -> bool:
    """Whether our own helper stands on each of the tables and is valid: it was made so that the server sees what it proves."""
    found = [t.constraint(bounds_helper(n.name, partition)) for n in tables if (t := catalog.table(n)) is not None]
    return bool(tables) and len(found) == len(tables) and all(c is not None and c.validated for c in found)


def tree_roles(parent: Subject) -> dict[str, Names]:
    """Who stands around a partitioned table: its indexes, its default partition, the tables that its foreign keys reference,
    and those that reference it or one of its ancestors."""
    table, catalog = parent.table, parent.catalog
    if table is None:
        return {"parent": table_names([parent.main])}
    keys = [k for k in table.foreign_keys if k.references != table.name]
    referenced = table_names(k.references for k in keys)
    default = table_names([table.default_partition])
    referencing = _referencing(parent, table)
    return {
        "parent": (table.name,),
        "parent indexes": indexes_of(catalog, [table.name]),
        "default partition": default,
        "default partition indexes": indexes_of(catalog, default),
        "parent referenced": (*referenced, *_below(parent, referenced)),
        "parent referenced key": table_names(key_index(catalog, k) for k in keys),
        "parent referencing": referencing,
        "parent referencing indexes": indexes_of(catalog, referencing),
    }


def _below(parent: Subject, tables: Names) -> Names:
    found = (parent.catalog.table(n) for n in tables)
    return tuple(n for t in found if t for n in descendants(parent.catalog, t))


def _referencing(parent: Subject, table: Table) -> Names:
    above = (table.name, *ancestors(parent.catalog, table))
    tables = table_names(k.table for name in above for k in parent.catalog.foreign_keys_to(name))
    return table_names((*tables, *_below(parent, tables)))


def attach(subject: Subject) -> Iterator[Match]:
    change = partition_change(subject.action)
    if change is None:
        return
    candidate = subject.on(subject.name(change.partition))
    roles = tree_roles(subject) | {"candidate": table_names([candidate.main])}
    roles["candidate indexes"] = indexes_of(subject.catalog, roles["candidate"])
    if change.default:
        roles |= {"default partition": (), "default partition indexes": ()}
    below = leaves(subject.catalog, candidate.table) if candidate.table else ()
    ready = _is_ready(subject, candidate)
    looked = (*roles["candidate"], *roles.get("default partition", ()))
    idle = candidate.main is not None and _proved(subject.catalog, looked, candidate.main)  # whatever is missing was made with the helpers
    yield Match(f"{_ATTACH}{': indexes stand ready' if ready else ''}", subject.main, roles, idle)
    for name in below:
        yield Match(f"{_ATTACH}: a partitioned table", subject.main, {**roles, "leaf": (name,)})
    same = [k for k in (candidate.table.foreign_keys if candidate.table else ()) if _has_key(subject, k)]
    if same:
        both = table_names(k.references for k in same)
        yield Match(f"{_ATTACH}: has the same foreign key", subject.main, {**roles, "parent referenced": both}, idle)


def _has_key(subject: Subject, key: Constraint) -> bool:
    own = subject.table.foreign_keys if subject.table else ()
    return any(k.references == key.references and k.columns == key.columns for k in own)


def _is_ready(subject: Subject, candidate: Subject) -> bool:
    """Whether the candidate has an index for each of the parent's, so that none is built."""
    if subject.table is None or candidate.table is None:
        return False
    own = [(i.keys, i.unique, i.method, i.predicate) for i in candidate.table.indexes if i.valid]
    return all((i.keys, i.unique, i.method, i.predicate) in own and None not in i.keys for i in subject.table.indexes)


def detach(subject: Subject) -> Iterator[Match]:
    change = partition_change(subject.action)
    if change is None:
        return
    yield _detached(subject, change, subject.name(change.partition))


def _detached(subject: Subject, change: PartitionChange, partition: QualifiedName) -> Match:
    roles = tree_roles(subject)
    table = subject.catalog.table(partition)
    every = (partition, *(descendants(subject.catalog, table) if table else ()))
    roles |= {"sibling": every, "sibling indexes": indexes_of(subject.catalog, every)}
    if roles.get("default partition") == (partition,):
        roles["default partition"] = ()
    form = "ALTER TABLE DETACH PARTITION"
    if change.concurrent:
        return Match(f"{form} CONCURRENTLY", subject.main, roles)
    looked = ": referenced rows are looked for" if roles.get("parent referencing") or table is None else ""
    return Match(f"{form}{looked or ': no default partition, not referenced'}", subject.main, roles)


def finalize(subject: Subject) -> Iterator[Match]:
    change = partition_change(subject.action)
    if change is not None:
        partition = subject.name(change.partition)
        roles = tree_roles(subject) | {"sibling": (partition,), "sibling indexes": indexes_of(subject.catalog, [partition])}
        yield Match("ALTER TABLE DETACH PARTITION FINALIZE", subject.main, roles)


CLASSIFIERS = {
    "CREATE TABLE PARTITION OF": create_partition,
    "ALTER TABLE ATTACH PARTITION": attach,
    "ALTER TABLE DETACH PARTITION": detach,
    "ALTER TABLE DETACH PARTITION FINALIZE": finalize,
}
