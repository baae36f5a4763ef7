"""A new column whose values come from others of its row (`from`), and give them back (`back`), while both releases run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pgsluice.analysis.parsing.column_names import bare_references
from pgsluice.analysis.parsing.columns import ColumnDefinition
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.questions import never_gives_null, sees_all, tried
from pgsluice.analysis.twins.triggers import trigger_name
from pgsluice.analysis.twins.waiting import awaited
from pgsluice.analysis.twins.writes import filling_session, taken_back, together, trigger_function, trigger_parts
from pgsluice.model.catalog import Column, Table
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote
from pgsluice.model.steps import Fill, OldName, Preflight

_STEP = "keeps the columns in step"


@dataclass(frozen=True, slots=True)
class Derived:
    """The new column `definition` of `table`: `source` computes it from the columns `read`, `back` computes the only one of these from
    the columns `given` (the new one among them); None where the old release's column may go stale. `add` is the ADD COLUMN."""

    table: Table
    definition: ColumnDefinition
    type: str
    add: str
    source: Expression
    read: tuple[Column, ...]
    back: Expression | None
    given: tuple[tuple[str, str], ...]
    others_fire_before: bool

    @property
    def name(self) -> str:
        return quote(self.definition.name)

    @property
    def waits(self) -> bool:
        """Whether the way back needs a column that a later statement of the file adds."""
        there = {c.name for c in self.table.columns} | {self.definition.name}
        return any(name not in there for name, _ in self.given)

    def routine(self, role: str) -> QualifiedName:
        return QualifiedName(self.table.name.schema, helper_name(self.table.name.name, self.definition.name, role))

    def trigger(self, role: str) -> str:
        return trigger_name(self.table.name.name, self.definition.name, role)

    def up(self) -> str:
        return f"{self.routine('up')}({', '.join(f'NEW.{quote(c.name)}' for c in self.read)})"

    def down(self) -> str:
        return f"{self.routine('down')}({', '.join(f'NEW.{quote(n)}' for n, _ in self.given)})"

    @property
    def differs(self) -> str:
        return f"pg_catalog.record_image_ne(ROW({self.name}), ROW(({self.source.sql})::{self.definition.type_sql}))"


def derived(column: Derived) -> tuple[Part, ...]:
    """The parts: column and trigger, filling, verification, then the trigger that works both ways until contract."""
    table = column.table.name
    where = column.differs
    fill = Part(
        f"UPDATE {table} SET {column.name} = {column.source.sql} WHERE {where}",
        "gives the rows that were there before their value, in whole passes until none is left",
        PhaseName.MIGRATE,
        fill=Fill(str(table), ((column.definition.name, column.source.sql),), where),
        releases_notice=f"a REPEATABLE READ transaction that updates a row of {table} which a batch updated meanwhile gets 40001",
        settled=Settled(session=filling_session(column.others_fire_before, column.routine("fill"))),
    )
    return (
        *_added(column),
        fill,
        *awaited(table, column.definition.name, where, column.trigger("fill")),
        *_both_ways(column),
        *_gone(column),
    )


def _added(column: Derived) -> Iterator[Part]:
    drop = f"ALTER TABLE {column.table.name} DROP COLUMN IF EXISTS {column.name}"
    trial = Preflight(
        f"SELECT {tried(column.source.sql, column.definition.type_sql)} FROM {column.table.name}",
        "0",
        "the expression cannot be had for every row",
    )
    if column.definition.never_null:
        value = f"({column.source.sql})::{column.definition.type_sql}"
        trial = never_gives_null(column.table.name, column.definition.name, value)
    went = f"values of {column.table.name}.{column.name} that its expression does not give"
    lost = ((went, f"SELECT count(*) FROM {column.table.name} WHERE {column.differs}"),) if column.back is None else ()
    yield Part(
        column.add,
        "the new column, and a trigger that fills it at each write",
        with_next=True,
        preflight=(sees_all(column.table.name), trial),
        settled=Settled(drop, loses=lost),
    )
    yield _conversion(column, "up", tuple((c.name, c.type) for c in column.read), column.type, column.source, PhaseName.EXPAND)
    if column.back is not None and not column.waits:
        yield _conversion(column, "down", column.given, column.read[0].type, column.back, PhaseName.EXPAND)
    yield _fill_function(column)
    *parts, last = _trigger(column, "fill", "BEFORE INSERT OR UPDATE", PhaseName.EXPAND)
    yield from parts
    yield replace(last, with_next=False)


