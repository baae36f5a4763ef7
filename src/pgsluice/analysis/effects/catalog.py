"""What an action does to the catalog: `after` gives the catalog behind it. Looking never changes anything.

Only what planning needs is simulated: relations and what hangs on them, names, types, functions, schemas and the search path.
What an action does beyond that, and what DO blocks and functions do, is not seen here.
"""

from collections.abc import Callable
from dataclasses import replace

from pgsluice.analysis.effects import columns, constraints, indexes, objects, tables
from pgsluice.analysis.parsing.statement import Action
from pgsluice.model.catalog import Catalog, Table

_OfTable = Callable[[Action, Catalog, Table], Catalog]
_OfCatalog = Callable[[Action, Catalog], Catalog]


def after(action: Action, catalog: Catalog) -> Catalog:
    """The catalog once the action has succeeded; the same where it changes nothing that we follow."""
    changed = _changed(action, catalog)
    return changed if _writes_no_row(action) else _filled(changed)


def _writes_no_row(action: Action) -> bool:
    return action.kind.startswith(_DEFINITIONS) and action.kind not in _FILLING


def _filled(catalog: Catalog) -> Catalog:
    """Any table that the run has made may hold rows from here on: what a function or a trigger writes is not seen."""
    new = {n: replace(t, filled=True) for n, t in catalog.tables.items() if t.made_by_run and not t.filled}
    return replace(catalog, tables={**catalog.tables, **new}) if new else catalog


def _changed(action: Action, catalog: Catalog) -> Catalog:
    if (effect := _CATALOG.get(action.kind)) is not None:
        return effect(action, catalog)
    of_table = _TABLE.get(action.kind.removeprefix("ALTER FOREIGN TABLE ").removeprefix("ALTER TABLE "))
    if of_table is None or action.relation is None or not action.kind.startswith(("ALTER TABLE ", "ALTER FOREIGN TABLE ")):
        return catalog
    table = catalog.table(catalog.resolve(*action.relation))
    if table is None:
        return catalog
    catalog = of_table(action, catalog, table)
    return _in_children(action, catalog, table) if of_table in _INHERITED and not action.only else catalog


def _in_children(action: Action, catalog: Catalog, table: Table) -> Catalog:
    """What a change of a column does to the tables below, which have it as well."""
    for child in (c for name in table.children if (c := catalog.table(name)) is not None):
        effect = columns.added_to_child if action.kind.endswith(" ADD COLUMN") else _TABLE[action.kind.removeprefix("ALTER TABLE ")]
        catalog = _in_children(action, effect(action, catalog, child), child)
    return catalog


def _row_security(on: bool) -> _OfTable:
    return lambda action, catalog, table: catalog.with_table(replace(table, row_security=on))


def _persistence(kind: str) -> _OfTable:
    return lambda action, catalog, table: catalog.with_table(replace(table, persistence=kind))


_DEFINITIONS = ("ALTER ", "BEGIN", "COMMENT", "COMMIT", "CREATE ", "DROP ", "GRANT", "REVOKE", "SET")
_FILLING = frozenset({"ALTER TABLE ATTACH PARTITION", "CREATE TABLE AS", "CREATE MATERIALIZED VIEW", "CREATE EXTENSION", "CREATE SCHEMA"})

_TABLE: dict[str, _OfTable] = {
    "ADD COLUMN": columns.added,
    "DROP COLUMN": columns.dropped,
    "ALTER COLUMN TYPE": columns.retyped,
    "SET DEFAULT": columns.default_set,
    "DROP DEFAULT": columns.default_dropped,
    "SET NOT NULL": columns.not_null_set,
    "DROP NOT NULL": columns.not_null_dropped,
    "ADD IDENTITY": columns.identity_added,
    "DROP IDENTITY": columns.identity_dropped,
    "DROP EXPRESSION": columns.expression_dropped,
    "RENAME COLUMN": columns.renamed,
    "ADD CONSTRAINT": constraints.added,
    "VALIDATE CONSTRAINT": constraints.validated,
    "DROP CONSTRAINT": constraints.dropped,
    "RENAME CONSTRAINT": constraints.renamed,
    "RENAME": tables.renamed,
    "SET SCHEMA": tables.moved,
    "ATTACH PARTITION": tables.attached,
    "DETACH PARTITION": tables.detached,
    "ENABLE ROW LEVEL SECURITY": _row_security(True),
    "DISABLE ROW LEVEL SECURITY": _row_security(False),
    "SET LOGGED": _persistence("permanent"),
    "SET UNLOGGED": _persistence("unlogged"),
}

_INHERITED = (columns.added, columns.dropped, columns.retyped, columns.renamed)

_CATALOG: dict[str, _OfCatalog] = {
    "CREATE TABLE": tables.created,
    "CREATE TABLE PARTITION OF": tables.created,
    "CREATE TABLE AS": tables.created,
    "CREATE FOREIGN TABLE": tables.created,
    "SELECT INTO": tables.created,
    "CREATE MATERIALIZED VIEW": tables.created,
    "CREATE VIEW": tables.view_created,
    "DROP TABLE": tables.dropped,
    "DROP VIEW": tables.dropped,
    "DROP MATERIALIZED VIEW": tables.dropped,
    "DROP FOREIGN TABLE": tables.dropped,
    "ALTER VIEW RENAME": tables.relation_renamed,
    "ALTER MATERIALIZED VIEW RENAME": tables.relation_renamed,
    "CREATE INDEX": indexes.created,
    "DROP INDEX": indexes.dropped,
    "ALTER INDEX RENAME": indexes.renamed,
    "ALTER INDEX ATTACH PARTITION": indexes.attached,
    "CREATE SEQUENCE": objects.sequence_created,
    "DROP SEQUENCE": objects.sequence_dropped,
    "ALTER SEQUENCE": objects.sequence_altered,
    "CREATE TYPE": objects.type_created,
    "CREATE DOMAIN": objects.type_created,
    "ALTER TYPE ADD VALUE": objects.label_added,
    "ALTER TYPE RENAME": objects.type_renamed,
    "ALTER DOMAIN RENAME": objects.type_renamed,
    "DROP TYPE": objects.type_dropped,
    "DROP DOMAIN": objects.type_dropped,
    "CREATE FUNCTION": objects.function_created,
    "CREATE PROCEDURE": objects.function_created,
    "DROP FUNCTION": objects.function_dropped,
    "DROP PROCEDURE": objects.function_dropped,
    "CREATE SCHEMA": objects.schema_created,
    "DROP SCHEMA": objects.schema_dropped,
    "CREATE EXTENSION": objects.extension_created,
    "CREATE TRIGGER": objects.trigger_created,
    "DROP TRIGGER": objects.trigger_dropped,
    "CREATE PUBLICATION": objects.published,
    "SET": objects.setting_changed,
}
