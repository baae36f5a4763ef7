"""A column under another name by a twin, where no view can show it under both: both columns are written until contract."""

from collections.abc import Iterator

from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.changes import type_change
from pgsluice.analysis.parsing.own_expression import expression_of
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins import sync
from pgsluice.analysis.twins.domains import domain_default
from pgsluice.analysis.twins.hanging import Copies
from pgsluice.analysis.twins.not_null import NotNull
from pgsluice.analysis.twins.obstacles import obstacles
from pgsluice.analysis.twins.partitions import same_partitions
from pgsluice.analysis.twins.questions import differs
from pgsluice.analysis.twins.sequence import defaults
from pgsluice.analysis.twins.twin import Twin
from pgsluice.analysis.twins.type_change import added, analysed, filled
from pgsluice.analysis.twins.view import naming_triggers
from pgsluice.analysis.twins.view_columns import other_readers, reading
from pgsluice.analysis.twins.waiting import awaited
from pgsluice.analysis.twins.writes import together
from pgsluice.model.catalog import Catalog, Column, Table
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.steps import OldName


def twin_of(catalog: Catalog, start: Catalog | None, table: Table, column: Column, to: str) -> Twin:
    """The column as it is, under the other name; `start` as in Twin."""
    collation = f" COLLATE {column.collation}" if column.collation else ""
    change = type_change(action_of(f"ALTER TABLE t ALTER c TYPE {column.type}{collation}"))
    assert change is not None, "it says no other thing"
    return Twin(catalog, table, column, change, to=to, start=start)


def no_twin(twin: Twin) -> Iterator[str]:
    """Why both columns cannot stand side by side."""
    yield from naming_triggers(twin.table, twin.catalog, twin.column.name)
    yield from obstacles(twin)
    yield from other_readers(twin)
    if (default := _default(twin)) is not None and not twin.column.not_null and _is_volatile(default, twin):
        yield f"whether a row gives {twin.name} NULL cannot be told from its default {default}, which is another value each time"


def renamed_by_twin(twin: Twin, why: str) -> tuple[Part, ...]:
    """The parts, in order. What hangs on the old name stays there until contract, and has its like on the new one meanwhile, so that
    either release finds what it names; `why` is the reason against a view. Raises NotKeptError as a change of type does."""
    copies, not_null = Copies(twin), NotNull(twin)
    below = [t.name for t in twin.tables[1:]]
    return (
        *added(twin, copies, (), f"{quote(twin.new)} beside {twin.name}, as {why}"),
        filled(twin),
        *not_null.proved(),
        *copies.built(),
        *copies.made(),
        analysed(twin, copies),
        *awaited(twin.table.name, twin.column.name, differs(twin), twin.trigger("fill"), below),
        *_both(twin),
        *_gone(twin, copies, not_null),
    )


def _both(twin: Twin) -> Iterator[Part]:
    """One brief transaction: from here on either column may be written."""
    for check in same_partitions(twin.tables):
        yield together(check, "nothing was attached meanwhile", check, PhaseName.MIGRATE)
    yield from sync.no_forward(twin)
    for there, back in reading(twin):
        yield together(there, "what reads the column reads it under its new name", back, PhaseName.MIGRATE)
    if twin.column.default is not None and _by_default(twin):
        new = f"{twin.alter} ALTER COLUMN {quote(twin.new)}"
        yield together(f"{new} SET DEFAULT {twin.column.default}", "as the column has it", f"{new} DROP DEFAULT", PhaseName.MIGRATE)
    *parts, last = sync.both_ways(twin, _by_default(twin))
    yield from parts
    notice = (
        f"the new release may be deployed from here on: {twin.name} and {quote(twin.new)} of {twin.table.name} are one column for whoever "
        f"names either; {quote(twin.new)} wins where a statement sets both; ON CONFLICT ON CONSTRAINT and GROUP BY of a primary key go by "
        f"{twin.name} until contract; SELECT * shows both"
    )
    yield Part(last.sql, last.reason, PhaseName.MIGRATE, releases_notice=notice, settled=last.settled)


def _gone(twin: Twin, copies: Copies, not_null: NotNull) -> Iterator[Part]:
    """One brief transaction: the old name goes with all that is its own, whose names the new one's takes."""
    why = "no release uses the old name any more"
    yield from sync.gone(twin, why)
    moved = [there for there, _ in defaults(twin)] if not _by_default(twin) else []
    drop = f"{twin.alter} DROP COLUMN {twin.name}"
    last = OldName("column", twin.table.name.schema, twin.table.name.name, twin.column.name)
    statements = [*copies.references.freed(), *moved, drop, *not_null.taken_over(), *copies.taken_over(), *copies.copies_renamed()]
    for sql in statements:
        settled = Settled(None, gone=(last,) if sql is drop else ())
        yield Part(sql, why, PhaseName.CONTRACT, with_next=sql is not statements[-1], settled=settled)
    yield from copies.references.proved(PhaseName.CONTRACT)


def _default(twin: Twin) -> str | None:
    """What a row gets that does not give the column."""
    return twin.column.default if twin.column.default is not None else domain_default(twin.catalog, twin.column.type)


def _by_default(twin: Twin) -> str | None:
    """The default that both columns have meanwhile, so that the one which differs from it is the one that was given; None where one
    alone gets it, as it is another value each time."""
    default = _default(twin)
    return None if default is None or _is_volatile(default, twin) else default


def _is_volatile(default: str, twin: Twin) -> bool:
    return is_volatile(expression_of(default), twin.catalog)