def _conversion(
    column: Derived, role: str, given: tuple[tuple[str, str], ...], returns: str, expression: Expression, phase: PhaseName
) -> Part:
    names = frozenset(c.name for c in column.table.columns) | {name for name, _ in column.given}
    arguments = ", ".join(f"{quote(name)} {type_}" for name, type_ in given)
    routine, body = column.routine(role), bare_references(expression.sql, names)
    sql = f"CREATE FUNCTION {routine}({arguments}) RETURNS {returns} LANGUAGE sql\nRETURN ({body})"
    return together(sql, "the expression, bound to what it names now", f"DROP FUNCTION IF EXISTS {routine}", phase)


def _both_ways(column: Derived) -> Iterator[Part]:
    """Each side acts only when its own columns changed; the new one wins where a statement changes both."""
    table = column.table.name
    back_again = ";\n".join(p.sql for p in (_fill_function(column), *_trigger(column, "fill", "BEFORE INSERT OR UPDATE", PhaseName.EXPAND)))
    drop = f"DROP TRIGGER {column.trigger('fill')} ON {table}"
    yield together(drop, "from here on both releases may write either side", back_again, PhaseName.MIGRATE)
    yield together(f"DROP FUNCTION {column.routine('fill')}()", "the trigger was its only caller", "", PhaseName.MIGRATE)
    if column.back is not None and column.waits:
        yield _conversion(column, "down", column.given, column.read[0].type, column.back, PhaseName.MIGRATE)
    old, olds = ", ".join(f"NEW.{quote(c.name)}" for c in column.read), ", ".join(f"OLD.{quote(c.name)}" for c in column.read)
    follow = "\n        NULL;"
    if column.back is not None:
        follow = f"""
        _was := {column.up()};
        IF pg_catalog.record_image_ne(ROW(NEW.{column.name}), ROW(_was)) THEN
            NEW.{quote(column.read[0].name)} := {column.down()};
        END IF;"""
    body = f"""DECLARE
    _was {column.type};
BEGIN
    IF TG_OP = 'INSERT' AND NEW.{column.name} IS NULL THEN
        NEW.{column.name} := {column.up()};
    ELSIF TG_OP = 'INSERT' OR pg_catalog.record_image_ne(ROW(NEW.{column.name}), ROW(OLD.{column.name})) THEN{follow}
    ELSIF pg_catalog.record_image_ne(ROW({old}), ROW({olds})) THEN
        NEW.{column.name} := {column.up()};
    END IF;
    RETURN NEW;
END"""
    yield _function(column, "sync", body, PhaseName.MIGRATE)
    names = ", ".join(dict.fromkeys(quote(n) for n in (column.definition.name, *(c.name for c in column.read))))
    of = "" if column.others_fire_before else f" OF {names}"
    *parts, last = _trigger(column, "sync", f"BEFORE INSERT OR UPDATE{of}", PhaseName.MIGRATE)
    yield from parts
    notice = f"the new release may be deployed from here on; a statement that sets {column.name} and what it comes from: {column.name} wins"
    yield replace(last, with_next=False, releases_notice=notice)


def _fill_function(column: Derived) -> Part:
    back = taken_back(column.others_fire_before, column.routine("fill"))
    body = f"BEGIN\n{back}    NEW.{column.name} := {column.up()};\n    RETURN NEW;\nEND"
    return _function(column, "fill", body, PhaseName.EXPAND)


def _gone(column: Derived) -> Iterator[Part]:
    routines = [f"{column.routine('sync')}()", str(column.routine("up"))] + ([str(column.routine("down"))] if column.back else [])
    drops = [f"DROP TRIGGER IF EXISTS {column.trigger('sync')} ON {column.table.name}"]
    drops += [f"DROP FUNCTION IF EXISTS {routine}" for routine in routines]
    table = column.table.name
    written = tuple(OldName("column", table.schema, table.name, c.name, written=True) for c in column.read)
    for sql in drops:
        last = Settled(None, gone=written if sql is drops[0] else ())
        yield Part(sql, "one release alone is left", PhaseName.CONTRACT, with_next=sql is not drops[-1], settled=last)


def _function(column: Derived, role: str, body: str, phase: PhaseName) -> Part:
    return trigger_function(column.routine(role), body, _STEP, phase, " SECURITY DEFINER")


def _trigger(column: Derived, role: str, when: str, phase: PhaseName) -> Iterator[Part]:
    return trigger_parts(column.trigger(role), column.table.name, when, column.routine(role), _STEP, phase)
