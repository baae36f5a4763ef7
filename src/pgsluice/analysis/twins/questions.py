"""What is asked of the server before anything changes, and before the swap: the rows, and what hangs on the column."""

from pgsluice.analysis.twins.hanging import Copies
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.postgres.identifiers import literal, quote
from pgsluice.model.steps import Preflight

SAMPLED_FROM_BYTES = 4 << 30
"""Tables larger than this are not converted on trial from end to end: reading 1 GiB took about 5 s (18, 2 cores)."""


def before_the_start(twin: Twin, copies: Copies) -> tuple[Preflight, ...]:
    """Nothing hangs on the column that the twin would not have, and the rows can be converted."""
    return (_nothing_else(twin, copies), *_converts(twin))


def _nothing_else(twin: Twin, copies: Copies) -> Preflight:
    """The server knows everything that depends on a column; what is not among what we make anew is named."""
    relations = [str(i.name) for i in copies.indexes] + ([str(twin.column.sequence)] if twin.column.sequence else [])
    constraints = [c.name for c in (*copies.checks, *copies.keys, *copies.keys_to, *(c for c, _ in copies.unique))]
    constraints += [copies.primary_key[0].name] if copies.primary_key else []
    constraints += [twin.column.not_null_constraint] if twin.column.not_null_constraint else []
    table = f"{literal(str(twin.table.name))}::pg_catalog.regclass"
    sql = f"""SELECT coalesce(string_agg(what, ', ' ORDER BY what), '') FROM (
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = {table} AND a.attname = {literal(twin.column.name)}
      AND (d.classid = 'pg_class'::regclass AND d.objid = ANY (ARRAY[{_classes(relations)}]::oid[])) IS NOT TRUE
      AND (d.classid = 'pg_constraint'::regclass
           AND (SELECT k.conname FROM pg_constraint k WHERE k.oid = d.objid) = ANY (ARRAY[{_texts(constraints)}]::name[])) IS NOT TRUE
      AND (d.classid = 'pg_attrdef'::regclass
           AND EXISTS (SELECT FROM pg_attrdef f WHERE f.oid = d.objid AND f.adrelid = a.attrelid AND f.adnum = a.attnum)) IS NOT TRUE
    UNION
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
    message = (
        f"the type of {twin.name} of {twin.table.name} cannot be changed while this hangs on it, which a new column would lose "
        "(for most of these the plain statement fails as well): {value}"
    )
    return Preflight(sql, "", message)


def _converts(twin: Twin) -> tuple[Preflight, ...]:
    value, table = twin.expression, twin.table
    rows = f"ONLY {table.name}" if not table.children else str(table.name)
    if table.bytes > SAMPLED_FROM_BYTES:
        rows += f" TABLESAMPLE SYSTEM ({max(0.01, 100 * SAMPLED_FROM_BYTES / table.bytes):.2f})"
    found: list[Preflight] = []
    if width := _width(twin):
        long = f"FROM {table.name} WHERE pg_catalog.char_length(pg_catalog.rtrim(({value})::pg_catalog.text)) > {width}"
        what = f"{{value}} rows of {table.name} are too long for {twin.change.type_sql}: see them with SELECT * {long}"
        found.append(Preflight(f"SELECT count(*) {long.replace(str(table.name), rows, 1)}", "0", what))
    null = f"({value})::{twin.change.type_sql} IS NULL"
    counted = f"count(*) FILTER (WHERE {null} AND {twin.name} IS NOT NULL)" if twin.column.not_null else tried(value, twin.change.type_sql)
    what = f"{{value}} rows of {table.name} would become NULL, which {twin.name} may not be: SELECT * FROM {table.name} WHERE {null}"
    found.append(Preflight(f"SELECT {counted} FROM {rows}", "0", what))
    return tuple(found)


def tried(value: str, type_: str) -> str:
    """0, once the value has been computed for each row; an error where it cannot be. The server leaves out what it knows to be false."""
    return f"0 * count(({value})::{type_})"


def _width(twin: Twin) -> int | None:
    """The most characters that the new type takes, where it has a limit: an assignment refuses what a cast would cut."""
    name, _, rest = twin.change.type_sql.partition("(")
    limit = rest.partition(")")[0].strip()
    return int(limit) if twin.change.type_name[1] in ("varchar", "bpchar") and name and limit.isdigit() else None


def differs(twin: Twin) -> str:
    """Whether a row's twin is not what its column makes it: equal is not enough, 1.0 and 1.00 are equal."""
    new = f"ROW({quote(twin.new)})"
    return f"pg_catalog.record_image_ne({new}, ROW({twin.expression}::{twin.change.type_sql}))"


def _classes(names: list[str]) -> str:
    return ", ".join(f"to_regclass({literal(name)})" for name in names)


def _texts(names: list[str]) -> str:
    return ", ".join(literal(name) for name in names)
