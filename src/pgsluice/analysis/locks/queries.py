"""Queries and data changes: the locks of tables, indexes and sequences; what functions do is not seen."""

from collections.abc import Callable, Iterator

from pgsluice.analysis.locks.cast import Match, Names, ancestors, descendants, indexes_of, read_tables, table_names
from pgsluice.analysis.locks.columns import referenced_roles
from pgsluice.analysis.locks.inside import inside
from pgsluice.analysis.locks.subject import NotUnderstoodError, Subject
from pgsluice.analysis.locks.where import reads_everything
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.trees import walk
from pgsluice.model.catalog import Constraint, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName


def select(subject: Subject) -> Iterator[Match]:
    yield from run_inside(subject)
    yield from selected(subject)


def selected(subject: Subject) -> Iterator[Match]:
    """What the query itself reads and locks."""
    node = subject.action.node
    form = "SELECT" if "whereClause" not in node and "limitCount" not in node else "SELECT: by key"
    yield from reads(subject, form)
    locked = any(kind == "LockingClause" for kind, _ in walk(node))
    for name in _mentioned(subject) if locked else ():
        yield Match("SELECT: FOR UPDATE, by key", name)


def _mentioned(subject: Subject) -> Names:
    return table_names(subject.name(n) for n in sorted(mentioned_relations(subject.action), key=str))


def reads(subject: Subject, form: str = "SELECT", without: QualifiedName | None = None) -> Iterator[Match]:
    """The relations that the statement names, read: views with what is beneath them, sequences where nextval names them."""
    for name in _mentioned(subject):
        if name == without:
            continue
        table = subject.catalog.table(name)
        if name in subject.catalog.sequences:
            yield Match("SELECT: nextval", name)
        elif table and table.kind is TableKind.VIEW:
            yield Match("SELECT: by key", name)
            for inner in read_tables(subject.catalog, table):
                yield subject.on(inner).match(form)
        else:
            yield subject.on(name).match(form)


def insert(subject: Subject) -> Iterator[Match]:
    given = "valuesLists" in subject.action.node.get("selectStmt", {}).get("SelectStmt", {})
    yield from reads(subject, "SELECT: by key" if given else "SELECT", subject.main)
    yield from written(subject)
    conflict = subject.action.node.get("onConflictClause", {})
    if conflict.get("action") == "ONCONFLICT_UPDATE" and subject.main:
        yield _by_key(subject)


def written(subject: Subject) -> Iterator[Match]:
    """New rows in a table: it, its sequences, and the tables that its foreign keys reference."""
    table = subject.table
    if table and table.kind is TableKind.VIEW:
        yield Match("SELECT: by key", table.name)
        for inner in read_tables(subject.catalog, table):
            yield from written(subject.on(inner))
        return
    yield subject.match("INSERT", referenced=(), other_referenced=())
    for key in table.foreign_keys if table else ():
        yield _looked_up(subject, key)
    for name in ancestors(subject.catalog, table) if table and table.is_partition else ():
        yield Match("INSERT: of a partition", subject.main, {"parent": (name,)})


def _looked_up(subject: Subject, key: Constraint) -> Match:
    """A foreign key looks for its row in the referenced table, whose indexes the plan may use."""
    roles = referenced_roles(subject, key.references, key.referenced_columns)
    tables = (*roles["referenced"], *roles["referenced_partition"], *roles["referenced_partitioned_partition"])
    indexes = (*roles["referenced_indexes"], *roles["referenced_partition_indexes"], *roles["referenced_partitioned_partition_indexes"])
    return Match("INSERT", key.table, {"referenced": tables, "referenced indexes": indexes})


def update(subject: Subject) -> Iterator[Match]:
    yield from reads(subject, "SELECT: by key", subject.main)
    if (beneath := _view_tables(subject)) is not None:
        for name in beneath:
            yield subject.on(name).match("UPDATE")
        return
    yield _changes(subject, "UPDATE" if reads_everything(subject) else "UPDATE: by key")
    if subject.table is None:
        return
    changed = {t["ResTarget"].get("name") for t in subject.action.node.get("targetList", ()) if "ResTarget" in t}
    for key in subject.table.foreign_keys:
        if changed & set(key.columns):
            yield _looked_up(subject, key)
    for key in _keys_to(subject, subject.table):
        if changed & set(key.referenced_columns):
            yield from _followed(subject, key, "ON UPDATE")


def _view_tables(subject: Subject) -> Names | None:
    """The tables beneath, where the statement writes through a view."""
    if subject.table is None or subject.table.kind is not TableKind.VIEW:
        return None
    return (subject.table.name, *read_tables(subject.catalog, subject.table))


def _keys_to(subject: Subject, table: Table) -> list[Constraint]:
    names = (table.name, *ancestors(subject.catalog, table))
    return [k for name in names for k in subject.catalog.foreign_keys_to(name)]


def _followed(subject: Subject, key: Constraint, event: str, seen: tuple[QualifiedName, ...] = ()) -> Iterator[Match]:
    """What a foreign key does in its table when the row that it references goes or changes."""
    other = subject.on(key.table)
    acts = any(f"{event} {action}" in key.definition for action in ("CASCADE", "SET NULL", "SET DEFAULT"))
    tables = (key.table, *(read_tables(subject.catalog, other.table) if other.table and other.table.kind is TableKind.VIEW else ()))
    if not acts:
        yield Match("DELETE: referenced", subject.main, _referencing(subject, tables))
        return
    yield _by_key(other)
    if other.table and key.table not in seen and f"{event} CASCADE" in key.definition:
        for further in _keys_to(other, other.table):
            yield from _followed(other, further, event, (*seen, key.table))


