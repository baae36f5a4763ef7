"""The commands from end to end: a backfill begun, steered, killed, gone on with."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

from tests.support import scenes
from tests.support.command import COMMAND, environment, pgsluice
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("the majors differ little here, and each takes half a minute")

ROWS = 30_000
ODD = '"Ta""ble".select'
until = partial(scenes.until, limit_s=60)


@pytest.fixture
def dsn(owner_dsn: str) -> str:
    execute(
        owner_dsn,
        'CREATE SCHEMA "Ta""ble"',
        f"CREATE TABLE {ODD} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, n int NOT NULL DEFAULT 0, b numeric)",
        f"INSERT INTO {ODD} (a) SELECT g FROM generate_series(1, {ROWS}) g",
    )
    return owner_dsn


@contextmanager
def started(dsn: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, which is gone at the end."""
    command = [*COMMAND, *arguments, "--database", dsn]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def done(dsn: str) -> int:
    """Rows that batches have recorded so far."""
    if not value(dsn, "SELECT to_regclass('pgsluice.backfill_worker') IS NOT NULL"):
        return 0
    found: int = value(dsn, "SELECT coalesce(sum(rows_done), 0) FROM pgsluice.backfill_worker")
    return found


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_column_is_filled_by_pages(dsn: str, workers: str):
    outcome = pgsluice("backfill", ODD, "--set", "b = a * 1.50", "--pace", "full", "--workers", workers, "--database", dsn)
    assert outcome.code == 0 and f"{ROWS:,} rows changed" in outcome.out, outcome.err
    assert value(dsn, f"SELECT count(*) FROM {ODD} WHERE record_image_ne(ROW(b), ROW(a * 1.50))") == 0
    assert done(dsn) == ROWS
    again = pgsluice("backfill", ODD, "--set", "b = a * 1.50", "--pace", "full", "--database", dsn)
    assert again.code == 0 and ": 0 rows changed" in again.out


def test_a_count_is_raised_once_in_each_row_although_it_is_killed(dsn: str):
    with started(dsn, "backfill", ODD, "--set", "n = n + 1", "--name", "count up") as process:
        until(lambda: done(dsn) > 500)
        process.kill()
        process.wait()
    assert 0 < done(dsn) < ROWS
    status = json.loads(pgsluice("status", "--format", "json", "--database", dsn).out)
    (found,) = status["backfills"]
    assert (found["step"], found["state"], found["alive"]) == ("count up", "running", False)
    outcome = pgsluice("resume", "--pace", "full", "--database", dsn)
    assert outcome.code == 0 and outcome.out.startswith("count up: "), outcome.err
    assert rows(dsn, f"SELECT n, count(*) FROM {ODD} GROUP BY n") == [(1, ROWS)] and done(dsn) == ROWS


def test_it_is_paused_throttled_and_resumed_from_another_terminal(dsn: str):
    execute(dsn, f"INSERT INTO {ODD} (a) SELECT g FROM generate_series(1, {4 * ROWS}) g")
    with started(dsn, "backfill", ODD, "--set", "n = n + 1", "--pace", "gentle") as process:
        until(lambda: done(dsn) > 0)
        paused = pgsluice("pause", "--database", dsn)
        assert paused.code == 0 and "paused" in paused.out
        time.sleep(1)
        held = done(dsn)
        time.sleep(1)
        assert 0 < held == done(dsn) < 5 * ROWS, "a pause holds within a second"
        assert "waiting: paused" in pgsluice("status", "--database", dsn).out
        assert pgsluice("throttle", "--pace", "full", "--database", dsn).code == 0
        outcome = pgsluice("resume", "--database", dsn)
        assert outcome.code == 0 and "goes on" in outcome.out
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "waits: paused" in said and "goes on" in said
    assert rows(dsn, f"SELECT n, count(*) FROM {ODD} GROUP BY n") == [(1, 5 * ROWS)]


