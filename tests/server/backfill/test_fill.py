"""Filling on real servers: every row, none twice, whatever happens meanwhile, and nobody waits for long."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from pgsluice.execution.backfill import slicing
from pgsluice.execution.backfill.fill import MOST_PASSES, FillResult, Worker, run_fill
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.reins import Reins
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError, sqlstate_of
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import PatienceError, RefusedError, StepFailedError, StoppedError
from pgsluice.model.events import Event, Notice, Waiting
from pgsluice.model.steps import Fill
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("the majors differ little here")

TOKEN = Fill("public.t", (("token", "gen_random_uuid()"),), "token IS NULL")
ROWS = 20_000


class Killed(Exception):
    """Stands for the process's death: nothing of ours runs after it."""


@dataclass
class Rig:
    """A database with a cursor's table. `hook` runs before each batch with its number, from 1."""

    dsn: str
    session: Session
    events: list[Event] = field(default_factory=list)
    batches: int = 0

    def run(self, fill: Fill = TOKEN, hook: Any = None, limits: FillLimits | None = None, session: Session | None = None) -> FillResult:
        def checkpoint() -> None:
            self.batches += 1
            if hook:
                hook(self.batches)

        worker = Worker(
            session or self.session,
            lambda position, done: f"UPDATE cursor SET position = {position}, rows = rows + {done}",
            value(self.dsn, "SELECT position::text FROM cursor"),
        )
        reins = Reins(limits or FillLimits(rest=0), checkpoint)
        return run_fill([worker], fill, reins, report=self.events.append, migration="m", step="s")

    def counted(self) -> int:
        found: int = value(self.dsn, "SELECT rows FROM cursor")
        return found


