"""What acts on each write of a table: functions and triggers of ours, as parts that share a transaction."""

from collections.abc import Iterator

from pgsluice.analysis.parts import Part, Settled
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, literal

_FILLING = "pgsluice.filling"
"""A setting of our own: in the session of a backfill, the function whose column is filled. That one takes back what other triggers
change of a row, as the plain statement fires none; for others of ours, which fill another column, there is nothing to take back."""


def together(sql: str, reason: str, undo: str | None, phase: PhaseName) -> Part:
    """A part in one transaction with the next one."""
    return Part(sql, reason, phase, with_next=True, settled=Settled(undo))


def trigger_function(routine: QualifiedName, body: str, reason: str, phase: PhaseName, properties: str = "") -> Part:
    """A trigger's function in PL/pgSQL; `properties` (SECURITY DEFINER, SET ...) begin with a space or a new line."""
    sql = f"CREATE FUNCTION {routine}() RETURNS trigger LANGUAGE plpgsql{properties} AS $_pgsluice_$\n{body}\n$_pgsluice_$"
    return together(sql, reason, f"DROP FUNCTION IF EXISTS {routine}()", phase)


def trigger_parts(trigger: str, table: QualifiedName, when: str, routine: QualifiedName, reason: str, phase: PhaseName) -> Iterator[Part]:
    """A row trigger, `when` such as BEFORE INSERT OR UPDATE; its name is quoted already."""
    create = f"CREATE TRIGGER {trigger} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {routine}()"
    yield together(create, reason, f"DROP TRIGGER IF EXISTS {trigger} ON {table}", phase)
    yield together(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}", "for writes that replication applies, too", "", phase)


def taken_back(others_fire_before: bool, routine: QualifiedName) -> str:
    """The first lines of the body of this function: in the session of a backfill the row is what it was before other triggers."""
    if not others_fire_before:
        return ""
    filling = f"pg_catalog.current_setting('{_FILLING}', true) = {literal(str(routine))}"
    return f"    IF TG_OP = 'UPDATE' AND {filling} THEN\n        NEW := OLD;\n    END IF;\n"


def filling_session(others_fire_before: bool, routine: QualifiedName) -> str:
    """What the session of the backfill sets, so that `taken_back` knows it."""
    return f"SET {_FILLING} = {literal(str(routine))}" if others_fire_before else ""
