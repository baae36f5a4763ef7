"""NOT NULL on a column into which the old release still writes NULL: a trigger gives such rows a value until contract."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.parsing.column_names import bare_references
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.questions import never_gives_null, sees_all
from pgsluice.analysis.twins.triggers import others_fire_before, trigger_name
from pgsluice.analysis.twins.writes import filling_session, taken_back, together, trigger_function, trigger_parts
from pgsluice.model.catalog import Catalog, Column, Table
from pgsluice.model.names import not_null_name
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote
from pgsluice.model.steps import Fill


def never_null(catalog: Catalog, table: Table, column: Column, value: Expression) -> Iterator[Part]:
    """The parts: the trigger first, so that no new NULL comes; the rows that have one filled; NOT NULL proved; contract drops the
    trigger. `value` computes it from the row's other columns."""
    yield from _trigger(table, column, value)
    yield _filled(table, column, value)
    yield from _proved(catalog, table, column)
    yield from _gone(table, column)


def _routine(table: Table, column: Column, role: str) -> QualifiedName:
    return QualifiedName(table.name.schema, helper_name(table.name.name, column.name, role))


def _trigger(table: Table, column: Column, value: Expression) -> Iterator[Part]:
    read = [c for c in table.columns if c.name in value.columns]
    given, up, set_ = (
        ", ".join(f"{quote(c.name)} {c.type}" for c in read),
        _routine(table, column, "value"),
        _routine(table, column, "given"),
    )
    body = bare_references(value.sql, frozenset(c.name for c in table.columns))
    conversion = f"CREATE FUNCTION {up}({given}) RETURNS {column.type} LANGUAGE sql\nRETURN ({body})"
    bound = together(conversion, "the value, bound to what it names now", f"DROP FUNCTION IF EXISTS {up}", PhaseName.EXPAND)
    asked = never_gives_null(table.name, column.name, f"({value.sql})::{column.type}", f"{quote(column.name)} IS NULL")
    yield replace(bound, preflight=(sees_all(table.name), asked))
    name, row = quote(column.name), ", ".join(f"NEW.{quote(c.name)}" for c in read)
    code = f"""BEGIN
{taken_back(others_fire_before(table), set_)}    IF NEW.{name} IS NULL THEN
        NEW.{name} := {up}({row});
    END IF;
    RETURN NEW;
END"""
    reason = "gives a row its value where the old release writes NULL"
    yield trigger_function(set_, code, reason, PhaseName.EXPAND, " SECURITY DEFINER")
    trigger = trigger_name(table.name.name, column.name, "given")
    create, always = trigger_parts(trigger, table.name, "BEFORE INSERT OR UPDATE", set_, reason, PhaseName.EXPAND)
    yield create
    notice = f"NULL written to {name} of {table.name} becomes the value of the directive from here on, and stays it after a rollback"
    yield replace(always, with_next=False, releases_notice=notice)


def _filled(table: Table, column: Column, value: Expression) -> Part:
    where = f"{quote(column.name)} IS NULL"
    return Part(
        f"UPDATE {table.name} SET {quote(column.name)} = {value.sql} WHERE {where}",
        "gives the rows that have NULL their value",
        PhaseName.MIGRATE,
        fill=Fill(str(table.name), ((column.name, value.sql),), where),
        settled=Settled(session=filling_session(others_fire_before(table), _routine(table, column, "given"))),
    )


def _proved(catalog: Catalog, table: Table, column: Column) -> Iterator[Part]:
    alter, name = f"ALTER TABLE {table.name}", quote(column.name)
    named = catalog.version.has_not_null_constraints
    constraint = quote(not_null_name(catalog, table.name, column.name) if named else helper_name(table.name.name, column.name, "not_null"))
    clause = f"NOT NULL {name}" if named else f"CHECK ({name} IS NOT NULL)"
    drop = f"{alter} DROP CONSTRAINT IF EXISTS {constraint}"
    add = f"{alter} ADD CONSTRAINT {constraint} {clause} NOT VALID"
    yield Part(add, "new rows are checked from here on", PhaseName.MIGRATE, settled=Settled(drop))
    validate = f"{alter} VALIDATE CONSTRAINT {constraint}"
    yield Part(validate, "checks the rows that were there before, while nobody waits", PhaseName.MIGRATE, settled=Settled())
    if not named:
        set_, unset = f"{alter} ALTER COLUMN {name} SET NOT NULL", f"{alter} ALTER COLUMN {name} DROP NOT NULL"
        yield Part(set_, "the check proves it, so nothing is scanned", PhaseName.MIGRATE, with_next=True, settled=Settled(unset))
        yield Part(f"{alter} DROP CONSTRAINT {constraint}", "the helper has done its work", PhaseName.MIGRATE, settled=Settled(add))


def _gone(table: Table, column: Column) -> Iterator[Part]:
    trigger = trigger_name(table.name.name, column.name, "given")
    routines = (f"{_routine(table, column, 'given')}()", str(_routine(table, column, "value")))
    drops = [f"DROP TRIGGER IF EXISTS {trigger} ON {table.name}", *(f"DROP FUNCTION IF EXISTS {r}" for r in routines)]
    for sql in drops:
        yield Part(sql, "nobody writes NULL any more", PhaseName.CONTRACT, with_next=sql is not drops[-1], settled=Settled(None))
