"""A backfill of the command line: the change as one statement, and as what the batches do."""

from dataclasses import replace
from hashlib import sha256

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.row_changes import RowChange, row_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.rules.batching import batched
from pgsluice.analysis.rules.copying import copied
from pgsluice.analysis.rules.rule import NoRewrite
from pgsluice.model.backfills import Job
from pgsluice.model.catalog import Catalog, Table
from pgsluice.model.errors import InputError, RefusedError, UsageError
from pgsluice.model.postgres.identifiers import clip
from pgsluice.model.steps import Fill

_NAME_BYTES = 40


def statement_of(table: str, assignments: tuple[str, ...], where: str | None, *, delete: bool = False, select: str | None = None) -> str:
    """The change as one SQL statement; the texts are the user's, each ends with its line. Raises UsageError `no-change`."""
    if [delete, bool(assignments), select is not None].count(True) != 1 or (select is not None and where is not None):
        raise UsageError(
            "no-change",
            "a backfill needs one of --set, --delete and --select",
            next='give --set "column = expression", --delete, or --select "columns FROM table WHERE condition"',
        )
    if select is not None:
        return f"INSERT INTO {table}\n SELECT {select}".strip()
    condition = f" WHERE {where}\n" if where else ""
    verb = f"DELETE FROM {table}\n" if delete else f"UPDATE {table}\n SET " + "\n, ".join(assignments) + "\n"
    return (verb + condition).strip()


def job_of(sql: str, catalog: Catalog, *, name: str | None = None, skip_triggers: bool = False, skip_failing: bool = False) -> Job:
    """What `pgsluice backfill` does for a statement. Raises InputError, UsageError `no-such-table`, RefusedError `not-in-batches`
    and `triggers-hold-keys`."""
    action = _action(sql)
    assert action.relation is not None, "each of them names a table"
    found = catalog.resolve(*action.relation)
    table = catalog.table(found)
    if table is None:
        raise UsageError("no-such-table", f"there is no table {found}", next="give its schema, or look for the spelling")
    fill = _fill(action, table, catalog, skip_triggers)
    if isinstance(fill, str):
        raise RefusedError(
            "not-in-batches",
            f"the change cannot be done in batches: {fill}",
            where=str(found),
            next="change the statement, or give the table a unique key without NULLs; run it as it is where the table is small or idle",
        )
    return Job(name or _name(table, sql), sql, fill, catalog.search_path, skip_triggers, skip_failing)


def _fill(action: Action, table: Table, catalog: Catalog, skip_triggers: bool) -> Fill | str:
    """What the batches do, or why there can be none."""
    change = row_change(action)
    if skip_triggers:
        _refuse_unheld_keys(action.kind, change, table, catalog)
    if action.kind == "INSERT":
        return copied(action, table, catalog)
    _refuse_unknown_columns(change, table)
    seen = _without_triggers(table) if skip_triggers else table
    fill = batched(action, seen, catalog.with_table(seen))
    return fill.reason if isinstance(fill, NoRewrite) else fill


def _action(sql: str) -> Action:
    """Raises InputError where the texts make up more, or less, than one UPDATE, DELETE or INSERT."""
    (action,) = actions(parse_statement(sql))
    if action.kind not in ("UPDATE", "DELETE", "INSERT"):
        raise InputError(
            "not-one-change", "the texts do not make up one UPDATE, DELETE or INSERT", next="correct TABLE, --set, --select and --where"
        )
    return action


def _refuse_unknown_columns(change: RowChange, table: Table) -> None:
    unknown = next((c for c in change.columns if table.column(c) is None), None)
    if unknown is not None:
        columns = ", ".join(c.name for c in table.columns)
        raise UsageError("no-such-column", f"{table.name} has no column {unknown}", next=f"its columns are {columns}")


def _refuse_unheld_keys(kind: str, change: RowChange, table: Table, catalog: Catalog) -> None:
    """Foreign keys are held by triggers."""
    columns = set(change.columns)
    own = [k for k in table.foreign_keys if kind == "INSERT" or columns & set(k.columns)]
    others = [k for k in catalog.foreign_keys_to(table.name) if kind == "DELETE" or columns & set(k.referenced_columns)]
    if own or others:
        raise RefusedError(
            "triggers-hold-keys",
            f"without triggers nobody would hold the foreign key {(own + others)[0].name}",
            where=str(table.name),
            next="leave --skip-triggers out",
        )


def _without_triggers(table: Table) -> Table:
    return replace(table, triggers=())


def _name(table: Table, sql: str) -> str:
    return f"{clip(table.name.name, _NAME_BYTES)}-{sha256(sql.encode()).hexdigest()[:6]}"
