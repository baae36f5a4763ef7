"""Whether the values of a column can be converted to another type: asked before anything changes, whichever way the change takes."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.built_in import BUILT_IN_TYPES
from pgsluice.analysis.parsing.statement import Node
from pgsluice.analysis.parsing.trees import name_of, strings
from pgsluice.analysis.rules.evidence import no_rows, rows
from pgsluice.analysis.rules.foresight import means_the_same, stands
from pgsluice.analysis.rules.rule import Context
from pgsluice.analysis.twins.questions import tried
from pgsluice.analysis.twins.twin import Twin, is_cast
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.postgres.types import INTEGER_MAXIMA
from pgsluice.model.steps import Preflight

SAMPLED_FROM_BYTES = 4 << 30
"""Tables larger than this are not converted on trial from end to end: reading 1 GiB took about 5 s (18, 2 cores)."""

_CUTTING = ("text", "varchar", "bpchar", "name", "char", "bit", "varbit", "xml")
"""Types that a cast cuts text down for, or that take any."""


def convertible(twin: Twin, context: Context) -> tuple[Preflight, ...]:
    """That each row's value can be converted, and becomes NULL only where it may; nothing where that cannot be seen before the run."""
    using, table = twin.change.using, twin.table.name
    if not context.foreseeable(table, (twin.column.name, *(using.columns if using else ()))):
        return ()
    return (*_labels(twin, context), *(_tried(twin, context) if _meant(twin, context) else ()))


def _meant(twin: Twin, context: Context) -> bool:
    """Whether types and functions are now what they will be."""
    using = twin.change.using
    types = {twin.change.type_name[1], *(name for _, name in (using.types if using else ()))}
    return stands(context, types) and means_the_same(context, using)


def _labels(twin: Twin, context: Context) -> Iterator[Preflight]:
    """Of an enum that is given text it is known without the server what it takes, also where the file has yet to make it."""
    text, enum = _text(twin), _enum(twin, context)
    if text is None or enum is None:
        return
    labels = ", ".join(literal(label) for label in enum)
    yield _misfits(twin, context, f"{text} <> ALL (ARRAY[{labels}]::pg_catalog.text[])")


def _enum(twin: Twin, context: Context) -> tuple[str, ...] | None:
    known = context.catalog.type_named(*twin.change.type_name)
    return known.labels if known is not None and known.kind == "enum" and not twin.change.type_sql.rstrip().endswith("]") else None


def _tried(twin: Twin, context: Context) -> Iterator[Preflight]:
    if (text := _readable(twin, context)) is not None:
        yield _misfits(twin, context, f"NOT pg_catalog.pg_input_is_valid({text}, {literal(twin.change.type_sql)})")
    if twin.both_integers and (twin.using is None or is_cast(twin.using, twin.column.name)):
        most = INTEGER_MAXIMA[twin.new_type]
        yield _misfits(twin, context, f"{twin.name} NOT BETWEEN {-most - 1} AND {most}")
    value, table = twin.expression, twin.table.name
    if width := _width(twin):
        yield _misfits(twin, context, f"pg_catalog.char_length(pg_catalog.rtrim(({value})::pg_catalog.text)) > {width}")
    null = f"({value})::{twin.change.type_sql} IS NULL"
    counted = f"count(*) FILTER (WHERE {null} AND {twin.name} IS NOT NULL)" if twin.column.not_null else tried(value, twin.change.type_sql)
    what = f"{{value}} rows of {table} would become NULL, which {twin.name} may not be: SELECT * FROM {table} WHERE {null}"
    yield Preflight(f"SELECT {counted} FROM {_rows(twin, context)}", "0", what)


def _readable(twin: Twin, context: Context) -> str | None:
    """The text that the server's own input function reads, where it can be asked without an error."""
    schema, name = twin.change.type_name
    known = schema in (None, "pg_catalog") and name in BUILT_IN_TYPES and name not in _CUTTING
    return _text(twin) if known and context.version.has_soft_input_errors else None


def _misfits(twin: Twin, context: Context, condition: str) -> Preflight:
    """That no row meets the condition, under which its value does not fit."""
    table, columns = twin.table.name, (twin.column.name,)
    what = f"rows of {table} have values of {twin.name} that do not fit into {twin.change.type_sql}"
    asked = no_rows(context, table, columns, f"FROM {rows(context, table, not twin.table.children)} WHERE {condition}", what)
    sampled = f"FROM {_rows(twin, context)} WHERE {condition}"
    return Preflight(f"SELECT count(*) {sampled}", asked.expect, asked.message, asked.examples)


def _rows(twin: Twin, context: Context) -> str:
    """The table's rows, of a very large one a sample."""
    found = rows(context, twin.table.name, not twin.table.children)
    if twin.table.bytes <= SAMPLED_FROM_BYTES or twin.table.name in context.imagined:
        return found
    return f"{found} TABLESAMPLE SYSTEM ({max(0.01, 100 * SAMPLED_FROM_BYTES / twin.table.bytes):.2f})"


def _text(twin: Twin) -> str | None:
    """The column as text, where the new value is what the new type reads from that; None where it comes another way."""
    using = twin.change.using
    if using is None:
        return None
    casts = _casts(using.node)
    given = twin.column.type in ("text", "character varying")
    if not is_cast(using, twin.column.name) or not casts or casts[0] != twin.change.type_name[1]:
        return None
    plain = len(casts) == 1 and given
    return f"{twin.name}::pg_catalog.text" if plain or (len(casts) == 2 and casts[1] == "text") else None


def _casts(node: Node) -> list[str]:
    """The types of the casts around a column, the outermost first."""
    found = []
    while cast := node.get("TypeCast"):
        found.append(name_of(strings(cast["typeName"].get("names", ())))[1])
        node = cast.get("arg", {})
    return found


def _width(twin: Twin) -> int | None:
    """The most characters that the new type takes, where it has a limit: an assignment refuses what a cast would cut."""
    name, _, rest = twin.change.type_sql.partition("(")
    limit = rest.partition(")")[0].strip()
    return int(limit) if twin.change.type_name[1] in ("varchar", "bpchar") and name and limit.isdigit() else None
