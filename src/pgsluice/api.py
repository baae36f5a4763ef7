"""The only door: what programs call, and what the command line is made of.

Durations and everything else that may be chosen are in `Settings`; errors are `pgsluice.model.errors`. Paths are files or
folders of .sql files, in the order in which they run. Without `settings.database` the environment decides, as libpq does.
What a call does not need is not imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgsluice.model.errors import ConnectionFailedError, InputError, PlanOutdatedError, UsageError
from pgsluice.model.settings import Settings

if TYPE_CHECKING:
    from pgsluice.analysis.parsing.migrations import Migration
    from pgsluice.execution.db.session import Session
    from pgsluice.execution.engine.run import Run
    from pgsluice.model.catalog import Catalog
    from pgsluice.model.events import Event, Notice
    from pgsluice.model.finding import Findings, RulePage, StatementLocks
    from pgsluice.model.foreign_history import ImportResult
    from pgsluice.model.plan import MigrationPlan, Plan
    from pgsluice.model.postgres.identifiers import QualifiedName
    from pgsluice.model.progress import Loss, MigrationFile, MigrationProgress, Status
    from pgsluice.model.rehearsal import Rehearsal

Report = Callable[["Event"], None]
"""Takes the news of a run, from several threads; must not raise."""

STDIN = "<stdin>"
"""The path of what was read from standard input."""

Ask = Callable[[tuple["Loss", ...]], bool]
"""Shown what rows would be destroyed; True: go ahead."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did, or (`dry_run`) would do. `adopted` were recorded as applied before, `resumed` had begun earlier,
    `applied` are new; `plan` is that of the new ones. `waiting`: what waits for `contract` now."""

    adopted: tuple[str, ...]
    resumed: tuple[str, ...]
    applied: tuple[str, ...]
    plan: Plan | None
    waiting: tuple[str, ...] = ()


def check(paths: Sequence[str | Path], settings: Settings | None = None, stdin: Callable[[], bytes] = lambda: b"") -> Findings:
    """What each statement of the files would do to a busy database; changes nothing. The path `-` is the text that `stdin`
    gives. With `settings.database` the live catalog is asked, and what its journal knows as applied is left out; without one
    nothing is known but what `settings.schema` and the files make.

    Raises UsageError (InputError among them), ConnectionFailedError."""
    from pgsluice.analysis.planner.baseline import known_from_file, without_known
    from pgsluice.analysis.planner.checking import check as check_files
    from pgsluice.analysis.planner.planning import PlanOptions
    from pgsluice.analysis.planner.suppression import refuse_unasked

    chosen = settings or Settings()
    refuse_unasked(chosen.enable)
    migrations, catalog, notes = _to_look_at(paths, chosen, stdin)
    options = PlanOptions(chosen.stall_budget, chosen.treat_as_large, chosen.allow, asked=chosen.enable)
    found = check_files(migrations, catalog, options, _wanted(chosen))
    known = known_from_file(chosen.baseline) if chosen.baseline is not None else ()
    if chosen.database is not None:
        notes = (*notes, *_around(migrations, catalog, chosen))
    return replace(found, found=without_known(found.found, known), notes=(*found.notes, *notes))


def locks(
    paths: Sequence[str | Path], settings: Settings | None = None, stdin: Callable[[], bytes] = lambda: b""
) -> tuple[StatementLocks, ...]:
    """What each statement of the files locks, scans and rewrites, run as it is written; paths, catalog and errors as for `check`."""
    from pgsluice.analysis.planner.statement_locks import statement_locks

    migrations, catalog, _ = _to_look_at(paths, settings or Settings(), stdin)
    return tuple(statement_locks(migrations, catalog))


def rules() -> tuple[RulePage, ...]:
    """The hazards that `check` knows, by name."""
    from pgsluice.analysis.rules.registry import described
    from pgsluice.analysis.rules.registry import rules as registered

    return tuple(sorted(map(described, registered()), key=lambda page: page.name))


def rule(name: str) -> RulePage:
    """One of `rules()`; raises UsageError `unknown-rule`, naming those that are called alike."""
    from pgsluice.analysis.planner.suppression import suggestion
    from pgsluice.analysis.rules.registry import described, named

    found = named(name)
    if found is None:
        raise UsageError("unknown-rule", f"there is no rule {name!r}", next=suggestion(name))
    return described(found)


def plan(paths: Sequence[str | Path], settings: Settings | None = None) -> Plan:
    """The plan of what is pending, made on the database; or, where none is given and `settings.schema` or `settings.pg_version` is, of
    everything, without one. Changes nothing. Migrations that have begun are not in it: `run` goes on with those from their own plans.

    Raises UsageError (InputError and RefusedError among them), ConnectionFailedError, PatienceError."""
    chosen = settings or Settings()
    left_out = list[str]()
    migrations = _read_migrations(paths, chosen, left_out.append)
    if chosen.database is None and (chosen.schema is not None or chosen.pg_version is not None):
        return replace(_planned(migrations, _imagined_catalog(chosen), chosen), notes=tuple(left_out))
    with _session("plan", chosen, read_only=True) as session:
        records = _records(session)
        fresh, notes = _pending(session, records, migrations, chosen)
    made = _planned_now(fresh, chosen, records)
    return replace(made, notes=(*made.notes, *left_out, *notes))


def run(
    paths: Sequence[str | Path],
    settings: Settings | None = None,
    report: Report = lambda event: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> RunResult:
    """Applies what is pending through the phase of the settings, after going on with what was interrupted. One path that
    ends with .json is a saved plan. `checkpoint` is called between steps and attempts and raises StoppedError to stop.

    Raises PgsluiceError; the exit codes of `model.errors` say what state each leaves behind."""
    from pgsluice.execution.engine.history import waiting_for_contract

    chosen = settings or Settings()
    if len(paths) == 1 and str(paths[0]).endswith(".json"):
        if chosen.record_as is not None:
            raise UsageError("record-as-plan", "a saved plan does not hold what --record-as needs", next="give the folder of the files")
        saved = read_plan(paths[0])
        return _run_saved(saved, chosen, report, checkpoint)
    migrations = _read_migrations(paths, chosen, lambda text: report(_notice(text)))
    files = _files(migrations)
    with _running(chosen, report, checkpoint, migrations) as run_:
        todo = run_.left_to_do(files)
        names = {file.name for file in todo.fresh}
        fresh = [m for m in migrations if m.name in names]
        resumed = _unfinished(run_, todo.resume, chosen)
        # what cannot be planned is said before anything changes, unless what comes first changes the catalog itself
        made = _planned_now(fresh, chosen, run_.history()) if chosen.dry_run or not todo.resume else None
        if not chosen.dry_run:
            run_.adopt(todo.adopt)
            run_.resume(todo.resume)
            made = _apply_each(run_, fresh, chosen)
        adopted, applied = tuple(f.name for f in todo.adopt), tuple(m.name for m in fresh)
        return RunResult(adopted, resumed, applied, made, waiting_for_contract(run_.history()))


def import_history(paths: Sequence[str | Path], settings: Settings | None = None, report: Report = lambda event: None) -> ImportResult:
    """Takes over what another tool recorded as done in its own table: the journal then knows those migrations as applied, and
    `run` goes on behind them. What the journal knows already stays as it is; nothing is run.

    Raises UsageError (InputError and RefusedError among them), ConnectionFailedError, PatienceError `another-run`."""
    from pgsluice.analysis.planner.takeover import take_over
    from pgsluice.execution.engine.history import is_pending
    from pgsluice.execution.foreign.reading import read_history
    from pgsluice.model.foreign_history import ImportResult

    chosen = settings or Settings()
    migrations = _read_migrations(paths, chosen, lambda text: report(_notice(text)))
    layouts = {m.layout for m in migrations} - {"plain"}
    with _running(chosen, report, lambda: None) as run_:
        with _session("plan", chosen, read_only=True) as session:
            history = read_history(session, chosen.history_of, next(iter(layouts)) if len(layouts) == 1 else None)
        taken = take_over(migrations, history)
        records = run_.history()
        known, there = {r.name for r in records if not is_pending(r)}, {r.name for r in records}
        fresh = [m for m in taken.done if m.name not in there]
        if not chosen.dry_run:
            run_.adopt(_files(fresh))
    done = {m.name for m in fresh} | known
    return ImportResult(
        history.tool,
        history.table,
        tuple(m.name for m in fresh),
        tuple(m.name for m in taken.done if m.name in known),
        tuple(m.name for m in migrations if m.name not in done),
        taken.notes,
    )


def contract(name: str | None = None, settings: Settings | None = None, report: Report = lambda event: None) -> str:
    """Passes the gate of a migration, by default of the only one that waits; returns its name.

    Who still uses what it would take away is looked for first (the settings `old_application`, `look_for`, `anyway`): StoppedError
    `old-shape-in-use`. Raises UsageError `name-needed` and `nothing-to-contract`, and whatever `run` raises."""
    from pgsluice.execution.engine.history import waiting_for_contract

    chosen = settings or Settings()
    with _running(chosen, report, lambda: None) as run_:
        found = name or _only(waiting_for_contract(run_.history()), "contract", "nothing-to-contract")
        run_.contract(found)
    return found


def rollback(
    name: str | None = None,
    settings: Settings | None = None,
    report: Report = lambda event: None,
    ask: Ask = lambda losses: False,
) -> str:
    """Takes a migration back, by default the only one that is under way or waits; returns its name. `ask` is called where
    rows would be lost.

    Raises UsageError `name-needed` and `nothing-to-roll-back`, StoppedError `rollback-declined`, StepFailedError `no-undo`."""
    from pgsluice.execution.engine.history import under_way

    chosen = settings or Settings()
    with _running(chosen, report, lambda: None) as run_:
        found = name or _only(under_way(run_.history()), "roll back", "nothing-to-roll-back")
        run_.roll_back(found, ask)
    return found


def status(settings: Settings | None = None) -> Status:
    """How far everything is; changes nothing. Raises ConnectionFailedError."""
    from pgsluice.execution.engine.status import read_status

    with _session("status", settings or Settings(), read_only=True) as session:
        return read_status(session, gates=True)


def read_plan(path: str | Path) -> Plan:
    """A plan that was saved as JSON; raises InputError."""
    import json

    from pgsluice.analysis.parsing.migrations import read_text
    from pgsluice.model.plan_json import plan_from_json

    try:
        document = json.loads(read_text(Path(path)))
    except json.JSONDecodeError as error:
        what = f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        raise InputError("bad-plan", what, where=str(path), next="plan again, and save it with `plan -o FILE`") from None
    return plan_from_json(document, str(path))


def demo(say: Callable[[str], None], report: Report = lambda event: None) -> Rehearsal:
    """The rehearsal of five migrations on a busy shop of 451,000 rows, on a server of its own. Raises ConnectionFailedError."""
    from tempfile import TemporaryDirectory

    from pgsluice.rehearsal.shop import RATE, shop_files

    shop = shop_files()
    with TemporaryDirectory() as folder:
        schema = Path(folder) / "shop.sql"
        schema.write_text(shop.contents(), encoding="utf-8")
        settings = Settings(schema=str(schema), start_after=shop.schema.stem, load=str(shop.load_folder), rate=RATE, rows=0)
        return rehearse([shop.migrations_folder], settings, say, report)


def rehearse(
    paths: Sequence[str | Path],
    settings: Settings | None = None,
    say: Callable[[str], None] = lambda line: None,
    report: Report = lambda event: None,
) -> Rehearsal:
    """Runs migrations on two filled copies of the schema under load, plainly and by plan, and measures both. Files are rehearsed
    on what stands before them in their folder; of a folder what comes after `settings.start_after`, by default its last one.
    With `settings.schema` or `settings.from_` everything given is rehearsed on that schema, less what a live journal knows as
    applied. Needs no database of the user's, and changes none but `settings.server`, where it makes databases of its own.

    Raises UsageError (InputError among them), ConnectionFailedError. What goes wrong on one of the copies is in the result."""
    from pgsluice.rehearsal.kills import run_command, run_killed
    from pgsluice.rehearsal.orders import orders_of
    from pgsluice.rehearsal.rehearse import rehearse as rehearse_orders

    chosen = settings or Settings()
    given = _read_migrations(paths, chosen, lambda text: report(_notice(text)))
    orders, start_after = orders_of(given, paths, chosen, lambda found: _pending_on(chosen.from_, found, chosen))
    on_copy = replace(chosen, through="contract", treat_as_large=True, start_after=start_after, from_start=start_after is None, yes=True)

    def run_plan(dsn: str, standby: str | None, also: Report) -> tuple[Plan | None, int]:
        there = replace(on_copy, database=dsn, standby=(standby,) if standby else ())
        if chosen.kill:
            variables = {**os.environ, "PGSLUICE_DATABASE": dsn}
            return None, run_killed(run_command(paths, there), variables, chosen.kill, chosen.seed)

        def both(event: Event) -> None:
            also(event)
            report(event)

        return run(paths, there, both).plan, 0

    with _in_words():
        return rehearse_orders(orders, run_plan, say)


def _run_saved(saved: Plan, settings: Settings, report: Report, checkpoint: Callable[[], None]) -> RunResult:
    """A plan that somebody reviewed: nothing is planned anew. Once it has begun, its own steps have changed what the
    fingerprint covers; then what it began is gone on with, and the rest follows."""
    from pgsluice.execution.engine.history import is_pending, waiting_for_contract

    files = _files(saved.migrations)
    with _running(settings, report, checkpoint) as run_:
        begun = {record.name for record in run_.history() if not is_pending(record)}
        todo = run_.left_to_do(files)
        names = {file.name for file in todo.fresh}
        fresh = replace(saved, migrations=tuple(m for m in saved.migrations if m.name in names))
        if not begun & {file.name for file in files}:
            _refuse_outdated(saved, settings)
        elif fresh.migrations:
            report(_notice("the plan had begun: whether the rest of it still fits the database was not checked"))
        resumed = _unfinished(run_, todo.resume, settings)
        if not settings.dry_run:
            run_.adopt(todo.adopt)
            run_.resume(todo.resume)
            run_.apply(fresh)
        return RunResult(
            tuple(f.name for f in todo.adopt), resumed, tuple(m.name for m in fresh.migrations), fresh, waiting_for_contract(run_.history())
        )


def _refuse_outdated(saved: Plan, settings: Settings) -> None:
    from pgsluice.model.fingerprint import fingerprint

    again = "plan again on this database, review, and run that"
    if not saved.fingerprint:
        raise PlanOutdatedError("plan-without-database", "the plan was made without a database, so nothing says that it fits", next=again)
    with _session("plan", settings, read_only=True) as session:
        catalog = _catalog(session)
    if catalog.version.major != saved.server_version // 10000:
        made_for = f"the plan was made for PostgreSQL {saved.server_version // 10000}, and this is {catalog.version}"
        raise PlanOutdatedError("plan-outdated", made_for, next=again)
    if fingerprint(catalog, {name for migration in saved.migrations for name in migration.touches}) != saved.fingerprint:
        raise PlanOutdatedError("plan-outdated", "what the plan touches has changed since it was made", next=again)


def _to_look_at(
    paths: Sequence[str | Path], settings: Settings, stdin: Callable[[], bytes]
) -> tuple[list[Migration], Catalog, tuple[str, ...]]:
    """The files to look at, the catalog in front of them, and what to say of others."""
    from pgsluice.analysis.parsing.migrations import migrations_of, read_files, text_of

    migrations: list[Migration] = []
    left_out: list[str] = []
    for path in paths:
        if str(path) == "-":
            migrations += migrations_of("stdin", STDIN, text_of(stdin(), STDIN), settings.layout)
        else:
            migrations += read_files([path], settings.layout, left_out.append)
    if settings.database is None:
        return migrations, _imagined_catalog(settings), tuple(left_out)
    with _session("check", settings, read_only=True) as session:
        pending, notes = _pending(session, _records(session), migrations, settings)
        return pending, _catalog(session), (*left_out, *notes)


def _around(migrations: Sequence[Migration], catalog: Catalog, settings: Settings) -> Iterator[str]:
    """What of the database matters to what the files lock: who is in the way now, and what the catalog shows."""
    from pgsluice.analysis.planner.surroundings import blocking_locks, surroundings
    from pgsluice.execution.monitor.holders import long_holders

    needed = blocking_locks(migrations, catalog)
    with _session("check", settings, read_only=True) as session:
        yield from (f"in the way now: {holder.describe()}" for holder in long_holders(session, needed))
    yield from surroundings(catalog, needed)


def _wanted(settings: Settings) -> Callable[[str], bool]:
    if settings.since is None:
        return lambda path: True
    from pgsluice.analysis.parsing.changed_files import changed_since

    changed = changed_since(settings.since)
    return lambda path: path == STDIN or changed(path)


def _read_migrations(paths: Sequence[str | Path], settings: Settings, leave_out: Callable[[str], None]) -> tuple[Migration, ...]:
    from pgsluice.analysis.parsing.migrations import read_migrations

    return read_migrations(paths, settings.layout, leave_out)


def _notice(text: str) -> Notice:
    from pgsluice.model.events import Notice

    return Notice("", "", text)


def _planned(migrations: Sequence[Migration], catalog: Catalog, settings: Settings, waiting: Mapping[str, str] | None = None) -> Plan:
    from pgsluice.analysis.planner import planning

    options = planning.PlanOptions(settings.stall_budget, settings.treat_as_large, settings.allow, waiting or {})
    return planning.plan(migrations, catalog, options)


def _planned_now(migrations: Sequence[Migration], settings: Settings, records: Sequence[MigrationProgress] = ()) -> Plan:
    """The plan on the database as it stands; `records` are what the journal knows."""
    from pgsluice.execution.engine.history import waiting_sql

    with _session("plan", settings, read_only=True) as session:
        return _planned(migrations, _catalog(session), settings, waiting_sql(records))


def _files(migrations: Sequence[Migration] | Sequence[MigrationPlan]) -> list[MigrationFile]:
    """What the journal knows a migration by."""
    from pgsluice.model.progress import MigrationFile

    return [MigrationFile(m.name, m.checksum, m.path, m.repeatable) for m in migrations]


def _apply_each(run_: Run, migrations: Sequence[Migration], settings: Settings) -> Plan | None:
    """Each migration is planned on the database as the one before has left it; what this run has made so far nobody else
    uses yet. The plan of all, None without any."""
    from pgsluice.execution.engine.history import waiting_sql

    made: Plan | None = None
    there: frozenset[QualifiedName] | None = None
    for migration in migrations:
        with _session("plan", settings, read_only=True) as session:
            catalog = _catalog(session)
        there = there if there is not None else frozenset(catalog.tables)
        one = _planned([migration], catalog.with_new(frozenset(catalog.tables) - there), settings, waiting_sql(run_.history()))
        run_.apply(one)
        made = replace(one, migrations=(*made.migrations, *one.migrations)) if made else one
    return made


def _imagined_catalog(settings: Settings) -> Catalog:
    """What the DDL of a file makes; of other objects nothing is known."""
    from pgsluice.analysis.planner.imagined import imagined_catalog

    return imagined_catalog(settings.schema, settings.pg_version)


def _records(session: Session) -> tuple[MigrationProgress, ...]:
    """What the journal knows; nothing where there is none."""
    from pgsluice.execution.engine.status import read_status

    return read_status(session).migrations


def _pending(
    session: Session, records: Sequence[MigrationProgress], migrations: Sequence[Migration], settings: Settings
) -> tuple[list[Migration], list[str]]:
    """The migrations that are to be planned, and what to say of the others. An empty journal is no reason to refuse:
    whoever only plans may plan one new file."""
    from pgsluice.execution.engine.history import left_to_do

    if not records and settings.start_after is None:
        return list(migrations), []
    todo = left_to_do(session, records, _files(migrations), settings.start_after)
    names = {file.name for file in todo.fresh}
    notes = [f"not planned, because they have run already: {len(migrations) - len(names)}"] if len(names) < len(migrations) else []
    notes += [f"{name} has begun: `run` goes on with it first" for name in todo.resume]
    return [m for m in migrations if m.name in names], notes


def _pending_on(database: str | None, migrations: Sequence[Migration], settings: Settings) -> list[Migration]:
    """The migrations that have not run on a database, as far as its journal knows."""
    with _session("rehearse", replace(settings, database=database), read_only=True, option="--from") as session:
        return _pending(session, _records(session), migrations, settings)[0]


def _catalog(session: Session) -> Catalog:
    from pgsluice.execution.db.catalog import read_catalog

    return read_catalog(session)


@contextmanager
def _session(purpose: str, settings: Settings, *, read_only: bool = False, option: str = "--database") -> Iterator[Session]:
    from pgsluice.execution.db.connect import connect

    session = connect(settings.database, purpose, environment=os.environ, read_only=read_only, option=option)
    try:
        with _in_words():
            yield session
    finally:
        session.close()


@contextmanager
def _in_words() -> Iterator[None]:
    """What the server refuses outside of a step, such as reading the journal of another role."""
    from pgsluice.execution.db.errors import DatabaseError, message_of, sqlstate_of

    try:
        yield
    except DatabaseError as error:
        state = f" (SQLSTATE {sqlstate_of(error)})" if sqlstate_of(error) else ""
        raise ConnectionFailedError(
            "database-error", f"the server said: {message_of(error)}{state}", next="see to what it says, then run again"
        ) from error


@contextmanager
def _running(settings: Settings, report: Report, checkpoint: Callable[[], None], migrations: Sequence[Migration] = ()) -> Iterator[Run]:
    from pgsluice.execution.db.connect import connect
    from pgsluice.execution.engine.run import Run

    with ExitStack() as stack:
        stack.enter_context(_in_words())
        standbys = []
        for dsn in settings.standby:
            standby = connect(dsn, "watch", environment=os.environ, read_only=True, option="--standby")
            stack.callback(standby.close)
            standbys.append(standby)

        def open_session(purpose: str) -> Session:
            return connect(settings.database, purpose, environment=os.environ)

        run_ = stack.enter_context(Run(open_session, settings, report, standbys=standbys, checkpoint=checkpoint))
        if settings.record_as is not None:
            _record_as(run_, settings.record_as, migrations)
        yield run_


def _record_as(run_: Run, tool: str, migrations: Sequence[Migration]) -> None:
    from functools import partial

    from pgsluice.analysis.planner.takeover import record_of, version_of_name
    from pgsluice.execution.foreign.book import open_book

    records = {m.name: record_of(m, tool) for m in migrations}
    run_.record_as(partial(open_book, tool=tool, records=records, version=partial(version_of_name, tool)))


def _unfinished(run_: Run, names: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Of the migrations that have begun those with steps to do up to the phase of the settings."""
    from pgsluice.execution.engine.progression import waits
    from pgsluice.model.plan import PhaseName

    through = PhaseName(settings.through)
    return tuple(record.name for record in run_.history() if record.name in names and waits(record, through))


def _only(names: tuple[str, ...], what: str, code: str) -> str:
    if not names:
        raise UsageError(code, f"there is no migration to {what}", next="`pgsluice status` shows them")
    if len(names) > 1:
        raise UsageError("name-needed", f"{len(names)} migrations could be meant: {', '.join(names)}", next="name one of them")
    return names[0]
