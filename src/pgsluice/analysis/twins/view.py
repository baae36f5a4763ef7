"""A view that keeps the old name of a table, or of a column, until contract: no row is copied."""

import re
from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.changes import trigger_definition
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.privileges import granted_on_view
from pgsluice.model.catalog import Catalog, Column, Table, TableKind
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote
from pgsluice.model.postgres.name_use import words_of
from pgsluice.model.steps import OldName

NOT_THROUGH_A_VIEW = (
    "TRUNCATE, COPY, ON CONFLICT ON CONSTRAINT, the columns xmin and ctid, GROUP BY its key with other columns, and MERGE up to 16"
)
"""What a statement on an automatically updatable view cannot do (tried on 14 to 18)."""

_NOT_IN_ROUTINES = re.compile(r"\b(TRUNCATE|COPY|ON\s+CONSTRAINT|XMIN|CTID|ROWTYPE|MERGE)\b", re.IGNORECASE)


def renamed_table(table: Table, new: QualifiedName, sql: str, back: str, catalog: Catalog, *, waits: bool = False) -> Iterator[Part]:
    """The renaming `sql`, which `back` undoes, and a view under the old name in the same transaction; contract drops the view. `waits`:
    something in contract still calls the table by its old name, so that it keeps it until then."""
    notice = f"{table.name} is a view from here on: what works on tables alone does not work by that name ({NOT_THROUGH_A_VIEW})"
    old = OldName(str(table.kind), table.name.schema, table.name.name)
    yield Part(sql, "the new name", with_next=True, settled=Settled(back, independent=not waits, gone=(old,)), releases_notice=notice)
    columns = [(c, c.name) for c in table.columns]
    yield from _view(table, new, columns, catalog, "the old name stays until contract, for the release that uses it")
    last = Settled(None, independent=False, gone=(old,), stands_in=True)
    yield Part(f"DROP VIEW {table.name}", "no release uses the old name any more", PhaseName.CONTRACT, settled=last)


def renamed_column(table: Table, old: str, new: str, catalog: Catalog, doomed: tuple[Column, ...] = ()) -> Iterator[Part]:
    """Table and column are renamed, and a view in the table's place shows the column under both names, and the columns that are
    `doomed` to go in contract; that takes the view away first, and gives the table its name back."""
    aside = QualifiedName(table.name.schema, helper_name(table.name.name, "table"))
    notice = (
        f"{table.name} is a view on {aside} until contract, with {quote(old)} and {quote(new)} for one column: a statement may set "
        f"either of the two, not both; what works on tables alone does not work ({NOT_THROUGH_A_VIEW}); SELECT * shows a further column"
    )
    rename = f"ALTER TABLE {table.name} RENAME TO {quote(aside.name)}"
    back = f"ALTER TABLE {aside} RENAME TO {quote(table.name.name)}"
    reason = "a view in the table's place shows the column under both names, so that no row is copied"
    why, name = "no release uses the old name any more", OldName("column", table.name.schema, table.name.name, old)
    yield Part(rename, reason, with_next=True, settled=Settled(back, gone=(name,)), releases_notice=notice)
    column, column_back = f"ALTER TABLE {aside} RENAME COLUMN {quote(old)} TO {quote(new)}", f"{quote(new)} TO {quote(old)}"
    yield Part(column, reason, with_next=True, settled=Settled(f"ALTER TABLE {aside} RENAME COLUMN {column_back}"))
    columns = [(c, new if c.name == old else c.name) for c in table.columns]
    columns += [(c, old) for c in table.columns if c.name == old]
    columns += [(c, c.name) for c in doomed]
    yield from _view(table, aside, columns, catalog, reason, renamed={old: new}, doomed=frozenset(c.name for c in doomed))
    last = Settled(None, independent=False, gone=(name,), early=True, stands_in=True)
    yield Part(f"DROP VIEW {table.name}", why, PhaseName.CONTRACT, with_next=True, settled=last)
    yield Part(back, why, PhaseName.CONTRACT, settled=Settled(None, independent=False, early=True))


def _view(
    table: Table,
    on: QualifiedName,
    columns: list[tuple[Column, str]],
    catalog: Catalog,
    reason: str,
    renamed: dict[str, str] | None = None,
    doomed: frozenset[str] = frozenset(),
) -> Iterator[Part]:
    """The view, with the table's privileges and owner. It asks who uses it for the rights on the table, where the server can (15)."""
    named = renamed or {}
    shown = ", ".join(_shown(named.get(c.name, c.name), name) for c, name in columns)
    options = " WITH (security_invoker = true)" if catalog.version.has_security_invoker else ""
    statements = [f"CREATE VIEW {table.name}{options} AS SELECT {shown} FROM {on}"]
    statements += granted_on_view(table, table.name, columns)
    if table.owner not in ("", catalog.role):
        statements.append(f"ALTER VIEW {table.name} OWNER TO {quote(table.owner)}")
    for sql in statements:
        undo = f"DROP VIEW IF EXISTS {table.name}" if sql is statements[0] else ""
        yield Part(sql, reason, with_next=sql is not statements[-1], settled=Settled(undo, regardless=doomed, stands_in=True))


def _shown(column: str, name: str) -> str:
    return quote(column) if column == name else f"{quote(column)} AS {quote(name)}"


def no_view(table: Table, catalog: Catalog, *, column: str | None = None) -> Iterator[str]:
    """Why no view can stand in the table's place; for a renamed column also what would not find it."""
    if table.row_security and not catalog.version.has_security_invoker:
        yield f"{table.name} has row security, which a view can apply to who uses it only from PostgreSQL 15 on"
    if table.kind not in (TableKind.TABLE, TableKind.PARTITIONED) or table.persistence == "temporary":
        yield f"{table.name} is a {table.kind}" if table.kind is not TableKind.TABLE else f"{table.name} is temporary"
    for function in catalog.functions:
        text = function.definition or ""
        if _names(text, table.name.name) and (found := _NOT_IN_ROUTINES.search(text)):
            yield f"{function.signature} names {table.name} and {found[0]}, which no view takes"
    if column is None:
        return
    if table.parents or (table.children and table.kind is TableKind.TABLE):
        yield f"{table.name} has a parent or children, which have the column as well"
    if table.published_by:
        yield f"{', '.join(table.published_by)} publishes {table.name}, and its subscribers know the table by its name"
    yield from naming_triggers(table, catalog, column)
    aside = helper_name(table.name.name, "table")
    if QualifiedName(table.name.schema, aside) in catalog.tables:
        yield f"{aside} is taken: contract the earlier migration first"


def naming_triggers(table: Table, catalog: Catalog, column: str) -> Iterator[str]:
    """Trigger functions of the table that name the column: one name of two is all that they know."""
    called = {t.function[1] for trigger in table.triggers if (t := trigger_definition(action_of(trigger.definition)))}
    for function in catalog.functions:
        if function.name.name in called and _names(function.definition or "", column):
            yield f"the trigger function {function.signature} names the column"


def _names(text: str, name: str) -> bool:
    return name in words_of(text)
