"""The rehearsal: migrations on two copies of a filled schema under load, once as plain SQL and once as pgsluice runs them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.errors import DatabaseError, message_of, sqlstate_of
from pgsluice.execution.db.session import Session
from pgsluice.model.catalog import Catalog, TableKind
from pgsluice.model.errors import InputError, PgsluiceError
from pgsluice.model.events import Event
from pgsluice.model.measurement import Measurement
from pgsluice.model.plan import Plan
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.rehearsal import Rehearsal, RehearsedSide, StandbySide
from pgsluice.rehearsal.comparison import same_schema
from pgsluice.rehearsal.load.asked import asked_by, written_by
from pgsluice.rehearsal.load.definition import Load, RequestKind, SlowReader
from pgsluice.rehearsal.load.derived import derive
from pgsluice.rehearsal.load.live_queries import live_load, read_live_queries
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.observation import Observed, observed
from pgsluice.rehearsal.place import Place, live_session, place_of, session
from pgsluice.rehearsal.plain import PlainStatement, Tell, run_plainly
from pgsluice.rehearsal.rows.filling import fill
from pgsluice.rehearsal.rows.habits import Habits, read_habits
from pgsluice.rehearsal.rows.sizes import read_sizes, scaled
from pgsluice.rehearsal.schema.layout import lay_out
from pgsluice.rehearsal.schema.live import dumped_major
from pgsluice.rehearsal.sides import News, Outcome, Sizes, locked_tables, plain_parts, plan_parts, side_of
from pgsluice.rehearsal.standby_watch import StandbyWatch, standby_watched

CONNECTIONS = 20
BASELINE_S = 8.0
"""Two transactions of the slow reader."""
PROBE_RATE, PROBE_S = 3000.0, 1.5
SHARE_OF_CAPACITY, MOST_RATE = 0.2, 400.0
"""A quiet baseline has to be quiet: a fifth of what the load reached when it was driven as fast as it went."""

_TEMPLATE = "template"
Say = Callable[[str], None]
Report = Callable[[Event], None]
RunPlan = Callable[[str, str | None, Report], tuple[Plan | None, int]]
"""Runs the rehearsed migrations on a database (and its copy on a standby, where there is one) as pgsluice does, and reports its
news; the plan, None where another process made it, and how often the runner was killed."""
Schema = Callable[[Place], Migration]


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be rehearsed, on what. `before` lays out the schema, after `schema` (DDL that is given or read from a live
    database). `rows` for each table (0: those that the schema brings), or the part `scale` of what statistics say of `live` (a
    connection string), or of `schema`. `focus` are the relations that the migrations touch. `requests` None: what `live` was asked
    most, else derived from the schema; `rate` None: a fifth of the capacity."""

    migrations: tuple[Migration, ...]
    before: tuple[Migration, ...]
    focus: Callable[[Catalog], frozenset[QualifiedName]]
    schema: Schema | None = None
    rows: int = 10_000
    scale: float | None = None
    seed: int = 1
    rate: float | None = None
    requests: tuple[RequestKind, ...] | None = None
    live: str | None = None
    server: str | None = None
    bindir: str | None = None
    standby: bool = False


@dataclass(frozen=True, slots=True)
class _Scene:
    place: Place
    version: str
    load: Load
    rows: dict[str, int]
    sizes: Sizes
    catalog: Catalog
    focus: frozenset[QualifiedName]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Production:
    """What is known of the database that the migrations are meant for."""

    sizes: Mapping[QualifiedName, int]
    habits: Habits


@dataclass(frozen=True, slots=True)
class _Planned:
    side: RehearsedSide
    plan: Plan | None
    dsn: str


def rehearse(orders: Orders, run_plan: RunPlan, say: Say) -> Rehearsal:
    """Runs the whole rehearsal; `say` is told what happens, a line at a time.

    Raises InputError where there is nothing to load or rehearse, ConnectionFailedError. What goes wrong in one of the two ways
    is in the result."""
    if not orders.migrations:
        raise InputError("nothing-to-rehearse", "there is no migration to rehearse", next="name a file, or --start-after an earlier one")
    with place_of(orders.server, orders.bindir, orders.standby) as place:
        scene = _scene(place, orders, say)
        baseline, naive, naive_dsn = _naive(scene, orders, say)
        planned = _plan(scene, baseline, run_plan, say)
        ended = naive.error is None and planned.side.error is None
        return Rehearsal(
            scene.version,
            tuple(m.name for m in orders.migrations),
            scene.rows,
            scene.load.rate,
            scene.load.connections,
            tuple(kind.name for kind in scene.load.kinds),
            baseline,
            naive,
            planned.side,
            same_schema(naive_dsn, planned.dsn, place.installation) if ended else None,
            scene.notes,
            _unexercised(scene, planned),
        )


