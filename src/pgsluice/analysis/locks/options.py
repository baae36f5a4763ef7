"""ALTER TABLE clauses beyond columns, constraints and partitions."""

from collections.abc import Callable, Iterator

from pgsluice.analysis.locks.cast import Match, table_names
from pgsluice.analysis.locks.subject import Subject, unless_missing
from pgsluice.analysis.parsing.trees import name_of, strings
from pgsluice.model.catalog import TableKind
from pgsluice.model.postgres.identifiers import QualifiedName

_BRIEF_OPTIONS = frozenset(
    ("fillfactor", "parallel_workers", "toast_tuple_target", "vacuum_truncate", "vacuum_index_cleanup", "log_autovacuum_min_duration")
)
"""Storage parameters that take SHARE UPDATE EXCLUSIVE, as do all of autovacuum; others (user_catalog_table) take more."""


def rename(subject: Subject) -> Iterator[Match]:
    """ALTER TABLE RENAME also renames views, sequences and indexes, with the lock of a table."""
    if subject.missing and subject.action.if_exists:
        yield subject.match("ALTER TABLE RENAME: IF EXISTS, missing")
    elif subject.main and subject.catalog.index(subject.main):
        yield subject.match("ALTER TABLE RENAME: an index in truth")
    else:
        yield subject.match("ALTER TABLE RENAME")


def set_options(subject: Subject) -> Iterator[Match]:
    names = [d["DefElem"]["defname"] for d in subject.action.node.get("def", {}).get("List", {}).get("items", ()) if "DefElem" in d]
    verb = "SET" if subject.action.kind == "ALTER TABLE SET" else "RESET"
    if all(n.startswith(("autovacuum", "toast.autovacuum")) or n.removeprefix("toast.") in _BRIEF_OPTIONS for n in names):
        yield subject.match(f"ALTER TABLE {verb} (autovacuum options)")
    else:
        yield subject.match("ALTER TABLE SET (user_catalog_table)")


def set_logged(subject: Subject) -> Iterator[Match]:
    words = subject.action.kind.removeprefix("ALTER TABLE ")
    wanted = "permanent" if words == "SET LOGGED" else "unlogged"
    if subject.table and subject.table.persistence == wanted:
        yield subject.match("ALTER TABLE SET LOGGED: is already")
    else:
        yield subject.match(f"ALTER TABLE {words}")


def cluster_on(subject: Subject) -> Iterator[Match]:
    yield subject.match("ALTER TABLE CLUSTER ON", named_index=_named(subject, subject.action.node.get("name")))


def replica_identity(subject: Subject) -> Iterator[Match]:
    node = subject.action.node.get("def", {}).get("ReplicaIdentityStmt", {})
    if node.get("identity_type") == "i":
        yield subject.match("ALTER TABLE REPLICA IDENTITY USING INDEX", named_index=_named(subject, node.get("name")))
    else:
        yield subject.match("ALTER TABLE REPLICA IDENTITY FULL")


def _named(subject: Subject, name: str | None) -> tuple[QualifiedName, ...]:
    return table_names([QualifiedName(subject.main.schema, name) if subject.main and name else None])


def inherit(subject: Subject) -> Iterator[Match]:
    node = subject.action.node.get("def", {}).get("RangeVar", {})
    parent = subject.name((node.get("schemaname"), node.get("relname", "")))
    if subject.action.kind == "ALTER TABLE INHERIT":
        yield subject.match("ALTER TABLE INHERIT", new_parent=(parent,))
    else:
        yield subject.match("ALTER TABLE NO INHERIT", parent=(parent,))


def of_type(subject: Subject) -> Iterator[Match]:
    """The composite type is a relation as well."""
    names = strings(subject.action.node.get("def", {}).get("TypeName", {}).get("names", ()))
    yield subject.match("ALTER TABLE OF", shape=table_names([subject.name(name_of(names)) if names else None]))


def owner(subject: Subject) -> Iterator[Match]:
    yield subject.match("ALTER TABLE OWNER TO")


def set_access_method(subject: Subject) -> Iterator[Match]:
    if subject.table and subject.table.kind is TableKind.PARTITIONED:
        yield subject.match("ALTER TABLE SET ACCESS METHOD: the same")
    else:
        yield subject.match("ALTER TABLE SET ACCESS METHOD")


_TRIGGERS = tuple(f"{verb} TRIGGER{which}" for verb in ("ENABLE", "DISABLE") for which in ("", " ALL", " USER"))
_SAME_NAME = (
    *_TRIGGERS,
    "ENABLE ALWAYS TRIGGER",
    "ENABLE REPLICA TRIGGER",
    "ENABLE RULE",
    "DISABLE RULE",
    "ENABLE ROW LEVEL SECURITY",
    "DISABLE ROW LEVEL SECURITY",
    "FORCE ROW LEVEL SECURITY",
    "NO FORCE ROW LEVEL SECURITY",
    "SET WITHOUT CLUSTER",
    "SET SCHEMA",
    "NOT OF",
    "SET TABLESPACE",
)

CLASSIFIERS: dict[str, Callable[[Subject], Iterator[Match]]] = {
    **{f"ALTER TABLE {words}": unless_missing(f"ALTER TABLE {words}") for words in _SAME_NAME},
    "ALTER TABLE ENABLE ALWAYS RULE": unless_missing("ALTER TABLE ENABLE RULE"),
    "ALTER TABLE ENABLE REPLICA RULE": unless_missing("ALTER TABLE ENABLE RULE"),
    "ALTER TABLE RENAME": rename,
    "ALTER TABLE SET": set_options,
    "ALTER TABLE RESET": set_options,
    "ALTER TABLE SET LOGGED": set_logged,
    "ALTER TABLE SET UNLOGGED": set_logged,
    "ALTER TABLE CLUSTER ON": cluster_on,
    "ALTER TABLE REPLICA IDENTITY": replica_identity,
    "ALTER TABLE INHERIT": inherit,
    "ALTER TABLE NO INHERIT": inherit,
    "ALTER TABLE OWNER TO": owner,
    "ALTER TABLE OF": of_type,
    "ALTER TABLE SET ACCESS METHOD": set_access_method,
}
