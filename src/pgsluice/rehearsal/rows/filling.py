"""Filling a database: every table in an order that its foreign keys allow, in one transaction, and what could not be filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName, literal, quote
from pgsluice.rehearsal.rows.arrangement import ROW, Arrangement, arrange, hashed
from pgsluice.rehearsal.rows.demands import with_demands
from pgsluice.rehearsal.rows.habits import Habits
from pgsluice.rehearsal.rows.meeting import meet_checks
from pgsluice.rehearsal.rows.order import Turn, nullable, turns
from pgsluice.rehearsal.rows.shape import Check, ForeignKey, Shapes, read_shapes
from pgsluice.rehearsal.rows.statements import insert, orphans, update

_QUERIES = named_queries(__package__)

ROUNDS = 6
"""Attempts at the wanted number of rows, where conditions or keys leave some out."""

BEHIND = 1_000_003
"""Numbers of new rows start here in a table that holds rows: those that made the old ones are likely smaller."""

NULLS = 8
"""One row in so many has NULL where that is allowed."""


@dataclass(frozen=True, slots=True)
class Unfilled:
    """What could not be filled as wanted, and why: a table, or a column that stayed empty."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Filled:
    """How many rows were added to each table, and what could not be had."""

    rows: Mapping[QualifiedName, int]
    unfilled: tuple[Unfilled, ...]


@dataclass(slots=True)
class _Filling:
    session: Session
    shapes: Shapes
    rows: int
    sizes: Mapping[QualifiedName, int]
    habits: Habits
    seed: int
    nulls: int
    counts: dict[int, int] = field(default_factory=dict)
    added: dict[QualifiedName, int] = field(default_factory=dict)
    unfilled: list[Unfilled] = field(default_factory=list)
    waiting: list[tuple[Arrangement, ForeignKey]] = field(default_factory=list)


class _CannotFillError(Exception):
    pass


def fill(
    session: Session,
    rows: int,
    seed: int = 0,
    nulls: int = NULLS,
    sizes: Mapping[QualifiedName, int] = MappingProxyType({}),
    habits: Habits = MappingProxyType({}),
    then: Shapes | None = None,
) -> Filled:
    """Add about `rows` rows to every table (to each partitioned one as a whole), or as many as `sizes` say for it (for each partition by
    itself), that obey its types, keys, foreign keys and, as far as they can be met, checks. The same seed makes the same rows in the
    same schema. One row in `nulls` has NULL where it may, none with 0; columns whose `habits` are known have them: NULL, how many
    values differ, how common the commonest is. `then` is what the same database will look like later: its demands are met as well.

    Triggers and rules of the user do not act where the role may set session_replication_role. Sequences behind columns go on from the
    rows; materialised views are refreshed. One transaction: the session must not be in one. Raises DatabaseError."""
    session.run("BEGIN")
    try:
        shapes = qualified_shapes(session)
        shapes = shapes if then is None else with_demands(shapes, then, habits, rows)
        filling = _Filling(session, shapes, rows, sizes, habits, seed, nulls)
        _without_triggers(session)
        _fill_all(filling)
        session.run("COMMIT")
    finally:
        if session.in_transaction:
            session.run("ROLLBACK")
    return Filled(filling.added, tuple(filling.unfilled))


def qualified_shapes(session: Session) -> Shapes:
    """The shapes of the database, with every name in them qualified; in a transaction."""
    session.run("SAVEPOINT reading; SET LOCAL search_path = pg_catalog, pg_temp")
    shapes = read_shapes(session)
    session.run("ROLLBACK TO SAVEPOINT reading")
    return shapes


def _without_triggers(session: Session) -> None:
    _attempt(session, "SET LOCAL session_replication_role = replica")


def _fill_all(filling: _Filling) -> None:
    for turn in turns(filling.shapes):
        _fill_one(filling, turn)
    for made, key in filling.waiting:
        _fill_later(filling, made, key)
    _advance_sequences(filling)
    for view in filling.session.rows(_QUERIES["materialized_views"]):
        name = QualifiedName(view["schema"], view["name"])
        if (problem := _attempt(filling.session, f"REFRESH MATERIALIZED VIEW {name}")) is not None:
            filling.unfilled.append(Unfilled(str(name), problem))


def _fill_one(filling: _Filling, turn: Turn) -> None:
    session, table = filling.session, turn.table
    session.run("SAVEPOINT one_table")
    try:
        made, added = _rows_of(filling, turn)
        for key in table.foreign_keys:
            if session.value(orphans(table.name, key, filling.shapes.tables[key.target].name)) and key not in turn.constructed:
                raise _CannotFillError(f"no rows were found that {key.name} allows")
    except (DatabaseError, _CannotFillError) as error:
        session.run("ROLLBACK TO SAVEPOINT one_table")
        filling.unfilled.append(Unfilled(str(table.name), message_of(error)))
        return
    session.run("RELEASE SAVEPOINT one_table")
    filling.added[table.name] = added
    filling.waiting += [(made, key) for key in turn.later]


def _rows_of(filling: _Filling, turn: Turn) -> tuple[Arrangement, int]:
    table, shapes = turn.table, filling.shapes
    start, wanted = _stretch(filling, table.oid)
    present = filling.session.value(f"SELECT count(*) FROM ONLY {table.name}")
    start += BEHIND if present else 0
    later, habits = [*turn.later, *turn.constructed], filling.habits.get(table.name, {})
    made = arrange(table, shapes, _counts(filling, turn), later, wanted, filling.seed, filling.nulls, habits)
    _construct(made, turn, filling)
    _refuse_unmade(made, filling)
    checks, share = meet_checks(filling.session, made, shapes, start, min(wanted, made.limit))
    if share <= 0 and made.checks:
        named = ", ".join(c.name for c in checks)
        raise _CannotFillError(f"no rows were found that meet {named}")
    added = _insert(filling, made, start, min(wanted, made.limit), checks, share, exact=made.exact and not present)
    if not added:
        raise _CannotFillError("every row that was made was refused by a key")
    return made, added