def _scene(place: Place, orders: Orders, say: Say) -> _Scene:
    dsn = place.make(_TEMPLATE)
    with session(dsn) as found:
        given = [orders.schema(place)] if orders.schema else []
        say(f"PostgreSQL {found.version}: laying out the schema")
        notes = [*_other_major(given, found.version.major), *lay_out(found, [*given, *orders.before])]
        found.run("RESET ALL")
        live = _production(found, orders)
        notes += _fill(found, orders, live, say)
        found.run("VACUUM (ANALYZE)")
        catalog = read_catalog(found)
        sizes = Sizes(_by_text(read_sizes(found)), _by_text(live.sizes))
        kinds, readers, left_out = _kinds(found, catalog, orders)
        version = str(found.version)
    load = Load(kinds, orders.rate or MOST_RATE, CONNECTIONS, readers, orders.seed)
    if orders.rate is None:
        load = Load(kinds, _rate(place, load, say), CONNECTIONS, readers, orders.seed)
    rows = {str(t.name): sizes.here.get(str(t.name), 0) for t in catalog.tables.values() if t.kind is TableKind.TABLE}
    return _Scene(place, version, load, rows, sizes, catalog, orders.focus(catalog), (*notes, *left_out))


def _other_major(given: Sequence[Migration], major: int) -> Iterator[str]:
    """Where the schema comes from a server of another major, that this proves less."""
    for theirs in filter(None, (dumped_major(dump.text) for dump in given)):
        if theirs != major:
            yield f"production runs PostgreSQL {theirs}, and this is {major}: locks, scans and rewrites differ (--bindir of a {theirs})"


def _fill(found: Session, orders: Orders, live: _Production, say: Say) -> list[str]:
    """Fills the tables, if they are to be; what could not be filled."""
    if not orders.rows and orders.scale is None:
        return []
    how = f"{orders.rows:,} rows a table" if orders.scale is None else f"{orders.scale:g} of the live sizes"
    say(f"filling it with {how}")
    sizes = {} if orders.scale is None else scaled(live.sizes, orders.scale)
    filled = fill(found, orders.rows, orders.seed, sizes=sizes, habits=live.habits)
    return [f"not filled: {one.what}: {one.reason}" for one in filled.unfilled]


def _by_text(sizes: Mapping[QualifiedName, int]) -> dict[str, int]:
    return {str(name): size for name, size in sizes.items()}


def _production(found: Session, orders: Orders) -> _Production:
    """What statistics say of production: those of a live database, or those in a dump that was laid out."""
    if orders.live is not None:
        with live_session(orders.live) as live:
            known = _Production(read_sizes(live), read_habits(live))
    else:
        known = _Production(read_sizes(found), read_habits(found)) if orders.schema else _Production({}, {})
    if orders.scale is not None and not known.sizes:
        next = "ANALYZE there, or dump with `pg_dump --statistics` (18), or give --rows"
        raise InputError("scale-without-sizes", "no table's size is known", where="--scale", next=next)
    return known


def _kinds(found: Session, catalog: Catalog, orders: Orders) -> tuple[tuple[RequestKind, ...], tuple[SlowReader, ...], tuple[str, ...]]:
    focus = orders.focus(catalog)
    derived = derive(found, catalog, focus, orders.seed)
    if orders.requests is not None:
        return orders.requests, derived.slow_readers, ()
    queries, notes = ((), ()) if orders.live is None else read_live_queries(orders.live)
    live = live_load(found, catalog, queries, orders.seed)
    if live.kinds:
        left = focus - asked_by(live.kinds, catalog)
        beside = tuple(kind for kind in derived.kinds if asked_by([kind], catalog) & left)
        unasked = "is in no statement of pg_stat_statements that is asked: it is asked as its schema suggests"
        added = (f"{name} {unasked}" for name in sorted(left, key=str))
        return (*live.kinds, *beside), derived.slow_readers, (*notes, *live.notes, *added)
    if not derived.kinds:
        what = "no table has rows and a key, so there is nothing to ask"
        raise InputError("no-load", what, next="give --load FOLDER with pgbench scripts, or a schema that the migrations stand on")
    return derived.kinds, derived.slow_readers, (*notes, *live.notes, *derived.notes)


