"""What is asked of the server before anything changes, and before the swap."""

from pgsluice.analysis.twins.hanging import Copies
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.postgres.identifiers import QualifiedName, literal, quote
from pgsluice.model.steps import Preflight

_DROPPED_FIRST = frozenset({ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY})
"""What no upsert names, so that it goes before contract."""

_NO_VIEW = """      AND (d.classid = 'pg_rewrite'::regclass
           AND (SELECT v.relkind FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class WHERE r.oid = d.objid) = 'v') IS NOT TRUE
"""


def nothing_else(twin: Twin, copies: Copies) -> tuple[Preflight, ...]:
    """That nothing hangs on the column but what we make anew, in any partition either: the server knows everything that depends on it."""
    return tuple(question for table in twin.tables for question in (sees_all(table.name), _nothing_else(twin, copies, table.name)))


def _nothing_else(twin: Twin, copies: Copies, of: QualifiedName) -> Preflight:
    """A part of a constraint (conparentid) goes with the whole one, which hangs on the column of the table above, or of this one."""
    relations = [str(i.name) for i in copies.indexes] + ([str(twin.column.sequence)] if twin.column.sequence else [])
    keys = (key.whole for key in (*copies.keys, *copies.references.keys))
    constraints = [c.name for c in (*copies.checks, *keys, *(c for c, _ in copies.unique))]
    constraints += [key.name for key, _ in copies.primary_keys]
    constraints += [twin.column.not_null_constraint] if twin.column.not_null_constraint else []
    lost = _lost(twin)
    relations, constraints = [*relations, *lost[0]], [*constraints, *lost[1]]
    table = f"{literal(str(of))}::pg_catalog.regclass"
    views = _NO_VIEW if twin.to is not None and of == twin.table.name else ""
    rebuilt = _classes([str(v.name) for v in twin.around.dropped])
    sql = f"""SELECT coalesce(string_agg(what, ', ' ORDER BY what), '') FROM (
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = {table} AND a.attname = {literal(twin.column.name)}
      AND (d.classid = 'pg_class'::regclass AND d.objid = ANY (ARRAY[{_classes(relations)}]::oid[])) IS NOT TRUE
      AND (d.classid = 'pg_constraint'::regclass
           AND (SELECT k.conparentid <> 0 OR k.conname = ANY (ARRAY[{_texts(constraints)}]::name[]) FROM pg_constraint k
                WHERE k.oid = d.objid)) IS NOT TRUE
      AND (d.classid = 'pg_attrdef'::regclass
           AND EXISTS (SELECT FROM pg_attrdef f WHERE f.oid = d.objid AND f.adrelid = a.attrelid AND f.adnum = a.attnum)) IS NOT TRUE
      AND (d.classid = 'pg_rewrite'::regclass
           AND (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = d.objid) = ANY (ARRAY[{rebuilt}]::oid[])) IS NOT TRUE
{views}    UNION
    SELECT 'options of column ' || a.attname FROM pg_attribute a
    WHERE a.attrelid = {table} AND a.attname = {literal(twin.column.name)} AND a.attoptions IS NOT NULL
    UNION
    SELECT CASE WHEN i.indisclustered THEN 'CLUSTER ON ' WHEN c.reltablespace <> 0 THEN 'the tablespace of ' ELSE 'the comment on ' END
           || i.indexrelid::regclass
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indexrelid = ANY (ARRAY[{_classes(relations)}]::oid[])
      AND (i.indisclustered OR c.reltablespace <> 0 OR obj_description(i.indexrelid, 'pg_class') IS NOT NULL)
    UNION
    SELECT 'the comment on constraint ' || k.conname FROM pg_constraint k
    WHERE {table} IN (k.conrelid, k.confrelid) AND k.conname = ANY (ARRAY[{_texts(constraints)}]::name[])
      AND obj_description(k.oid, 'pg_constraint') IS NOT NULL
    UNION
    SELECT 'column ' || s.attname || ' of ' || s.attrelid::regclass || ', whose type is the row type of the table'
    FROM pg_class t JOIN pg_attribute s ON s.atttypid IN (t.reltype, (SELECT y.typarray FROM pg_type y WHERE y.oid = t.reltype))
    WHERE t.oid = {table} AND NOT s.attisdropped AND t.reltype <> 0
) AS hanging"""
    plain = "(for most of these the plain statement fails as well)" if twin.to is None else "(the plain statement keeps it)"
    message = f"{twin.name} of {of} cannot be changed by a new column while this hangs on it, which that would lose {plain}: {{value}}"
    return Preflight(sql, "", message)


def _lost(twin: Twin) -> tuple[list[str], list[str]]:
    """The indexes and constraints that hang on the column now, and that steps before the twin's drop."""
    before = twin.start.table(twin.table.name) if twin.start is not None else None
    if twin.start is None or before is None:
        return [], []
    named, keys = {c.name for c in twin.table.constraints}, twin.catalog.foreign_keys_to(twin.table.name)
    indexes = [str(i.name) for i in before.indexes if not i.unique and twin.table.index(i.name.name) is None]
    own = [c.name for c in before.constraints if c.kind in _DROPPED_FIRST and c.name not in named]
    return indexes, own + [k.name for k in twin.start.foreign_keys_to(twin.table.name) if k not in keys]


def sees_all(table: QualifiedName) -> Preflight:
    """That no row is hidden from us: it would be left without its value."""
    what = f"row security is forced on {table} and hides rows from this role: run as one with BYPASSRLS, or without FORCE"
    return Preflight(f"SELECT {hidden(table)}::text", "false", what)


def hidden(table: QualifiedName) -> str:
    return f"pg_catalog.row_security_active({literal(str(table))})"


def tried(value: str, type_: str) -> str:
    """0, once the value has been computed for each row; an error where it cannot be. The server leaves out what it knows to be false."""
    return f"0 * count(({value})::{type_})"


def never_gives_null(table: QualifiedName, column: str, value: str, where: str = "true") -> Preflight:
    """That the expression has a value for each row for which `where` holds, as its column may not be NULL."""
    rows = f"FROM {table} WHERE {where} AND ({value}) IS NULL"
    what = f"for {{value}} rows of {table} the expression gives NULL, which {quote(column)} may not be: SELECT * {rows}"
    return Preflight(f"SELECT count(*) {rows}", "0", what)


def differs(twin: Twin) -> str:
    """Whether a row's twin is not what its column makes it: equal is not enough, 1.0 and 1.00 are equal."""
    new = f"ROW({quote(twin.new)})"
    return f"pg_catalog.record_image_ne({new}, ROW({twin.expression}::{twin.change.type_sql}))"


def _classes(names: list[str]) -> str:
    return ", ".join(f"to_regclass({literal(name)})" for name in names)


def _texts(names: list[str]) -> str:
    return ", ".join(literal(name) for name in names)
