"""Views that read a column which gets another name: they are bound to the column itself, and are bound to the other one instead."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.trees import strings, walk
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import Table, TableKind
from pgsluice.model.postgres.identifiers import helper_name, literal, quote


def readers(twin: Twin) -> list[Table]:
    """The views that read the column."""
    return [v for v in twin.catalog.views_on(twin.table.name) if (twin.table.name, twin.column.name) in v.depends_on]


def other_readers(twin: Twin) -> Iterator[str]:
    """Why a reader of the column cannot be bound to another one in a brief transaction."""
    for view in readers(twin):
        if view.kind is not TableKind.VIEW:
            yield f"{view.name} is a {view.kind} of {twin.name}, and would have to be filled anew"
        elif view.owner not in (twin.table.owner, twin.catalog.role):
            yield f"{view.name} reads {twin.name} and belongs to {quote(view.owner)}, who alone may bind it to another column"
        elif _by_place(view, twin):
            yield f"{view.name} reads {twin.name} by USING, or gives the columns of {twin.table.name} names by their places"


def _by_place(view: Table, twin: Twin) -> bool:
    """Whether the server prints its query with names for the table's columns by their places, now or once it reads another column: it
    does for a join USING columns that are not called the same any more."""
    for kind, node in walk(action_of(view.definition or "SELECT").node):
        if kind == "RangeVar" and node["relname"] == twin.table.name.name and node.get("alias", {}).get("colnames"):
            return True
        if kind == "JoinExpr" and twin.column.name in strings(node.get("usingClause", ())):
            return True
    return False


def reading(twin: Twin) -> Iterator[tuple[str, str]]:
    """The statement that binds them to the twin, and the one that binds them back."""
    if readers(twin):
        yield _bound(twin, twin.column.name, twin.new), _bound(twin, twin.new, twin.column.name)


def _bound(twin: Twin, column: str, other: str) -> str:
    """Whatever reads `column` at that time reads `other`, and shows it under the name that it had. The server prints and reads the
    queries: the two columns change names for that long."""
    rename, aside = f"{twin.alter} RENAME COLUMN", quote(helper_name(twin.table.name.name, twin.column.name, "aside"))
    reads = f"""EXISTS (
        SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class = c.oid
        JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND d.refobjid = {literal(str(twin.table.name))}::pg_catalog.regclass AND a.attname = {literal(column)})"""
    body = f"""
DECLARE
    _views pg_catalog.text[];
    _view pg_catalog.text;
BEGIN
    SELECT pg_catalog.array_agg(pg_catalog.format('CREATE OR REPLACE VIEW %s%s AS %s', c.oid::pg_catalog.regclass,
           ' WITH (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')', pg_catalog.pg_get_viewdef(c.oid)))
    INTO _views FROM pg_catalog.pg_class c
    WHERE c.relkind = 'v' AND {reads};
    {rename} {quote(column)} TO {aside};
    {rename} {quote(other)} TO {quote(column)};
    FOREACH _view IN ARRAY coalesce(_views, '{{}}') LOOP
        EXECUTE _view;
    END LOOP;
    {rename} {quote(column)} TO {quote(other)};
    {rename} {aside} TO {quote(column)};
    IF EXISTS (SELECT FROM pg_catalog.pg_class c WHERE {reads}) THEN
        RAISE EXCEPTION 'a view of % names its columns by their places, and reads % still',
            {literal(str(twin.table.name))}, {literal(column)};
    END IF;
END
"""
    return f"DO {literal(body)}"