def _referencing(subject: Subject, tables: Names) -> dict[str, Names]:
    found = (subject.catalog.table(t) for t in tables)
    every = (*tables, *(n for t in found if t for n in descendants(subject.catalog, t)))
    return {"referencing": every, "referencing indexes": indexes_of(subject.catalog, every), "other referencing": ()}


def delete(subject: Subject) -> Iterator[Match]:
    yield from reads(subject, "SELECT: by key", subject.main)
    if (beneath := _view_tables(subject)) is not None:
        for name in beneath:
            yield subject.on(name).match("DELETE")
        return
    yield _changes(subject, "DELETE" if reads_everything(subject) else "UPDATE: by key")
    for key in _keys_to(subject, subject.table) if subject.table else ():
        yield from _followed(subject, key, "ON DELETE")


def merge(subject: Subject) -> Iterator[Match]:
    """What its WHEN clauses do."""
    yield from reads(subject, "SELECT", subject.main)
    yield _changes(subject, "UPDATE")
    clauses = (clause.get("MergeWhenClause", {}) for clause in subject.action.node.get("mergeWhenClauses", ()))
    does = {clause.get("commandType") for clause in clauses}
    if does & {"CMD_INSERT", "CMD_UPDATE"}:
        yield from written(subject)
    for key in _keys_to(subject, subject.table) if subject.table else ():
        if "CMD_DELETE" in does:
            yield from _followed(subject, key, "ON DELETE")
        if "CMD_UPDATE" in does:
            yield from _followed(subject, key, "ON UPDATE")


def _changes(subject: Subject, form: str) -> Match:
    """The rows of the table and of its children, where the statement does not spare them."""
    return _alone(subject, form) if subject.action.only and not subject.partitioned else subject.match(form)


def _by_key(subject: Subject) -> Match:
    """Some rows of the table alone, as foreign keys and ON CONFLICT change them."""
    return _alone(subject, "UPDATE: by key")


def _alone(subject: Subject, form: str) -> Match:
    return subject.match(form, child=(), child_indexes=())


def copy(subject: Subject) -> Iterator[Match]:
    if subject.action.node.get("is_from"):
        yield from written(subject)
    else:
        yield from reads(subject)


def do(subject: Subject) -> Iterator[Match]:
    """The static statements of a DO block, each against the catalog before the block."""
    yield from run_inside(subject)
    yield Match("DO")


def call(subject: Subject) -> Iterator[Match]:
    """A procedure's body, which may commit: that it cannot run in a transaction is not seen."""
    yield from run_inside(subject)
    yield Match("DO")


def run_inside(subject: Subject) -> Iterator[Match]:
    """What runs inside of blocks and of the functions that are called; raises NotUnderstoodError where it cannot be read."""
    from pgsluice.analysis.locks.prediction import classifiers

    found = inside(subject.action, subject.catalog)
    if found.unread is not None:
        raise NotUnderstoodError(found.unread)
    for action in found.actions:
        classifier = _shallow.get(action.kind) or classifiers().get(action.kind)
        if classifier is None:
            raise NotUnderstoodError(action.kind)
        yield from classifier(Subject.of(action, subject.catalog))


def explain(subject: Subject) -> Iterator[Match]:
    yield from reads(subject)


def lock(subject: Subject) -> Iterator[Match]:
    """LOCK TABLE; on a view it locks what is beneath in the same mode."""
    form = f"LOCK TABLE: {_MODES[subject.action.node.get('mode', 8)]}"
    if subject.table and subject.table.kind is TableKind.VIEW:
        yield Match(form, subject.main)
        for name in read_tables(subject.catalog, subject.table):
            yield Match(form, name, {"child": ()})
    else:
        yield subject.match(form, **({"child": (), "partition": (), "partitioned_partition": ()} if subject.action.only else {}))


_MODES = {
    1: "ACCESS SHARE",
    2: "ROW SHARE",
    3: "ROW EXCLUSIVE",
    4: "SHARE UPDATE EXCLUSIVE",
    5: "SHARE",
    6: "SHARE ROW EXCLUSIVE",
    7: "EXCLUSIVE",
    8: "ACCESS EXCLUSIVE",
}
"""LOCKMODE of src/include/storage/lockdefs.h."""

_shallow: dict[str, Callable[[Subject], Iterator[Match]]] = {
    "SELECT": selected,
    "CALL": lambda subject: iter(()),
    "DO": lambda subject: iter(()),
}
"""Inside of a body what is called is there already."""

CLASSIFIERS: dict[str, Callable[[Subject], Iterator[Match]]] = {
    "SELECT": select,
    "INSERT": insert,
    "UPDATE": update,
    "DELETE": delete,
    "MERGE": merge,
    "COPY": copy,
    "DO": do,
    "CALL": call,
    "LOCK": lock,
    "EXPLAIN": explain,
    "DECLARE": explain,
    "PREPARE": explain,
}
