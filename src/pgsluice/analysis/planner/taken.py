"""Names that an action gives and something else has: asked before anything changes, as plain SQL would fail there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.changes import rename
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.mentions import mentioned_names
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.planner import questions
from pgsluice.analysis.planner.guards import makes_temporary
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.catalog import Catalog, ConstraintKind, Table
from pgsluice.model.names import relation_name_taken
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.steps import Preflight

_MAKES_RELATION = frozenset(
    {
        "CREATE TABLE",
        "CREATE TABLE PARTITION OF",
        "CREATE TABLE AS",
        "SELECT INTO",
        "CREATE FOREIGN TABLE",
        "CREATE VIEW",
        "CREATE MATERIALIZED VIEW",
        "CREATE SEQUENCE",
    }
)
_MAY_DO_ANYTHING = frozenset({"DO", "CALL", "EXECUTE", "SELECT", "UNKNOWN"})
_TAKES_MUCH_WITH_IT = ("DROP SCHEMA", "DROP EXTENSION", "DROP OWNED", "ALTER SCHEMA", "ALTER EXTENSION")
_INDEXED = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION})


@dataclass(frozen=True, slots=True)
class _Name:
    """What is given: `what` for people, whether a catalog has it, and the question that a server answers."""

    name: str
    what: str
    had: Callable[[Catalog], bool]
    question: str


def taken_names(action: Action, context: Context) -> tuple[Preflight, ...]:
    """The questions about names that the database has when the file is planned, and that no earlier statement may have freed."""
    if not context.catalog.known or any(action.node.get(word) for word in ("if_not_exists", "missing_ok", "replace")):
        return ()
    start = context.start or context.catalog
    found = [n for n in _given(action, context) if n.had(start) and n.had(context.catalog) and not _may_be_freed(n.name, action, context)]
    return tuple(Preflight(n.question, "false", f"{n.what} is there already, so the statement would fail") for n in found)


def _may_be_freed(name: str, action: Action, context: Context) -> bool:
    others = (*context.earlier, *(a for a in actions(action.statement) if a.number != action.number))
    return any(a.kind in _MAY_DO_ANYTHING or (_frees(a) and (_broad(a) or name in mentioned_names(a))) for a in others)


def _frees(action: Action) -> bool:
    return any(f" {word}" in f" {action.kind}" for word in ("DROP", "RENAME", "SET SCHEMA"))


def _broad(action: Action) -> bool:
    return action.node.get("behavior") == "DROP_CASCADE" or action.kind.startswith(_TAKES_MUCH_WITH_IT)


def _given(action: Action, context: Context) -> Iterator[_Name]:
    if action.kind in _MAKES_RELATION and action.relation and not makes_temporary(action):
        yield _relation(QualifiedName(action.relation[0] or context.catalog.creation_schema, action.relation[1]))
    elif action.kind == "CREATE INDEX" and action.relation and action.node.get("idxname"):
        yield _index(QualifiedName(context.name(action.relation).schema, action.node["idxname"]), context.name(action.relation))
    elif action.kind in ("CREATE TYPE", "CREATE DOMAIN") and (named := subject(action)):
        yield _type(QualifiedName(named[0] or context.catalog.creation_schema, named[1]))
    elif action.kind == "CREATE SCHEMA" and (schema := action.node.get("schemaname")):
        yield _Name(schema, f"schema {quote(schema)}", lambda c: schema in c.schemas, questions.schema_exists(schema))
    elif action.relation:
        yield from _of_relation(action, context.name(action.relation))


def _of_relation(action: Action, name: QualifiedName) -> Iterator[_Name]:
    """Names that a relation, or a part of it, gets."""
    change, schema = rename(action), action.node.get("newschema")
    if schema and schema != name.schema:
        yield _relation(QualifiedName(schema, name.name))
    elif change is not None and change.part in _PARTS:
        yield _PARTS[change.part](name, change.new)
    elif change is not None and not change.part:
        yield _relation(QualifiedName(name.schema, change.new))
    elif action.kind == "ALTER TABLE ADD COLUMN":
        yield _column(name, action.node["def"]["ColumnDef"]["colname"])
    elif action.kind == "CREATE TRIGGER":
        yield _trigger(name, action.node["trigname"])
    elif action.kind == "CREATE POLICY":
        yield _policy(name, action.node["policy_name"])
    else:
        yield from _added(action, name)


def _added(action: Action, table: QualifiedName) -> Iterator[_Name]:
    clause = added_constraint(action)
    if clause is None or clause.name is None or clause.kind is ConstraintKind.NOT_NULL:
        return
    yield _constraint(table, clause.name)
    if clause.kind in _INDEXED and not clause.using_index:
        yield _index(QualifiedName(table.schema, clause.name), table)


def _relation(name: QualifiedName) -> _Name:
    return _Name(name.name, f"relation {name}", lambda c: relation_name_taken(c, name), questions.relation_exists(name))


def _index(name: QualifiedName, table: QualifiedName) -> _Name:
    """One of that name on the same table is looked at by who builds it: it may be what is wanted, or left of a build that broke off."""

    def had(catalog: Catalog) -> bool:
        index = catalog.index(name)
        return relation_name_taken(catalog, name) and (index is None or index.table != table)

    return _Name(name.name, f"relation {name}", had, questions.relation_exists(name))


def _type(name: QualifiedName) -> _Name:
    return _Name(name.name, f"type {name}", lambda c: name in c.types or name in c.tables, questions.type_exists(name))


def _column(table: QualifiedName, name: str) -> _Name:
    return _part(table, "column", name, lambda t: (c.name for c in t.columns), questions.column_exists)


def _constraint(table: QualifiedName, name: str) -> _Name:
    """An inherited one becomes the table's own."""
    return _part(table, "constraint", name, lambda t: (c.name for c in t.constraints if not c.inherited), questions.constraint_exists)


def _trigger(table: QualifiedName, name: str) -> _Name:
    return _part(table, "trigger", name, lambda t: (r.name for r in t.triggers), questions.trigger_exists)


def _policy(table: QualifiedName, name: str) -> _Name:
    return _part(table, "policy", name, lambda t: t.policies, questions.policy_exists)


_PARTS = {"column": _column, "constraint": _constraint, "trigger": _trigger, "policy": _policy}


def _part(
    table: QualifiedName, what: str, name: str, names: Callable[[Table], Iterable[str]], question: Callable[[QualifiedName, str], str]
) -> _Name:
    """Something that has its name within a table."""

    def had(catalog: Catalog) -> bool:
        found = catalog.table(table)
        return found is not None and name in names(found)

    return _Name(name, f"{what} {quote(name)} of {table}", had, question(table, name))