def test_two_runners_do_nothing_twice(dsn: str):
    with started(dsn, "backfill", ODD, "--set", "n = n + 1", "--pace", "gentle") as process:
        until(lambda: done(dsn) > 0)
        assert pgsluice("pause", "--database", dsn).code == 0
        second = pgsluice("backfill", ODD, "--set", "n = n + 1", "--database", dsn)
        assert second.code == 4 and "[another-backfill]" in second.err
        other = pgsluice("backfill", ODD, "--set", "b = 1", "--pace", "full", "--database", dsn)
        assert other.code == 0, "another backfill is not held up"
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode == 143
    assert pgsluice("resume", "--pace", "full", "--database", dsn).code == 0
    assert rows(dsn, f"SELECT n, count(*) FROM {ODD} GROUP BY n") == [(1, ROWS)]


def test_a_row_that_cannot_be_changed_is_named_or_passed_over(dsn: str):
    execute(dsn, f"UPDATE {ODD} SET a = 0 WHERE id IN (77, 20000)")
    stopped = pgsluice("backfill", ODD, "--set", "b = 100 / a", "--pace", "full", "--database", dsn)
    assert stopped.code == 6 and "division by zero" in stopped.err and "row (" in stopped.err
    passed = pgsluice("backfill", ODD, "--set", "b = 200 / a", "--skip-failing", "--pace", "full", "--database", dsn)
    assert passed.code == 0 and "2 rows could not be changed" in passed.out, passed.err
    assert value(dsn, f"SELECT count(*) FROM {ODD} WHERE a <> 0 AND b IS DISTINCT FROM 200 / a") == 0
    assert value(dsn, "SELECT count(DISTINCT place) FROM pgsluice.backfill_bad_row WHERE error LIKE '%zero%'") == 2
    by_key = pgsluice("backfill", ODD, "--set", "n = n + 1 / a", "--skip-failing", "--pace", "full", "--database", dsn)
    assert by_key.code == 0 and "2 rows could not be changed" in by_key.out, by_key.err
    assert value(dsn, f"SELECT count(*) FROM {ODD} WHERE a > 0 AND n <> 1 / a") == 0


