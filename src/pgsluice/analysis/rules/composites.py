"""A composite type that is changed: the server refuses that for what stores it, and for typed tables."""

from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.rules.evidence import none_found
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.postgres.identifiers import QualifiedName, literal
from pgsluice.model.steps import Preflight

_RETYPES = "ALTER TYPE ALTER ATTRIBUTE TYPE"
CHANGES = frozenset({"ALTER TYPE ADD ATTRIBUTE", "ALTER TYPE DROP ATTRIBUTE", "ALTER TYPE RENAME ATTRIBUTE", _RETYPES})
_LEAVES_COLUMNS = ("ADD ", "CREATE ", "COMMENT", "GRANT", "REVOKE", "INSERT", "UPDATE", "DELETE", "SET ")


def of_composite(action: Action, context: Context) -> tuple[Preflight, ...]:
    """That no column stores the type whose attribute gets another one, and that no table is of the type, unless CASCADE takes it with
    it; nothing where earlier statements of the file may change which there are."""
    found = action.relation or subject(action)
    known = context.catalog.type_named(*found) if found is not None else None
    start = (context.start or context.catalog).types
    if not context.catalog.known or known is None or known.name not in start or not all(map(_leaves_columns, context.earlier)):
        return ()
    typed = () if action.node.get("behavior") == "DROP_CASCADE" else (_no_typed_tables(known.name),)
    return (*((_no_columns(known.name),) if action.kind == _RETYPES else ()), *typed)


def _leaves_columns(action: Action) -> bool:
    return action.kind.removeprefix("ALTER TABLE ").startswith(_LEAVES_COLUMNS)


def _no_typed_tables(name: QualifiedName) -> Preflight:
    from_ = f"FROM pg_catalog.pg_class c WHERE c.reloftype = {_oid(name)}"
    shown = f'SELECT c.oid::pg_catalog.regclass AS "table" {from_}'
    return none_found(f"SELECT count(*) {from_}", f"tables are of type {name}, so that it is changed with CASCADE only", shown, shown)


def _no_columns(name: QualifiedName) -> Preflight:
    """Arrays, domains, ranges and other composite types that are made of it count as it does."""
    used = f"""WITH RECURSIVE used (oid) AS (
SELECT {_oid(name)}
UNION SELECT t.oid FROM used JOIN pg_catalog.pg_type t ON (t.typelem = used.oid AND t.typcategory = 'A') OR t.typbasetype = used.oid
OR t.oid IN (SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngsubtype = used.oid)
OR t.typrelid IN (SELECT a.attrelid FROM pg_catalog.pg_attribute a WHERE a.atttypid = used.oid AND NOT a.attisdropped))"""
    from_ = """FROM used JOIN pg_catalog.pg_attribute a ON a.atttypid = used.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE c.relkind IN ('r', 'm', 'p')"""
    shown = f'{used} SELECT c.oid::pg_catalog.regclass AS "table", a.attname AS "column" {from_}'
    said = f"columns are made of type {name}, which cannot be changed for that"
    return none_found(f"{used} SELECT count(*) {from_}", said, shown, shown)


def _oid(name: QualifiedName) -> str:
    return f"{literal(str(name))}::pg_catalog.regtype::pg_catalog.oid"
