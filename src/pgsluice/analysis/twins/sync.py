"""What keeps a column and its twin in step: the functions and triggers, as SQL."""

from collections.abc import Iterator

from pgsluice.analysis.parts import Part
from pgsluice.analysis.twins.twin import Twin
from pgsluice.analysis.twins.writes import taken_back, together, trigger_function, trigger_parts
from pgsluice.model.catalog import TableKind
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_STEP = "keeps the two columns in step"
_FIXED = ("search_path", "TimeZone", "DateStyle", "IntervalStyle", "lc_monetary")


def forward(twin: Twin) -> Iterator[Part]:
    """Every write of the row computes the twin. Without OF and WHEN: a write of other columns moves the row past a backfill."""
    body = f"""BEGIN
{taken_back(twin.others_fire_before, twin.routine("fill"))}    NEW.{quote(twin.new)} := {twin.up("NEW")};
    RETURN NEW;
END"""
    yield _function(twin, "fill", body)
    yield from _trigger(twin, "fill", "BEFORE INSERT OR UPDATE", PhaseName.EXPAND)


def no_forward(twin: Twin) -> Iterator[Part]:
    """Takes them away again, within the swap."""
    create = ";\n".join(p.sql for p in forward(twin))
    drop = f"DROP TRIGGER {twin.trigger('fill')} ON {twin.table.name}"
    yield together(drop, "the twin is written by itself from here on", create, PhaseName.MIGRATE)
    yield together(f"DROP FUNCTION {twin.routine('fill')}()", "the trigger was its only caller", "", PhaseName.MIGRATE)


def reverse(twin: Twin) -> Iterator[Part]:
    """The old column follows the new one, so that there is a way back. It acts only when the column changed and the old value
    does not stand for the new one anyway ('007' stays '007' where the new value is 7)."""
    old = quote(twin.old)
    body = f"""DECLARE
    _was {twin.type};
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.{old} IS NOT NULL THEN
{_given_old(twin, old)}            RETURN NEW;
        END IF;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.{twin.name}), ROW(OLD.{twin.name})) THEN
        RETURN NEW;
    ELSE
        _was := {twin.up("NEW", old)};
        IF pg_catalog.record_image_eq(ROW(NEW.{twin.name}), ROW(_was)) THEN
            RETURN NEW;
        END IF;
    END IF;
{_down(twin, old)}
    RETURN NEW;
END"""
    yield from _in_step(twin, body, old)


def _given_old(twin: Twin, old: str) -> str:
    """A row that has the old value is one of an INSERT without column names; or it changes partitions, where the old one was computed
    from the new one, and need not give it back ('1.50' became 1.5)."""
    given = f"            NEW.{twin.name} := {twin.up('NEW', old)};\n"
    if twin.table.kind is not TableKind.PARTITIONED or twin.one_way or twin.both_integers:
        return given
    return f"""            DECLARE
                _then {twin.column.type};
            BEGIN
                _then := {twin.down(f"NEW.{twin.name}")};
                IF pg_catalog.record_image_eq(ROW(NEW.{old}), ROW(_then)) THEN
                    RETURN NEW;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
{given}"""


def both_ways(twin: Twin, default: str | None) -> Iterator[Part]:
    """Two names of one value: the column that a statement changes, or gives in an INSERT, is the other's value, too. With a `default`,
    which both have, what differs from it was given; else what is not NULL, as the twin has none."""
    old, new = f"NEW.{twin.name}", f"NEW.{quote(twin.new)}"
    given = f"{new} IS NOT NULL" if default is None else _differ(new, f"({default})::{twin.type}")
    body = f"""BEGIN
    IF (TG_OP = 'INSERT' AND {given})
       OR (TG_OP = 'UPDATE' AND {_differ(new, f"OLD.{quote(twin.new)}")}) THEN
        {old} := {new};
    ELSE
        {new} := {old};
    END IF;
    RETURN NEW;
END"""
    yield from _in_step(twin, body, quote(twin.new))


def _in_step(twin: Twin, body: str, other: str) -> Iterator[Part]:
    """Function and trigger until contract, for writes of the column and the `other` one, where no trigger before it may change them."""
    yield _function(twin, "sync", body, PhaseName.MIGRATE)
    of = "" if twin.others_fire_before else f" OF {twin.name}, {other}"
    yield from _trigger(twin, "sync", f"BEFORE INSERT OR UPDATE{of}", PhaseName.MIGRATE)


def _differ(one: str, other: str) -> str:
    return f"pg_catalog.record_image_ne(ROW({one}), ROW({other}))"


def _down(twin: Twin, old: str) -> str:
    if twin.one_way:
        return f"    NEW.{old} := NULL;"
    assignment = f"NEW.{old} := {twin.down(f'NEW.{twin.name}')};"
    if twin.never_fails_down:
        return f"    {assignment}"
    return f"""    BEGIN
        {assignment}
    EXCEPTION WHEN OTHERS THEN
        NEW.{old} := NULL;
    END;"""


def conversions(twin: Twin) -> Iterator[Part]:
    """The user's expressions as functions, bound to what their names mean here and now: a writer's search path is another one."""
    if twin.using is not None:
        given = ", ".join(f"{quote(c.name)} {c.type}" for c in twin.arguments)
        yield _conversion(twin, "up", given, twin.type, twin.up_body)
    if twin.back is not None:
        yield _conversion(twin, "down", f"{twin.name} {twin.type}", twin.column.type, twin.back)


def _conversion(twin: Twin, role: str, given: str, returns: str, body: str) -> Part:
    routine = twin.routine(role)
    sql = f"CREATE FUNCTION {routine}({given}) RETURNS {returns} LANGUAGE sql{_settings(twin)}\nRETURN ({body})"
    return together(sql, "the expression, bound to what it names now", f"DROP FUNCTION IF EXISTS {routine}", PhaseName.EXPAND)


def gone(twin: Twin, reason: str = "the old column needs no values any more") -> Iterator[Part]:
    """Trigger and functions go in the transaction that drops the old column: no write in between finds one without the other."""
    drops = [f"DROP TRIGGER IF EXISTS {twin.trigger('sync')} ON {twin.table.name}", f"DROP FUNCTION IF EXISTS {twin.routine('sync')}()"]
    drops += [f"DROP FUNCTION IF EXISTS {twin.routine('up')}"] if twin.using is not None else []
    drops += [f"DROP FUNCTION IF EXISTS {twin.routine('down')}"] if twin.back is not None else []
    for sql in drops:
        yield together(sql, reason, None, PhaseName.CONTRACT)


def _function(twin: Twin, role: str, body: str, phase: PhaseName = PhaseName.EXPAND) -> Part:
    security = " SECURITY DEFINER" if twin.foreign_names else ""
    return trigger_function(twin.routine(role), body, _STEP, phase, f"{security}{_settings(twin)}")


def _trigger(twin: Twin, role: str, when: str, phase: PhaseName) -> Iterator[Part]:
    return trigger_parts(twin.trigger(role), twin.table.name, when, twin.routine(role), _STEP, phase)


def _settings(twin: Twin) -> str:
    """The conversion is that of this run, whatever the writing session has set; each setting costs its time for each call."""
    if not twin.by_settings:
        return ""
    return "".join(f"\n    SET {name} FROM CURRENT" for name in _FIXED)


def function_names(twin: Twin) -> tuple[QualifiedName, ...]:
    return tuple(twin.routine(role) for role in ("fill", "sync", "up", "down"))