def test_rows_go_by_pages_and_triggers_are_named_or_skipped(dsn: str, database: str):
    body = f"BEGIN UPDATE {ODD} SET a = -1 WHERE id = 1; RETURN OLD; END"
    execute(dsn, f"CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    execute(dsn, f'CREATE TRIGGER "Audit" AFTER DELETE ON {ODD} FOR EACH ROW EXECUTE FUNCTION audit()')
    change = ("backfill", ODD, "--delete", "--where", "id % 100 = 0", "--skip-triggers", "--pace", "full")
    refused = pgsluice(*change, "--database", dsn)
    assert refused.code == 3 and "[triggers-not-skipped]" in refused.err
    skipped = pgsluice(*change, "--database", database)
    assert skipped.code == 0 and value(dsn, f"SELECT a FROM {ODD} WHERE id = 1") == 1, skipped.err
    named = pgsluice("backfill", ODD, "--delete", "--where", "id % 100 = 1 AND id > 1000", "--pace", "full", "--database", dsn)
    assert named.code == 0 and 'fire for what is changed: "Audit"' in named.err
    assert value(dsn, f"SELECT a FROM {ODD} WHERE id = 1") == -1
    assert value(dsn, f"SELECT count(*) FROM {ODD}") == ROWS - ROWS // 100 - (ROWS - 1000) // 100


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere", "--delete"], 2, "no-such-table"),
        ([ODD], 2, "no-change"),
        ([ODD, "--delete", "--set", "a = 1"], 2, "no-change"),
        ([ODD, "--set", "a = 1; DROP TABLE x"], 2, "not-one-statement"),
        ([ODD, "--set", "a = "], 2, "syntax"),
        ([ODD, "--set", "missing = 1"], 2, "no-such-column"),
        ([ODD, "--set", "a = missing"], 2, "not-understood"),
        ([ODD, "--set", "a = 'x'"], 2, "not-understood"),
        ([ODD, "--set", "a = 1 FROM pg_class"], 2, "not-in-batches"),
        ([ODD, "--set", "a = 1", "--where", "random() < 0.5"], 2, "not-in-batches"),
        ([ODD, "--set", "a = 1", "--workers", "0"], 2, "bad-option"),
        ([ODD, "--set", "a = 1", "--during", "22-6"], 2, "bad-option"),
        ([ODD, "--set", "a = 1", "--hold-while", "SELECT nothing"], 2, "bad-query"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_written(dsn: str, arguments: list[str], code: int, said: str):
    outcome = pgsluice("backfill", *arguments, "--database", dsn)
    assert ((outcome.code, outcome.out) == (code, "") and f"[{said}" in outcome.err) or said in outcome.err, outcome.err
    assert value(dsn, f"SELECT max(n) FROM {ODD}") == 0


def test_rows_that_a_trigger_keeps_are_met_once(dsn: str):
    """A soft delete, in one partition alone: by pages the rows would be met again and again."""
    execute(
        dsn,
        "CREATE TABLE soft (id int PRIMARY KEY, gone int NOT NULL DEFAULT 0) PARTITION BY LIST (id)",
        "CREATE TABLE soft_rest PARTITION OF soft DEFAULT; INSERT INTO soft SELECT generate_series(1, 500)",
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN UPDATE soft SET gone = gone + 1 WHERE id = OLD.id; RETURN NULL; END $$",
        "CREATE TRIGGER keep BEFORE DELETE ON soft_rest FOR EACH ROW EXECUTE FUNCTION keep()",
    )
    assert pgsluice("backfill", "soft", "--delete", "--where", "id > 100", "--database", dsn).code == 0
    assert value(dsn, "SELECT count(*) FILTER (WHERE gone = 1) || ' ' || count(*) FILTER (WHERE gone = 0) FROM soft") == "400 100"


def test_keys_of_every_kind_stay_in_the_server(dsn: str):
    execute(
        dsn,
        """CREATE TABLE k (t text COLLATE "C", u uuid, ts timestamptz, n numeric, n1 int NOT NULL, PRIMARY KEY (t, u, ts, n))""",
        """INSERT INTO k SELECT CASE g % 7 WHEN 0 THEN 'ä"\\' WHEN 1 THEN '' ELSE 'é' || g % 50 END, md5(g::text)::uuid,
           timestamptz '2020-01-01' + g * interval '1.000001 s', 0.1 + g * 1e-25, 0 FROM generate_series(1, 3000) g""",
        "ALTER ROLE CURRENT_USER SET DateStyle = 'German'; ALTER ROLE CURRENT_USER SET extra_float_digits = -5",
    )
    outcome = pgsluice("backfill", "k", "--set", "n1 = n1 + 1", "--pace", "full", "--database", dsn)
    execute(dsn, "ALTER ROLE CURRENT_USER RESET ALL")
    assert outcome.code == 0 and rows(dsn, "SELECT n1, count(*) FROM k GROUP BY 1") == [(1, 3000)], outcome.err


def test_rows_that_come_while_it_runs_by_key_are_left_alone(dsn: str):
    with started(dsn, "backfill", ODD, "--set", "n = n + 1") as process, psycopg.connect(dsn, autocommit=True) as application:
        until(lambda: done(dsn) > 0)
        while process.poll() is None:
            application.execute(f"INSERT INTO {ODD} (a) VALUES (-1)")
            time.sleep(0.01)
        assert process.returncode == 0
    assert rows(dsn, f"SELECT n, a = -1, count(*) FROM {ODD} GROUP BY 1, 2 ORDER BY 1 DESC LIMIT 1") == [(1, False, ROWS)]
    assert value(dsn, f"SELECT max(n) FROM {ODD} WHERE a = -1") == 0


def test_it_holds_while_a_query_says_so_and_status_shows_why(dsn: str):
    execute(dsn, "CREATE TABLE hold (it boolean); INSERT INTO hold VALUES (true)")
    with started(dsn, "backfill", ODD, "--set", "b = a", "--pace", "full", "--hold-while", "SELECT it FROM hold") as process:
        until(lambda: "your query says True" in pgsluice("status", "--database", dsn).out)
        assert done(dsn) == 0
        execute(dsn, "UPDATE hold SET it = false")
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "waits: your query says True" in said and done(dsn) == ROWS