@pytest.fixture
def rig(owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE cursor (position jsonb, rows bigint); INSERT INTO cursor VALUES (NULL, 0)")
    with closing(connect(owner_dsn, "run", environment={})) as session:
        yield Rig(owner_dsn, session)


@pytest.fixture
def table(rig: Rig) -> str:
    execute(rig.dsn, "CREATE TABLE t (id int PRIMARY KEY, note text, token uuid)")
    execute(rig.dsn, f"INSERT INTO t (id, note) SELECT g, repeat('x', 50) FROM generate_series(1, {ROWS}) g")
    return "t"


def all_filled(dsn: str, table: str = "t") -> bool:
    return bool(value(dsn, f"SELECT count(*) = count(token) AND count(token) = count(DISTINCT token) FROM {table}"))


def test_every_row_is_filled_once_and_counted(rig: Rig, table: str):
    result = rig.run()
    assert result.complete and result.rows == rig.counted() == ROWS and all_filled(rig.dsn)
    assert value(rig.dsn, "SELECT count(*) FROM pg_stats WHERE tablename = 't' AND attname = 'token'") == 1
    assert rig.session.value("SHOW lock_timeout") == "0" and not rig.session.in_transaction
    assert rig.run().rows == 0


def test_an_empty_table_that_was_never_analysed(rig: Rig):
    execute(rig.dsn, "CREATE TABLE t (token uuid)")
    assert rig.run().complete


def test_odd_names_and_texts(rig: Rig):
    execute(rig.dsn, 'CREATE SCHEMA "Odd""S"; CREATE TABLE "Odd""S"."Select" ("a b" text, "_pgsluice_rows" int, token text)')
    execute(rig.dsn, """INSERT INTO "Odd""S"."Select" SELECT 'x' || g, g FROM generate_series(1, 1000) g""")
    expression = """'$$ % \\ '' $x$' || "Select"."a b" || E'\\n' || _pgsluice_rows"""
    rig.run(Fill('"Odd""S"."Select"', (("token", expression),), "\"Select\".token IS NULL AND '%' <> '\\'"))
    wrong = f'SELECT count(*) FROM "Odd""S"."Select" WHERE token IS DISTINCT FROM {expression}'
    assert value(rig.dsn, wrong) == 0


def test_partitions_and_children_of_every_depth(rig: Rig):
    execute(
        rig.dsn,
        "CREATE TABLE t (id int, token uuid) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE high PARTITION OF t FOR VALUES FROM (100) TO (1000) PARTITION BY LIST (id)",
        "CREATE TABLE high_rest PARTITION OF high DEFAULT",
        "INSERT INTO t SELECT g FROM generate_series(0, 999) g",
        "CREATE TABLE p (id int, token uuid); CREATE TABLE c (extra int) INHERITS (p)",
        "INSERT INTO p SELECT 1; INSERT INTO c SELECT 2",
    )
    assert rig.run().rows == 1000 and all_filled(rig.dsn)
    execute(rig.dsn, "UPDATE cursor SET position = NULL")
    assert rig.run(Fill("public.p", TOKEN.assignments, TOKEN.where)).rows == 2 and all_filled(rig.dsn, "p")


def test_what_cannot_be_filled_is_refused_or_named(rig: Rig, database: str):
    execute(rig.dsn, "CREATE TABLE t (id int, token uuid) PARTITION BY RANGE (id)")
    execute(database, "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER there FOREIGN DATA WRAPPER nowhere")
    execute(database, "CREATE FOREIGN TABLE far PARTITION OF t FOR VALUES FROM (0) TO (100) SERVER there")
    with pytest.raises(RefusedError) as refusal:
        rig.run()
    assert refusal.value.code == "fill-not-a-table" and "public.far" in refusal.value.what
    with pytest.raises(StepFailedError) as missing:
        rig.run(Fill("public.missing", TOKEN.assignments, TOKEN.where))
    assert missing.value.code == "fill-table-missing"


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_killed_before_any_batch_it_goes_on_from_the_cursor(rig: Rig, table: str, batch: int):
    def die(number: int) -> None:
        if number == batch:
            raise Killed

    with pytest.raises(Killed):
        rig.run(hook=die)
    before = value(rig.dsn, "SELECT count(token) FROM t")
    assert rig.counted() == before and (batch == 1) == (before == 0)
    result = rig.run()
    assert result.rows == ROWS - before and rig.counted() == ROWS and all_filled(rig.dsn)


def test_a_lost_connection_loses_cursor_and_rows_together(rig: Rig, table: str):
    def cut(number: int) -> None:
        if number == 4:
            execute(rig.dsn, f"SELECT pg_terminate_backend({rig.session.pid})")

    with pytest.raises(DatabaseError):
        rig.run(hook=cut)
    assert 0 < rig.counted() == value(rig.dsn, "SELECT count(token) FROM t") < ROWS
    with closing(connect(rig.dsn, "run", environment={})) as again:
        rig.run(session=again)
    assert rig.counted() == ROWS and all_filled(rig.dsn)


def test_a_lost_fence_stops_it_and_keeps_the_batch_out(rig: Rig, table: str):
    fence = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'SLUI1'; END $$"
    with pytest.raises(DatabaseError) as lost:
        run_fill([Worker(rig.session, lambda position, done: fence)], TOKEN, Reins(FillLimits()))
    assert sqlstate_of(lost.value) == "SLUI1" and not rig.session.in_transaction
    assert value(rig.dsn, "SELECT count(token) FROM t") == 0


def test_asked_to_stop_it_stops_between_two_batches(rig: Rig, table: str):
    def stop(number: int) -> None:
        if number == 3:
            raise StoppedError("paused", "paused")

    with pytest.raises(StoppedError):
        rig.run(hook=stop)
    assert rig.session.value("SHOW lock_timeout") == "0" and not rig.session.in_transaction


def test_a_row_that_stays_locked_is_waited_for_and_named_never_left_out(rig: Rig, table: str):
    with psycopg.connect(rig.dsn, application_name="long one") as blocker:
        blocker.execute("UPDATE t SET note = 'mine' WHERE id IN (500, 15000)")
        filled: list[int] = []

        def release(number: int) -> None:
            if any(isinstance(e, Waiting) for e in rig.events) and not filled:
                filled.append(value(rig.dsn, "SELECT count(token) FROM t"))
                blocker.commit()

        assert rig.run(hook=release).complete
        waiting = next(e for e in rig.events if isinstance(e, Waiting))
        assert [(b.pid, b.application) for b in waiting.blockers] == [(blocker.info.backend_pid, "long one")]
    assert ROWS - 400 < filled[0] < ROWS, "everything but the pages of the two rows is done before it waits"
    assert all_filled(rig.dsn) and value(rig.dsn, "SELECT count(*) FROM t WHERE note = 'mine'") == 2


def test_patience_spent_on_a_locked_row_names_the_blocker_and_can_go_on(rig: Rig, table: str):
    with psycopg.connect(rig.dsn) as blocker:
        blocker.execute("SELECT FROM t WHERE id = 777 FOR UPDATE")
        with pytest.raises(PatienceError) as spent:
            rig.run(limits=FillLimits(rest=0, patience_s=0.2))
        assert spent.value.code == "fill-locked" and f"pid {blocker.info.backend_pid}" in str(spent.value)
    assert 0 < value(rig.dsn, "SELECT count(*) - count(token) FROM t") < 200
    assert rig.run().complete and all_filled(rig.dsn) and rig.counted() == ROWS


def test_a_prepared_transaction_on_a_row_is_named(rig: Rig, table: str):
    execute(rig.dsn, "BEGIN; UPDATE t SET note = 'mine' WHERE id = 1; PREPARE TRANSACTION 'forgotten'")
    with pytest.raises(PatienceError, match="forgotten"):
        rig.run(limits=FillLimits(rest=0, patience_s=0))
    execute(rig.dsn, "ROLLBACK PREPARED 'forgotten'")


def test_a_lock_on_the_table_is_waited_for_as_such(rig: Rig, table: str):
    batches_while_locked: list[int] = []
    with psycopg.connect(rig.dsn) as blocker:

        def hook(number: int) -> None:
            if number == 3:
                blocker.execute("LOCK TABLE t IN SHARE MODE")
            if any(isinstance(e, Waiting) for e in rig.events) and not batches_while_locked:
                batches_while_locked.append(number)
                blocker.rollback()

        assert rig.run(hook=hook).complete
        waiting = next(e for e in rig.events if isinstance(e, Waiting))
        assert waiting.blockers[0].mode == "SHARE" and batches_while_locked[0] < 10
    assert all_filled(rig.dsn)


def test_rows_that_the_application_moves_behind_the_cursor_are_found(rig: Rig, table: str):
    """Each update writes a new version into free space, at the beginning of the table among others."""
    execute(rig.dsn, "DELETE FROM t WHERE id <= 5000", "VACUUM t")
    moved: list[int] = []

    def move(number: int) -> None:
        if 5 <= number < 40:
            first = ROWS - 100 * len(moved)
            execute(rig.dsn, f"UPDATE t SET note = 'moved' WHERE id > {first - 100} AND id <= {first} AND token IS NULL")
            moved.append(first)

    assert rig.run(hook=move).passes > 1, "the first pass cannot have met the rows that moved"
    assert all_filled(rig.dsn) and value(rig.dsn, "SELECT count(*) FROM t WHERE note = 'moved'") > 0


@pytest.mark.parametrize("replacing", ["VACUUM FULL t", "CLUSTER t USING t_pkey", "TRUNCATE t", "DROP TABLE t_low"])
def test_a_new_file_or_none_meanwhile(rig: Rig, replacing: str):
    execute(rig.dsn, "CREATE TABLE t (id int, note text, token uuid, CONSTRAINT t_pkey PRIMARY KEY (id))")
    if "t_low" in replacing:
        execute(rig.dsn, "DROP TABLE t; CREATE TABLE t (id int, note text, token uuid) PARTITION BY RANGE (id)")
        execute(rig.dsn, "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10000); CREATE TABLE t_high PARTITION OF t DEFAULT")
    execute(rig.dsn, f"INSERT INTO t (id, note) SELECT g, repeat('x', 50) FROM generate_series({ROWS}, 1, -1) g")

    def replace(number: int) -> None:
        if number == 6:
            execute(rig.dsn, replacing)

    result = rig.run(hook=replace)
    assert result.complete and all_filled(rig.dsn)
    assert result.passes == 1, "the heap begins anew, instead of leaving the rows that moved to the next pass"


def test_a_row_that_turns_up_behind_the_cursor_of_the_last_pass(rig: Rig, table: str):
    """The batches before have left dead versions on the first pages: once vacuumed, that is where new rows go. How many slices
    there are depends on the snapshots that a busy machine holds."""
    pages: list[tuple[int, int]] = []

    def turn_up(number: int) -> None:
        position = value(rig.dsn, "SELECT position FROM cursor")
        if position and position["slice"] == position["slices"] - 1 and position["page"] > 100 and not pages:
            execute(rig.dsn, "VACUUM t", "INSERT INTO t (id) VALUES (0)")
            pages.append((value(rig.dsn, "SELECT (ctid::text::point)[0]::int FROM t WHERE id = 0"), position["page"]))

    assert rig.run(hook=turn_up, limits=FillLimits(rest=0, target_s=0.002)).complete and all_filled(rig.dsn)
    ((row, cursor),) = pages
    assert row < cursor


def test_where_snapshots_outlive_the_work_it_waits_for_them(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    """There is always one of up to 0.7 s, and the whole table takes less."""
    monkeypatch.setattr(slicing, "WAITING", 1000)
    execute(rig.dsn, "CREATE TABLE wide (id int, note text, n int)")
    execute(rig.dsn, "INSERT INTO wide SELECT g, repeat('x', 60), 0 FROM generate_series(1, 20000) g", "VACUUM ANALYZE wide")
    fill, over = Fill("public.wide", (("n", "1"),), "n = 0"), threading.Event()
    holders = [threading.Thread(target=hold_snapshots, args=(rig.dsn, over, shift_s)) for shift_s in (0.0, 0.35)]
    for holder in holders:
        holder.start()
    time.sleep(1.0)
    done = rig.run(fill)
    over.set()
    for holder in holders:
        holder.join()
    assert done.complete and done.rows == 20_000 and done.hot >= done.rows / 2


def hold_snapshots(dsn: str, over: threading.Event, shift_s: float) -> None:
    over.wait(shift_s)
    with psycopg.connect(dsn) as connection:
        while not over.is_set():
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
            over.wait(0.7)
            connection.execute("COMMIT")


def test_a_partition_that_comes_meanwhile_is_filled_too(rig: Rig):
    execute(rig.dsn, "CREATE TABLE t (id int, token uuid) PARTITION BY RANGE (id)")
    execute(rig.dsn, "CREATE TABLE one PARTITION OF t FOR VALUES FROM (0) TO (100); INSERT INTO t SELECT generate_series(0, 99)")

    def attach(number: int) -> None:
        if number == 1:
            execute(rig.dsn, "CREATE TABLE two (id int, token uuid); INSERT INTO two SELECT generate_series(100, 199)")
            execute(rig.dsn, "ALTER TABLE t ATTACH PARTITION two FOR VALUES FROM (100) TO (200)")

    assert rig.run(hook=attach).complete and all_filled(rig.dsn) and rig.counted() == 200


def test_it_ends_although_rows_keep_coming_and_says_so(rig: Rig, table: str):
    body = "BEGIN INSERT INTO t (id) VALUES (OLD.id - 1); RETURN NULL; END"
    execute(rig.dsn, f"CREATE FUNCTION arrive() RETURNS trigger LANGUAGE plpgsql AS '{body}'; INSERT INTO t VALUES (0)")
    execute(rig.dsn, "CREATE TRIGGER arrive AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.id <= 0) EXECUTE FUNCTION arrive()")
    result = rig.run()
    assert not result.complete and result.passes == MOST_PASSES
    assert any(isinstance(e, Notice) and "keep coming" in e.message for e in rig.events)
    assert value(rig.dsn, f"SELECT count(*) FROM t WHERE id BETWEEN 0 AND {ROWS} AND token IS NULL") == 0


def test_a_trigger_that_takes_the_update_back_is_noticed(rig: Rig, table: str):
    execute(
        rig.dsn,
        "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = 7 THEN RETURN NULL; END IF; RETURN NEW; END'",
    )
    execute(rig.dsn, "CREATE TRIGGER back BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION back()")
    with pytest.raises(StepFailedError) as failed:
        rig.run()
    assert failed.value.code == "fill-rows-left" and rig.counted() == ROWS - 1


def test_a_row_that_cannot_be_converted_stops_it_where_it_is(rig: Rig):
    execute(rig.dsn, "CREATE TABLE t (id int, note text, token int)")
    execute(rig.dsn, f"INSERT INTO t SELECT g, CASE g WHEN 9000 THEN 'nine' ELSE g::text END FROM generate_series(1, {ROWS}) g")
    fill = Fill("public.t", (("token", "note::int"),), "token IS NULL")
    with pytest.raises(StepFailedError, match="nine") as failed:
        rig.run(fill)
    assert failed.value.code == "fill-failed" and "public.t" in str(failed.value.where) and not rig.session.in_transaction
    assert rig.counted() == value(rig.dsn, "SELECT count(token) FROM t") > 0
    execute(rig.dsn, "UPDATE t SET note = '9000' WHERE id = 9000")
    assert rig.run(fill).complete and value(rig.dsn, "SELECT count(*) FROM t WHERE token <> id OR token IS NULL") == 0


def test_a_missing_table_in_the_expression_does_not_go_on_for_ever(rig: Rig, table: str):
    with pytest.raises(StepFailedError) as failed:
        rig.run(Fill("public.t", (("token", "(SELECT x FROM no_such)"),), "token IS NULL"))
    assert failed.value.code == "fill-failed"


def test_a_row_that_takes_longer_than_the_budget_is_refused(rig: Rig, table: str):
    slow_trigger(rig, 0.2)
    with pytest.raises(StepFailedError) as failed:
        rig.run()
    assert failed.value.code == "fill-row-too-slow" and "row (0," in str(failed.value.where)


def slow_trigger(rig: Rig, seconds: float) -> None:
    body = f"BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END"
    execute(rig.dsn, f"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    execute(rig.dsn, "CREATE TRIGGER slow BEFORE UPDATE OF token ON t FOR EACH ROW EXECUTE FUNCTION slow()")


@pytest.mark.parametrize("trigger_s", [None, 0.002])
def test_an_application_update_never_waits_long(rig: Rig, table: str, trigger_s: float | None):
    """With a trigger of 2 ms a row a batch has to go down to a few rows; the very first guess is cut short by the timeout.
    The limit is generous, for a noisy machine: 600 rows at once would take over a second."""
    generous_s = 1.0
    if trigger_s:
        execute(rig.dsn, "DELETE FROM t WHERE id > 600", "VACUUM FULL t")
        slow_trigger(rig, trigger_s)
    over = threading.Event()

    def application() -> list[float]:
        waits: list[float] = []
        with psycopg.connect(rig.dsn, autocommit=True) as connection:
            while not over.is_set():
                began = time.monotonic()
                connection.execute("UPDATE t SET note = 'app' WHERE id = %s", [1 + len(waits) % 600])
                waits.append(time.monotonic() - began)
        return waits

    with ThreadPoolExecutor(2) as pool:
        applications = [pool.submit(application) for _ in range(2)]
        try:
            assert rig.run().complete
        finally:
            over.set()
        waits = [w for a in applications for w in a.result()]
    assert all_filled(rig.dsn) and len(waits) > 50 and max(waits) < generous_s


def test_deadlocks_with_the_application_cost_a_try_not_a_row(rig: Rig, table: str):
    """The application locks rows in the opposite order, and holds the first while it waits for the second. The two are on one page,
    and so many lines apart that they are in the same slice."""
    over = threading.Event()

    def application() -> int:
        done = 0
        with psycopg.connect(rig.dsn) as connection:
            while not over.is_set():
                connection.execute("UPDATE t SET note = note || 'a' WHERE id = 94")
                connection.execute("UPDATE t SET note = note || 'a' WHERE id = 10")
                connection.commit()
                done += 1
        return done

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(application)
        try:
            assert rig.run().complete
        finally:
            over.set()
        done = running.result()
    assert all_filled(rig.dsn)
    assert value(rig.dsn, "SELECT length(note) FROM t WHERE id = 94") == 50 + done


def test_the_roles_isolation_level_does_not_matter(rig: Rig, table: str):
    rig.session.run("SET default_transaction_isolation = 'serializable'; SET default_transaction_read_only = on")
    assert rig.run().complete and all_filled(rig.dsn)


def test_commits_wait_for_nobody(rig: Rig, table: str):
    seen: list[str] = []
    execute(rig.dsn, "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                     "PERFORM set_config('test.seen', current_setting('synchronous_commit'), false); RETURN NEW; END $$")  # fmt: skip
    execute(rig.dsn, "CREATE TRIGGER look BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION look()")
    rig.run(hook=lambda number: seen.append(rig.session.value("SELECT current_setting('test.seen', true)") or ""))
    assert set(seen) <= {"", "off"} and "off" in seen and rows(rig.dsn, "SHOW synchronous_commit") == [("on",)]
