"""`pgsluice watch` as a user calls it: one look, recordings, and a server that goes away."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pgsluice.rehearsal.server import StandbyServer
from tests.server.monitor.looking import READ, ddl_with_readers_behind
from tests.support.command import COMMAND, environment, pgsluice
from tests.support.scenes import columns, holding, make_shop, until
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("tests/server/monitor looks at every major")

WATCHING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice watch' AND datname = current_database()"


def test_the_queue_in_text_and_json_recorded_and_replayed(owner_dsn: str, tmp_path: Path):
    make_shop(owner_dsn)
    with holding(owner_dsn, READ, "report"), ddl_with_readers_behind(owner_dsn, 8):
        text = pgsluice("watch", "--once", "--record", "looks.jsonl", cwd=tmp_path, DATABASE_URL=owner_dsn)
        made = pgsluice("watch", "--once", "--format", "json", "--record", "looks.jsonl", cwd=tmp_path, DATABASE_URL=owner_dsn)
    assert (text.code, text.err) == (0, "") == (made.code, made.err)
    assert "8 sessions wait behind it" in text.out and "report (shop owner), idle in transaction" in text.out
    look = json.loads(made.out)
    (reader,) = look["forest"]
    (alter,) = reader["waiters"]
    assert (look["schema_version"], reader["application"], alter["ddl"], len(alter["waiters"])) == (1, "report", "ALTER TABLE", 8)

    assert len((tmp_path / "looks.jsonl").read_text().splitlines()) == 2
    again = pgsluice("watch", "--once", "--format", "json", "--replay", "looks.jsonl", cwd=tmp_path)
    assert (again.code, json.loads(again.out)) == (0, look)
    both = pgsluice("watch", "--replay", "looks.jsonl", cwd=tmp_path)
    assert both.out.count("8 sessions wait behind it, the longest") >= 2


def test_our_own_run_is_shown(owner_dsn: str, tmp_path: Path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "1.sql").write_text("CREATE TABLE a (b int, c int);")
    assert pgsluice("run", "m", cwd=tmp_path, DATABASE_URL=owner_dsn).code == 0
    (tmp_path / "m" / "2.sql").write_text("ALTER TABLE a DROP COLUMN c;")
    assert pgsluice("run", "m", cwd=tmp_path, DATABASE_URL=owner_dsn).code == 0
    runs = json.loads(pgsluice("watch", "--once", "--format", "json", DATABASE_URL=owner_dsn).out)["runs"]
    assert runs["migrations"] == ["2: waiting"] and not runs["alive"]
    assert [(step["migration"], step["state"]) for step in runs["steps"] if step["phase"] == "contract"] == [("2", "pending")]


def test_without_a_right_to_the_journal_the_rest_is_shown(owner_dsn: str, database: str):
    assert pgsluice("run", "-", DATABASE_URL=owner_dsn).code != 0
    execute(database, "CREATE SCHEMA pgsluice; CREATE TABLE pgsluice.version (version int)")
    look = json.loads(pgsluice("watch", "--once", "--format", "json", DATABASE_URL=owner_dsn).out)
    assert any(said.startswith("our runs: ") for said in look["unseen"]) and look["counts"]["total"] >= 0


def test_bad_recordings_are_one_clear_error(tmp_path: Path):
    for text in (
        "",
        "{",
        '{"schema_version": 1}\n{"sch',
        '{"schema_version": 1, "taken_at": "x", "queues": 3}\n',
        "[]\n",
        '{"schema_version": 9}\n',
    ):
        (tmp_path / "r.jsonl").write_text(text)
        outcome = pgsluice("watch", "--replay", "r.jsonl", cwd=tmp_path)
        assert outcome.code == 2 and "[bad-recording]" in outcome.err, text
    assert "[file-not-readable]" in pgsluice("watch", "--replay", "none.jsonl", cwd=tmp_path).err
    (tmp_path / "cut.jsonl").write_text('{"schema_version": 1, "taken_at": "2026-01-01T00:00:00", "database": "d"}\n{"schema_ver')
    assert pgsluice("watch", "--replay", "cut.jsonl", cwd=tmp_path).code == 0


def test_a_lost_server_is_said_and_connected_to_again(database: str, server: TestServer):
    command = [*COMMAND, "watch", "--interval", "100ms", "--format", "json", "--database", database]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["problem"] is None
        ((first,),) = rows(database, WATCHING)
        execute(database, f"SELECT pg_terminate_backend({first})")
        said = [json.loads(process.stdout.readline())["problem"]]
        while said[-1] is not None or len(said) == 1:
            said.append(json.loads(process.stdout.readline())["problem"])
        assert any(problem and "cannot be looked at" in problem for problem in said)
        until(lambda: [pid for (pid,) in rows(database, WATCHING)] not in ([], [first]))
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_wrong_password_or_server_is_the_usual_error():
    outcome = pgsluice("watch", "--once", "--database", "host=127.0.0.1 port=1")
    assert outcome.code == 3 and "[cannot-connect]" in outcome.err


@pytest.mark.pg(">= 18")  # only this installation has pg_basebackup
def test_a_standby_is_looked_at_too(owner_dsn: str, server: TestServer):
    make_shop(owner_dsn)
    with StandbyServer(server.process, {"max_standby_streaming_delay": "0"}) as standby:
        dsn = standby.dsn(value(owner_dsn, "SELECT current_database()"), OWNER)
        until(lambda: value(dsn, "SELECT to_regclass('public.t') IS NOT NULL"))

        def seen() -> dict[str, Any]:
            made = pgsluice("watch", "--once", "--format", "json", "--standby", dsn, DATABASE_URL=owner_dsn)
            (found,) = json.loads(made.out)["standbys"]
            return dict(found)

        with holding(dsn, READ, "reporting") as reader:
            until(lambda: [session["application"] for session in seen()["sessions"]] == ["reporting"])
            assert seen()["conflicts"] == []
            execute(owner_dsn, "ALTER TABLE t ADD COLUMN late int")
            until(lambda: value(dsn, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'") == 0)
            reader.close()
        until(lambda: seen()["conflicts"] != [])
        assert "lock" in seen()["conflicts"][0], seen()
        standby.stop()
        gone = pgsluice("watch", "--once", "--standby", dsn, DATABASE_URL=owner_dsn)
        assert gone.code == 3 and "[cannot-connect]" in gone.err
        standby.start()


def test_killing_those_who_watch_leaves_a_run_alone(owner_dsn: str, tmp_path: Path):
    make_shop(owner_dsn)
    (tmp_path / "1.sql").write_text("ALTER TABLE t ADD COLUMN late int;")
    web = ("--web", "--listen", "127.0.0.1:0")
    with ExitStack() as stack, holding(owner_dsn, READ, "report"):
        run = stack.enter_context(started("run", "1.sql", "--from-start", "--database", owner_dsn, cwd=tmp_path))
        until(lambda: value(owner_dsn, "SELECT to_regclass('pgsluice.step') IS NOT NULL"))
        until(lambda: value(owner_dsn, "SELECT count(*) FROM pgsluice.step WHERE state = 'started'") == 1)
        its_own = len(rows(owner_dsn, WATCHING))
        watchers = [stack.enter_context(started("watch", *how, "--database", owner_dsn)) for how in ((), web)]
        until(lambda: len(rows(owner_dsn, WATCHING)) == its_own + 2)
        for watcher in watchers:
            watcher.kill()
            watcher.wait()
        until(lambda: len(rows(owner_dsn, WATCHING)) == its_own)
        assert run.poll() is None
    assert run.returncode == 0 and columns(owner_dsn)[-1] == "late"


@contextmanager
def started(*arguments: str, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """pgsluice while the block runs, and until it ends by itself."""
    command, none = [*COMMAND, *arguments], subprocess.DEVNULL
    with subprocess.Popen(command, env=environment(), cwd=cwd, stdout=none, stderr=none) as process:
        yield process
