"""A change of a column's type by a twin: another column of the new type, filled and kept in step, that takes the old one's place."""

from collections.abc import Iterator

from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins import sync
from pgsluice.analysis.twins.hanging import Copies
from pgsluice.analysis.twins.not_null import NotNull
from pgsluice.analysis.twins.partitions import same_partitions
from pgsluice.analysis.twins.privileges import granted
from pgsluice.analysis.twins.questions import differs, nothing_else
from pgsluice.analysis.twins.rebuilt import come, gone
from pgsluice.analysis.twins.sequence import defaults
from pgsluice.analysis.twins.twin import Twin
from pgsluice.analysis.twins.waiting import awaited
from pgsluice.analysis.twins.writes import filling_session, together
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import literal, quote
from pgsluice.model.steps import Fill, Preflight


def type_change(twin: Twin, converts: tuple[Preflight, ...] = ()) -> tuple[Part, ...]:
    """The parts, in order; `converts` ask whether the rows can be converted. Raises NotKeptError where something that hangs on the
    column cannot be kept."""
    copies, not_null = Copies(twin), NotNull(twin)
    return (
        *added(twin, copies, converts, f"the twin of {twin.name}, which will take its place"),
        filled(twin),
        *not_null.proved(),
        *copies.built(),
        *copies.made(),
        analysed(twin, copies),
        *awaited(twin.table.name, twin.column.name, differs(twin), twin.trigger("fill"), [t.name for t in twin.tables[1:]]),
        *_swapped(twin, copies, not_null),
        *copies.references.proved(),
        *_dropped(twin, copies),
    )


def added(twin: Twin, copies: Copies, converts: tuple[Preflight, ...], reason: str) -> Iterator[Part]:
    """The twin with what it can have from the start, and the trigger that fills it, in one transaction."""
    add = f"{twin.alter} ADD COLUMN {quote(twin.new)} {twin.definition}"
    notice = f"from here on SELECT * from {twin.table.name} shows another column; INSERT and COPY that name their columns do not notice"
    yield Part(
        add,
        reason,
        with_next=True,
        preflight=(*nothing_else(twin, copies), *converts),
        releases_notice=notice,
        settled=Settled(f"{twin.alter} DROP COLUMN IF EXISTS {quote(twin.new)}"),
    )
    for sql in _described(twin):
        yield Part(sql, "as the column has it", with_next=True, settled=Settled())
    yield from sync.conversions(twin)
    *parts, last = sync.forward(twin)
    yield from parts
    yield Part(last.sql, last.reason, settled=last.settled)


def _described(twin: Twin) -> Iterator[str]:
    """Of the column's properties those that it keeps; its storage only where its type stays."""
    column, new = twin.column, quote(twin.new)
    if column.default is not None and not column.generated:
        yield f"{twin.alter} ALTER COLUMN {new} SET DEFAULT {column.default}"  # fails here, if at all, and not in the swap
        yield f"{twin.alter} ALTER COLUMN {new} DROP DEFAULT"
    if twin.to is not None and column.storage:
        yield f"{twin.alter} ALTER COLUMN {new} SET STORAGE {column.storage}"
    if twin.to is not None and column.compression:
        yield f"{twin.alter} ALTER COLUMN {new} SET COMPRESSION {column.compression}"
    if column.statistics_target is not None:
        yield f"{twin.alter} ALTER COLUMN {new} SET STATISTICS {column.statistics_target}"
    if column.comment is not None:
        yield f"COMMENT ON COLUMN {twin.table.name}.{new} IS {literal(column.comment)}"
    yield from granted(twin)


def filled(twin: Twin) -> Part:
    where = differs(twin)
    return Part(
        f"UPDATE {twin.table.name} SET {quote(twin.new)} = {twin.expression} WHERE {where}",
        "gives the rows that were there before their new value, in whole passes until none is left",
        PhaseName.MIGRATE,
        fill=Fill(str(twin.table.name), ((twin.new, twin.expression),), where),
        releases_notice=f"a REPEATABLE READ transaction that updates a row of {twin.table.name} which a batch updated meanwhile gets 40001",
        settled=Settled(session=filling_session(twin.others_fire_before, twin.routine("fill"))),
    )


def analysed(twin: Twin, copies: Copies) -> Part:
    """What the planner knows of a column is not known of its twin; what it knows of an index's expressions only a whole ANALYZE tells."""
    expressions = any(None in index.keys for index in copies.indexes)
    sql = f"ANALYZE {twin.table.name}" + ("" if expressions else f" ({quote(twin.new)})")
    return Part(sql, "so that queries on it are planned as before", PhaseName.MIGRATE, settled=Settled())


def _swapped(twin: Twin, copies: Copies, not_null: NotNull) -> Iterator[Part]:
    """One brief transaction. Each statement says what takes it back, so that the way back is one, too."""
    rename = f"{twin.alter} RENAME COLUMN"
    statements = [
        *gone(twin.around),
        *copies.exchanged_keys(),
        *defaults(twin),
        *not_null.exchanged(),
        *copies.swapped(),
        (f"{rename} {twin.name} TO {quote(twin.old)}", f"{rename} {quote(twin.old)} TO {twin.name}"),
        (f"{rename} {quote(twin.new)} TO {twin.name}", f"{rename} {twin.name} TO {quote(twin.new)}"),
        *come(twin.around),
    ]
    for check in same_partitions(twin.tables, *copies.references.trees):
        yield together(check, "nothing was attached meanwhile", check, PhaseName.MIGRATE)
    yield from sync.no_forward(twin)
    first, *rest = statements
    lost = f"SELECT count(*) FROM {twin.table.name} WHERE {quote(twin.old)} IS NULL AND {twin.name} IS NOT NULL"
    what = f"values of {twin.table.name}.{twin.name} that {twin.column.type} cannot hold"
    before = (*not_null.first_on_the_way_back(), *copies.first_on_the_way_back())
    kept = (*not_null.if_kept(), *copies.if_kept())
    yield _exchange(first, Settled(first[1], before, kept, ((what, lost),), takes=True))
    yield from (_exchange(pair, Settled(pair[1])) for pair in rest)
    *parts, last = sync.reverse(twin)
    yield from parts
    notice = (
        f"{twin.name} of {twin.table.name} has its new type and is the last column from here on; an INSERT without column names "
        'still means the old places; statements prepared before get "cached plan must not change result type" once where they return it'
    )
    yield Part(last.sql, last.reason, PhaseName.MIGRATE, releases_notice=notice, settled=last.settled)


def _exchange(pair: tuple[str, str], settled: Settled) -> Part:
    return Part(pair[0], "the two columns change places", PhaseName.MIGRATE, with_next=True, settled=settled)


def _dropped(twin: Twin, copies: Copies) -> Iterator[Part]:
    yield from sync.gone(twin)
    drop, why = f"{twin.alter} DROP COLUMN {quote(twin.old)}", "the old column, with the indexes and constraints that were its own"
    renamed = list(copies.copies_renamed())
    yield Part(drop, why, PhaseName.CONTRACT, with_next=bool(renamed), settled=Settled(None))
    for sql in renamed:
        named = "names without ours for what was made with the helpers"
        yield Part(sql, named, PhaseName.CONTRACT, with_next=sql is not renamed[-1], settled=Settled(None))
