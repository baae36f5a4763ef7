"""The rehearsal: migrations on two copies of a filled schema under load, once as plain SQL and once as pgsluice runs them."""

import time
from collections.abc import Callable, Mapping, Sequence
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
from pgsluice.rehearsal.journaled import journaled
from pgsluice.rehearsal.load.asked import asked_by, written_by
from pgsluice.rehearsal.load.definition import Load, RequestKind, SlowReader
from pgsluice.rehearsal.load.derived import derive
from pgsluice.rehearsal.load.live_queries import live_load, read_live_queries
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.observation import Observed, observed
from pgsluice.rehearsal.orders import Orders
from pgsluice.rehearsal.place import Place, place_of, session
from pgsluice.rehearsal.plain import PlainStatement, Tell, run_plainly
from pgsluice.rehearsal.rows.sizes import read_sizes
from pgsluice.rehearsal.sides import News, Outcome, Sizes, locked_tables, plain_parts, plan_parts, side_of
from pgsluice.rehearsal.standby_watch import StandbyWatch, standby_watched
from pgsluice.rehearsal.template import Say, Template, make_template

CONNECTIONS = 20
BASELINE_S = 8.0
"""Two transactions of the slow reader."""
PROBE_RATE, PROBE_S = 3000.0, 1.5
SHARE_OF_CAPACITY, MOST_RATE = 0.2, 400.0
"""A quiet baseline has to be quiet: a fifth of what the load reached when it was driven as fast as it went."""

MOST_REASONS = 5

Report = Callable[[Event], None]
RunPlan = Callable[[str, str | None, Report], tuple[Plan | None, int]]
"""Runs the rehearsed migrations on a database (and its copy on a standby, where there is one) as pgsluice does, and reports its
news; the plan, None where another process made it, and how often the runner was killed."""


@dataclass(frozen=True, slots=True)
class _Scene:
    place: Place
    template: str
    version: str
    load: Load
    rows: dict[str, int]
    sizes: Sizes
    catalog: Catalog
    focus: frozenset[QualifiedName]
    notes: tuple[str, ...]


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
    template = make_template(place, orders, say)
    with session(place.dsn(template.name)) as found:
        catalog = read_catalog(found)
        relations = frozenset(map(str, (*catalog.tables, *catalog.sequences)))
        sizes = Sizes(_by_text(read_sizes(found)), _by_text(template.live_sizes), relations)
        kinds, readers, left_out = _kinds(found, catalog, orders, template)
        version = str(found.version)
    load = Load(kinds, orders.rate or MOST_RATE, CONNECTIONS, readers, orders.seed)
    if orders.rate is None:
        load = Load(kinds, _rate(place, template.name, load, say), CONNECTIONS, readers, orders.seed)
    rows = {str(t.name): sizes.here.get(str(t.name), 0) for t in catalog.tables.values() if t.kind is TableKind.TABLE}
    return _Scene(place, template.name, version, load, rows, sizes, catalog, orders.focus(catalog), (*template.notes, *left_out))


def _by_text(sizes: Mapping[QualifiedName, int]) -> dict[str, int]:
    return {str(name): size for name, size in sizes.items()}


def _kinds(
    found: Session, catalog: Catalog, orders: Orders, template: Template
) -> tuple[tuple[RequestKind, ...], tuple[SlowReader, ...], tuple[str, ...]]:
    focus = orders.focus(catalog)
    derived = derive(found, catalog, focus, orders.seed, orders.weights, template.keys)
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
        why = "".join(f"\n  {note}" for note in (*template.notes, *derived.notes)[:MOST_REASONS])
        what = f"there is nothing to ask: no table has rows{why}"
        raise InputError("no-load", what, next="give --load FOLDER with pgbench scripts, or a schema that the migrations stand on")
    return derived.kinds, derived.slow_readers, (*notes, *live.notes, *derived.notes)


def _rate(place: Place, template: str, load: Load, say: Say) -> float:
    """A fifth of the requests a second that got through when far too many were sent."""
    dsn = place.make("probe", template)
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
    dsn = scene.place.make("naive", scene.template)
    say(f"baseline: {BASELINE_S:.0f} s without any migration")
    done: list[PlainStatement] = []
    with standby_watched(scene.place, "naive", scene.load) as watch:
        seen = observed(dsn, scene.load, lambda: _run_all(dsn, orders.migrations, say, done.append), BASELINE_S)
    failed, error = seen.result
    parts = plain_parts(done)
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
    dsn = scene.place.make("plan", scene.template)
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
    if plan is None:
        news, plan = journaled(dsn)
    side = side_of(seen, Outcome(killed=killed, error=error), plan_parts(news, plan, scene.sizes), _standby(watch, seen))
    return _Planned(side, plan, dsn)


def _standby(watch: StandbyWatch | None, seen: Observed[Any]) -> StandbySide | None:
    return None if watch is None else watch.side(seen.begin_s, seen.end_s)


def _unexercised(scene: _Scene, planned: _Planned) -> tuple[str, ...]:
    """The tables with rows that the plan locks against the application (what the migrations touch, where there is no plan) and
    that no request asked meanwhile: none that writes, where the lock lets readers pass. Partitions are asked with the table that
    they are partitions of."""
    catalog, ran = scene.catalog, [kind for kind in scene.load.kinds if kind.name in planned.side.by_request]
    asked = {_root(catalog, name) for name in asked_by(ran, catalog)}
    written = {_root(catalog, name) for name in written_by(ran, catalog)}
    locked = {str(name): LockMode.ACCESS_EXCLUSIVE for name in scene.focus} if planned.plan is None else locked_tables(planned.plan)
    there = [(table, locked[str(name)]) for name, table in catalog.tables.items() if str(name) in locked and str(name) in scene.sizes.here]
    felt = [(table.name, mode) for table, mode in there if mode.blocks_reads or table.kind is not TableKind.MATERIALIZED_VIEW]
    return tuple(sorted(str(name) for name, mode in felt if _root(catalog, name) not in (asked if mode.blocks_reads else written)))


def _root(catalog: Catalog, name: QualifiedName) -> QualifiedName:
    table = catalog.table(name)
    return _root(catalog, table.parents[0]) if table is not None and table.parents else name