def _rate(place: Place, load: Load, say: Say) -> float:
    """A fifth of the requests a second that got through when far too many were sent."""
    dsn = place.make("probe", _TEMPLATE)
    with LoadProcess(dsn, Load(load.kinds, PROBE_RATE, load.connections, (), load.seed)) as probe:
        begin_s = time.monotonic()
        time.sleep(PROBE_S)
        recording = probe.stop()
        took_s = time.monotonic() - begin_s
    done = sum(1 for request in recording.requests() if not request.outcome)
    rate = float(max(10, min(MOST_RATE, round(SHARE_OF_CAPACITY * done / took_s, -1))))
    say(f"the load: {rate:.0f} requests/s of {len(load.kinds)} kinds over {load.connections} connections, one slow report beside it")
    return rate


def _naive(scene: _Scene, orders: Orders, say: Say) -> tuple[Measurement, RehearsedSide, str]:
    dsn = scene.place.make("naive", _TEMPLATE)
    say(f"baseline: {BASELINE_S:.0f} s without any migration")
    done: list[PlainStatement] = []
    with standby_watched(scene.place, "naive", scene.load) as watch:
        seen = observed(dsn, scene.load, lambda: _run_all(dsn, orders.migrations, say, done.append), BASELINE_S)
    failed, error = seen.result
    parts = plain_parts(done, scene.sizes.here)
    return seen.baseline, side_of(seen, Outcome(failed, error=error), parts, _standby(watch, seen)), dsn


def _run_all(dsn: str, migrations: Sequence[Migration], say: Say, tell: Tell) -> tuple[int, str | None]:
    """How often a file failed and was run again, and what ended it; None where all went through."""
    failed = 0
    for migration in migrations:
        say(f"plain SQL: {migration.name}")
        try:
            failed += run_plainly(dsn, migration, say, tell)
        except DatabaseError as error:
            return failed, f"{migration.name}: {message_of(error)} (SQLSTATE {sqlstate_of(error)})"
    return failed, None


def _plan(scene: _Scene, baseline: Measurement, run_plan: RunPlan, say: Say) -> _Planned:
    dsn = scene.place.make("plan", _TEMPLATE)
    say("pgsluice run, on a fresh copy")
    standby = scene.place.dsn_on_standby("plan")
    news: News = []

    def run() -> tuple[Plan | None, int, str | None]:
        try:
            return *run_plan(dsn, standby, lambda event: news.append((time.monotonic(), event))), None
        except PgsluiceError as error:
            return None, 0, str(error)

    with standby_watched(scene.place, "plan", scene.load) as watch:
        seen = observed(dsn, scene.load, run, baseline)
    plan, killed, error = seen.result
    side = side_of(seen, Outcome(killed=killed, error=error), plan_parts(news, plan, scene.sizes), _standby(watch, seen))
    return _Planned(side, plan, dsn)


def _standby(watch: StandbyWatch | None, seen: Observed[Any]) -> StandbySide | None:
    return None if watch is None else watch.side(seen.begin_s, seen.end_s)


def _unexercised(scene: _Scene, planned: _Planned) -> tuple[str, ...]:
    """The tables with rows that the plan locks against the application (what the migrations touch, where the plan is not known) and
    that no request asked meanwhile: none that writes, where the lock lets readers pass. Partitions are asked with the table that
    they are partitions of."""
    catalog, ran = scene.catalog, [kind for kind in scene.load.kinds if kind.name in planned.side.by_request]
    asked = {_root(catalog, name) for name in asked_by(ran, catalog)}
    written = {_root(catalog, name) for name in written_by(ran, catalog)}
    locked = {str(name): LockMode.ACCESS_EXCLUSIVE for name in scene.focus} if planned.plan is None else locked_tables(planned.plan)
    there = [(name, locked[str(name)]) for name in catalog.tables if str(name) in locked and str(name) in scene.sizes.here]
    return tuple(sorted(str(name) for name, mode in there if _root(catalog, name) not in (asked if mode.blocks_reads else written)))


def _root(catalog: Catalog, name: QualifiedName) -> QualifiedName:
    table = catalog.table(name)
    return _root(catalog, table.parents[0]) if table is not None and table.parents else name