def _counts(filling: _Filling, turn: Turn) -> dict[int, int]:
    """The rows of the tables that this one references, those that have theirs already."""
    table = turn.table
    for key in table.foreign_keys:
        if key.target in filling.counts or key in (*turn.later, *turn.constructed):
            continue
        given = " AND ".join(f"{quote(c)} IS NOT NULL" for c in key.target_columns)
        if key.target != table.oid:
            target = filling.shapes.tables[key.target].name
            filling.counts[key.target] = filling.session.value(f"SELECT count(*) FROM {target} WHERE {given}")
    return filling.counts


def _stretch(filling: _Filling, oid: int) -> tuple[int, int]:
    """The number of the first row of a table, and how many it gets; partitions have their stretches one behind the other."""
    shapes = filling.shapes
    siblings = shapes.leaves_of(shapes.root_of(oid))
    each = max(1, filling.rows // len(siblings))
    wanted = [filling.sizes.get(shapes.tables[sibling].name, each) for sibling in siblings]
    place = siblings.index(oid)
    return sum(wanted[:place]), wanted[place]


def _construct(made: Arrangement, turn: Turn, filling: _Filling) -> None:
    """Values of a foreign key to rows that do not stand there yet: what the row with a number that was drawn will hold."""
    shapes = filling.shapes
    for key in turn.constructed:
        target = shapes.tables[key.target]
        start, wanted = _stretch(filling, shapes.leaves_of(key.target)[0])
        theirs = made if target.oid == made.table.oid else arrange(target, shapes, {}, [], wanted, made.salt, made.nulls, {})
        keyed = any((unit := made.unit_of(c)) is not None and unit in made.ordinals for c in key.columns)
        number = ROW if keyed else hashed(ROW, made.salt, str(made.table.name), *key.columns)
        drawn = f"({start} + {number} % {wanted})"
        for ours, other in zip(key.columns, key.target_columns, strict=True):
            unit = theirs.unit_of(other)
            if unit is None or theirs.ordinals.get(unit) != ROW or other not in theirs.supplies:
                raise _CannotFillError(f"{key.name} goes in a circle, may not be NULL, and the rows to come are not known")
            made.constructed[ours] = theirs.supplies[other].made(drawn)
            made.supplies.pop(ours, None)


def _refuse_unmade(made: Arrangement, filling: _Filling) -> None:
    """A column of which nothing is known stays empty where it may."""
    for column in made.columns:
        unit = made.unit_of(column.name)
        if unit is None and not any(column.name in k.columns for k in made.later):
            if column.not_null and not column.has_default:
                raise _CannotFillError(f"no values are known for {quote(column.name)} of type {column.spelled}")
            filling.unfilled.append(Unfilled(f"{made.table.name}.{quote(column.name)}", f"no values are known for {column.spelled}"))
        if unit is not None and unit.key is not None and not unit.cards:
            if column.not_null:
                raise _CannotFillError(f"{filling.shapes.tables[unit.key.target].name} is empty, and {unit.key.name} needs a row of it")
            made.null.add(column.name)


def _insert(filling: _Filling, made: Arrangement, start: int, wanted: int, checks: list[Check], share: float, *, exact: bool) -> int:
    """Rows in rounds until there are enough, or a round of rows that no check leaves out brings nothing."""
    avoid = not exact and not any(k.deferred for k in made.table.keys)
    added, offset = 0, start
    for _ in range(ROUNDS):
        count = min(round((wanted - added) / max(share, 0.01)) + 1 if share < 1 else wanted - added, 50 * wanted)
        text = insert(made, offset, count, checks, avoid_conflicts=avoid)
        got = filling.session.connection.execute(text.encode()).rowcount
        added, offset = added + got, offset + count
        if (not got and share == 1) or added >= wanted or made.constructed:
            break
    return added


def _fill_later(filling: _Filling, made: Arrangement, key: ForeignKey) -> None:
    target = filling.shapes.tables[key.target].name
    problem = _attempt(filling.session, update(made, key, target, nullable(made.table, key)))
    if problem is not None:
        filling.unfilled.append(Unfilled(f"{made.table.name}: {key.name}", problem))


def _advance_sequences(filling: _Filling) -> None:
    """The next value of a sequence is behind those that the rows hold."""
    for table in filling.shapes.tables.values():
        for column in table.columns:
            if column.sequence is not None and filling.added.get(table.name):
                name = f"{literal(column.sequence)}::regclass"
                most = f"SELECT max({quote(column.name)})::bigint AS m FROM {table.name}"
                _attempt(filling.session, f"SELECT setval({name}, greatest(m, 1)) FROM ({most}) AS found WHERE m IS NOT NULL")


def _attempt(session: Session, sql: str) -> str | None:
    """Run it under a savepoint; what went wrong."""
    session.run("SAVEPOINT attempt")
    try:
        session.run(sql)
    except DatabaseError as error:
        session.run("ROLLBACK TO SAVEPOINT attempt")
        return message_of(error)
    session.run("RELEASE SAVEPOINT attempt")
    return None
