"""Triggers of ours among those of others: names that fire last, and what a filling would set off."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.changes import TriggerDefinition, trigger_definition
from pgsluice.model.catalog import Table, TableKind, Trigger
from pgsluice.model.postgres.identifiers import NAME_BYTES, clip, helper_name, quote

TRIGGER_MARK = "~"
"""In front of the name of a trigger of ours: BEFORE triggers fire in the order of their names' bytes, and ours must see what
the others have changed."""


def trigger_name(table: str, column: str, role: str) -> str:
    """The quoted name of a trigger of ours, which fires after those of others."""
    name = helper_name(table, column, role)
    if len(name.encode()) >= NAME_BYTES:
        from hashlib import sha256  # loads OpenSSL, and `check` needs none

        name = f"{clip(name, NAME_BYTES - 10)}_{sha256(name.encode()).hexdigest()[:8]}"
    return quote(TRIGGER_MARK + name)


def others_fire_before(table: Table) -> bool:
    """Whether other BEFORE row triggers may change a row before ours sees it."""
    found = (_read(t) for t in table.triggers if t.enabled)
    return any(t is not None and t.timing == "BEFORE" and t.row and not {"INSERT", "UPDATE"}.isdisjoint(t.events) for t in found)


def no_filling(table: Table) -> Iterator[str]:
    """Why the rows of a table cannot be filled by a trigger and a backfill so that nothing else changes."""
    if table.kind is not TableKind.TABLE or table.children or table.parents or table.of_type:
        yield f"{table.name} has partitions, children or a parent, and a twin would have to be made in each of them"
    yield from side_effects(table)


def side_effects(table: Table) -> Iterator[str]:
    """What else an update of the rows of this very table would do, as far as that is a reason against it."""
    if table.persistence == "temporary":
        yield f"{table.name} is temporary"
    if table.rules:
        yield f"the rules {', '.join(table.rules)} of {table.name} would act on each row that is filled"
    firing = [t.name for t in table.triggers if t.enabled and _fires(t)]
    if firing:
        yield f"the triggers {', '.join(firing)} of {table.name} would fire for each row that is filled, and the plain statement fires none"


def _fires(trigger: Trigger) -> bool:
    """Whether it acts on an update of the new column beyond the row itself: what a BEFORE row trigger makes of the row is taken back."""
    found = _read(trigger)
    if found is None or "UPDATE" not in found.events or found.columns:
        return False
    return found.timing != "BEFORE" or not found.row


def _read(trigger: Trigger) -> TriggerDefinition | None:
    return trigger_definition(action_of(trigger.definition))
