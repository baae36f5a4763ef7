"""What hung on what: an object goes only when nothing hangs on it any more, and a drop of what hung there names neither."""

from collections.abc import Callable, Iterable

from pgsluice.analysis.parsing.changes import column_name, constraint_name
from pgsluice.analysis.parsing.columns import column_definition
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint
from pgsluice.analysis.parsing.mentions import mentioned_names, mentioned_relations
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.model.catalog import Catalog, Constraint, ConstraintKind, Index
from pgsluice.model.postgres.identifiers import QualifiedName

Carrier = tuple[str, ...]
"""(name,) of a table, index, function, type ..., (table, column or constraint), or ('', table, column ...) of a key, without schemas:
what is taken for tied too often keeps its order."""

_KEYS = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY)
_ON_TABLE = frozenset({"DROP TRIGGER", "DROP POLICY", "DROP RULE"})
"""What these say behind ON stays."""
_COLUMN_ENDS = frozenset({"ALTER TABLE DROP COLUMN", "ALTER TABLE ALTER COLUMN TYPE"})


def ends(action: Action) -> frozenset[Carrier]:
    """What has to be gone by then: all that hung on what the action drops or gives another type; the key on which its foreign key would
    come to hang, the primary key that stands where it makes one, and what has the name that it gives."""
    if action.kind in _COLUMN_ENDS:
        column = column_name(action)
        return frozenset({(action.relation[1], column)} if action.relation and column else ())
    if action.kind == "ALTER TABLE DROP CONSTRAINT":
        return frozenset({(action.relation[1], action.node["name"])} if action.relation else ())
    if action.kind.startswith("DROP "):
        named = subject(action) if action.kind in _ON_TABLE else action.relation or subject(action)
        return frozenset({(named[1],)} if named else ())
    if action.kind == "CREATE INDEX":
        return frozenset({(action.node["idxname"],)} if "idxname" in action.node else ())
    own = action.relation[1] if action.relation else ""
    return frozenset(carrier for clause in _clauses(action) for carrier in _needed(clause, own))


def _needed(clause: ConstraintClause, table: str) -> Iterable[Carrier]:
    if clause.references:
        yield _key(clause.references[1], clause.referenced_columns)
    if clause.kind is ConstraintKind.PRIMARY_KEY:
        yield _key(table, ())
    if clause.name:
        yield table, clause.name


def carriers(action: Action, catalog: Catalog) -> frozenset[Carrier]:
    """On what the object hangs that the action drops, as far as the catalog in front of it tells."""
    found = _CARRIERS.get(action.kind)
    return frozenset(found(action, catalog)) if found else frozenset()


def _of_index(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    index = catalog.index(catalog.resolve(*action.relation)) if action.relation else None
    return of_index(index) if index else ()


def of_index(index: Index) -> frozenset[Carrier]:
    """On what an index hangs, and the key that it is for foreign keys."""
    keys = [k for k in index.keys if k]
    return frozenset((*_of_columns(index.table, {*index.columns, *keys}), *([_key(index.table.name, keys)] if index.unique else ())))


def _of_column(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    """What goes with the column: indexes and constraints, and the keys that they are."""
    table, column = catalog.table(catalog.resolve(*action.relation)) if action.relation else None, column_name(action)
    for index in table.indexes if table else ():
        if column in index.columns or column in index.keys:
            yield (index.name.name,)
            yield from of_index(index)
    for constraint in table.constraints if table else ():
        if column in constraint.columns:
            yield from _of_columns(constraint.table, [constraint.name])
            yield from [_key(constraint.table.name, ())] if constraint.kind is ConstraintKind.PRIMARY_KEY else ()


def _of_constraint(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    found = table.constraint(constraint_name(action) or "") if table else None
    if table is None or found is None:
        return ()
    own, keys = _of_columns(table.name, found.columns), [_key(table.name.name, found.columns)] if found.kind in _KEYS else []
    keys += [_key(table.name.name, ())] if found.kind is ConstraintKind.PRIMARY_KEY else []
    return (*own, *keys, *_of_reference(found, catalog))


def _of_reference(key: Constraint, catalog: Catalog) -> Iterable[Carrier]:
    """A foreign key hangs on the columns that it references, and on the index or constraint that keeps them unique."""
    parent = catalog.table(key.references) if key.references else None
    if parent is None:
        return ()
    unique = [i.name.name for i in parent.indexes if i.unique and {*i.keys} == {*key.referenced_columns}]
    return (*_of_columns(parent.name, (*key.referenced_columns, *unique)), *((name,) for name in unique))


def _of_view(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    view = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    if view is None:
        return ()
    if view.depends_on:
        return (c for table, column in view.depends_on for c in _of_columns(table, [column]))
    read = parse_statement(view.definition) if view.definition else None  # one that the files have made
    names = mentioned_names(read) if read else frozenset()
    return (c for _, table in (mentioned_relations(read) if read else ()) for c in ((table,), *((table, name) for name in names)))


def _of_table(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    return (c for k in table.foreign_keys for c in _of_reference(k, catalog)) if table else ()


def _of_trigger(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    own = subject(action)
    texts = [t.definition for t in table.triggers if own and t.name == own[1]] if table else []
    return (c for name in _mentioned(texts) for c in ((name,), (table.name.name, name))) if table else ()


def _of_function(action: Action, catalog: Catalog) -> Iterable[Carrier]:
    own = subject(action)
    texts = [f.definition for f in catalog.functions if own and f.name.name == own[1] and f.definition]
    return ((name,) for name in _mentioned(texts))


def _clauses(action: Action) -> tuple[ConstraintClause, ...]:
    """The constraints that the action makes."""
    added, column = added_constraint(action), column_definition(action) if action.kind == "ALTER TABLE ADD COLUMN" else None
    table = table_definition(action) if action.kind == "CREATE TABLE" else None
    inline = (column,) if column else table.columns if table else ()
    return (*((added,) if added else ()), *(table.constraints if table else ()), *(c for i in inline for c in i.constraints))


def _key(table: str, columns: Iterable[str]) -> Carrier:
    """The key over these columns, () for the primary key."""
    return ("", table, *sorted(columns))


def _mentioned(texts: Iterable[str]) -> Iterable[str]:
    return (name for text in texts for name in mentioned_names(parse_statement(text)))


def _of_columns(table: QualifiedName, columns: Iterable[str]) -> tuple[Carrier, ...]:
    return ((table.name,), *((table.name, column) for column in columns))


_CARRIERS: dict[str, Callable[[Action, Catalog], Iterable[Carrier]]] = {
    "DROP INDEX": _of_index,
    "ALTER TABLE DROP CONSTRAINT": _of_constraint,
    "ALTER TABLE DROP COLUMN": _of_column,
    "DROP VIEW": _of_view,
    "DROP MATERIALIZED VIEW": _of_view,
    "DROP TABLE": _of_table,
    "DROP TRIGGER": _of_trigger,
    "DROP FUNCTION": _of_function,
    "DROP PROCEDURE": _of_function,
}
