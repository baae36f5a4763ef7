"""The database that both ways get a copy of: the schema, filled with rows that plain SQL takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.execution.db.errors import DatabaseError, message_of, sqlstate_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import InputError
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.rehearsal.load.derived import DemandedKeys
from pgsluice.rehearsal.orders import Orders
from pgsluice.rehearsal.place import Place, live_session, session
from pgsluice.rehearsal.plain import run_plainly
from pgsluice.rehearsal.rows.filling import fill, qualified_shapes
from pgsluice.rehearsal.rows.habits import Habits, read_habits
from pgsluice.rehearsal.rows.shape import Shapes
from pgsluice.rehearsal.rows.sizes import read_sizes, scaled
from pgsluice.rehearsal.schema.layout import lay_out
from pgsluice.rehearsal.schema.live import dumped_major

_QUERIES = named_queries(__package__)

_SCHEMA, _TEMPLATE, _TRIAL = "schema", "template", "trial"
_BROKEN = ("22", "23")
"""The classes of SQLSTATEs of values that do not fit a type and of rows that break a constraint."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Template:
    """`name` is that of its database on the place. `live_sizes` are the rows of production's tables, as far as they are known; `notes`
    say what could not be made or filled as it should. `keys` are those, by table, that the migrations demand beyond the schema, and
    that what is inserted meanwhile has to keep to."""

    name: str
    live_sizes: Mapping[QualifiedName, int]
    notes: tuple[str, ...]
    keys: DemandedKeys = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Production:
    """What is known of the database that the migrations are meant for; its search path where it is there to be asked."""

    sizes: Mapping[QualifiedName, int]
    habits: Habits
    search_path: tuple[str, ...] = ()


def make_template(place: Place, orders: Orders, say: Say) -> Template:
    """Raises InputError `scale-without-sizes`, ConnectionFailedError."""
    with session(place.make(_SCHEMA)) as found:
        given = [orders.schema(place)] if orders.schema else []
        say(f"PostgreSQL {found.version}: laying out the schema")
        notes = [*_other_major(given, found.version.major), *lay_out(found, [*given, *orders.before])]
        found.run("RESET ALL")
        production = _production(found, orders)
    place.search_path = production.search_path
    unfilled = _filled(place, orders, production, say)
    keys: DemandedKeys = {}
    if orders.fills and (broken := _broken(place, orders)) is not None:
        then = _afterwards(place, orders)
        if then is not None:
            say("rows are made anew: they break what the migration demands")
            unfilled = _filled(place, orders, production, say, then)
            keys = _keys(place, then)
            if _broken(place, orders) is None:
                why = f"the first broke it ({broken}); `plan --database` asks production's"
                unfilled.append(f"rows made anew, so that they meet what the migration demands: {why}")
    return Template(_TEMPLATE, production.sizes, (*notes, *unfilled), keys)


def _other_major(given: Sequence[Migration], major: int) -> Iterator[str]:
    """Where the schema comes from a server of another major, that this proves less."""
    for theirs in filter(None, (dumped_major(dump.text) for dump in given)):
        if theirs != major:
            yield f"production runs PostgreSQL {theirs}, and this is {major}: locks, scans and rewrites differ (--bindir of a {theirs})"


def _production(found: Session, orders: Orders) -> _Production:
    """What statistics say of production: those of a live database, or those in a dump that was laid out."""
    if orders.live is not None:
        with live_session(orders.live) as live:
            path = live.value("SELECT pg_catalog.current_schemas(false)")
            known = _Production(read_sizes(live), read_habits(live), tuple(path))
    else:
        known = _Production(read_sizes(found), read_habits(found)) if orders.schema else _Production({}, {})
    if orders.scale is not None and not known.sizes:
        next = "ANALYZE there, or dump with `pg_dump --statistics` (18), or give --rows"
        raise InputError("scale-without-sizes", "no table's size is known", where="--scale", next=next)
    return known


def _filled(place: Place, orders: Orders, production: _Production, say: Say, then: Shapes | None = None) -> list[str]:
    """Makes the template and fills its tables, if they are to be; what could not be filled."""
    with session(place.make(_TEMPLATE, _SCHEMA)) as found:
        notes = _fill(found, orders, production, say, then) if orders.fills else []
        found.run("VACUUM (ANALYZE)")
    return notes


def _fill(found: Session, orders: Orders, production: _Production, say: Say, then: Shapes | None) -> list[str]:
    how = f"{orders.rows:,} rows a table" if orders.scale is None else f"{orders.scale:g} of the live sizes"
    say(f"filling it with {how}")
    sizes = {} if orders.scale is None else scaled(production.sizes, orders.scale)
    filled = fill(found, orders.rows, orders.seed, sizes=sizes, habits=production.habits, then=then)
    return [f"not filled: {one.what}: {one.reason}" for one in filled.unfilled]


def _broken(place: Place, orders: Orders) -> str | None:
    """What plain SQL says of the rows of the template where they break what it demands; of new rows a constraint demands it also where
    it is NOT VALID, and requests make theirs of those that are there."""
    dsn = place.make(_TRIAL, _TEMPLATE)
    error = _run(dsn, orders) or _unvalidated(dsn)
    return message_of(error) if error is not None and (sqlstate_of(error) or "").startswith(_BROKEN) else None


def _unvalidated(dsn: str) -> DatabaseError | None:
    """The first complaint of rows that break a constraint which was left NOT VALID."""
    with session(dsn) as found:
        for row in found.rows(_QUERIES["not_valid"]):
            try:
                found.run(f"ALTER TABLE {QualifiedName(row['schema'], row['name'])} VALIDATE CONSTRAINT {quote(row['constraint'])}")
            except DatabaseError as error:
                return error
    return None


def _afterwards(place: Place, orders: Orders) -> Shapes | None:
    """What the tables look like after plain SQL, without made-up rows; None where it fails there, too."""
    dsn = place.make(_TRIAL, _SCHEMA)
    if _run(dsn, orders) is not None:
        return None
    with session(dsn) as found:
        found.run("BEGIN")
        return qualified_shapes(found)


def _keys(place: Place, then: Shapes) -> DemandedKeys:
    """By the names that the tables have before."""
    with session(place.dsn(_SCHEMA)) as found:
        found.run("BEGIN")
        now = qualified_shapes(found).tables
    return {now[oid].name: tuple(key.used for key in table.keys) for oid, table in then.tables.items() if oid in now}


def _run(dsn: str, orders: Orders) -> DatabaseError | None:
    try:
        for migration in orders.migrations:
            run_plainly(dsn, migration, lambda line: None)
    except DatabaseError as error:
        return error
    return None
