"""`pgsluice guard`: other programs' DDL behind slow readers, and what looks like it and is not."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgsluice.rehearsal.server import Installation
from tests.acceptance.test_guarding_frameworks import guarded_until_cancelled
from tests.server.monitor.looking import READ, running
from tests.support.command import COMMAND, Outcome, environment, pgsluice
from tests.support.scenes import columns, holding, in_background, make_shop, traffic, until
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute, value

pytestmark = pytest.mark.newest("the majors differ little here")

PSQL = str(Installation.embedded().program("psql"))
ALTER = "ALTER TABLE t ADD COLUMN late int"
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"
GUARDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgsluice guard' AND datname = current_database()"


@pytest.fixture
def shop(owner_dsn: str) -> str:
    make_shop(owner_dsn)
    return owner_dsn


def guarded(dsn: str, *command: str, options: tuple[str, ...] = (), **variables: Any) -> Outcome:
    """A command under guard, to its end."""
    return pgsluice("guard", *options, "--", *command, DATABASE_URL=dsn, **variables)


def psql(dsn: str, *queries: str) -> list[str]:
    """psql with these queries, each a -c of its own."""
    return [PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, *[word for query in queries for word in ("-c", query)]]


@contextmanager
def guarding_all(dsn: str, *options: str) -> Iterator[list[str]]:
    """`guard --all` while the block runs; afterwards the list holds what it said."""
    said: list[str] = []
    command = [*COMMAND, "guard", "--all", *options, "--database", dsn]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: value(dsn, GUARDS) >= 1)
        time.sleep(0.2)
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said.append(process.stderr.read())
    assert process.returncode == 0


def test_ddl_behind_a_slow_reader_is_cancelled_and_the_story_told(shop: str):
    with holding(shop, READ, "report"), traffic(shop, READ, clients=4) as felt:
        outcome = guarded(shop, *psql(shop, ALTER))
    assert outcome.code == 5 and "[command-stopped]" in outcome.err
    assert "report" in outcome.err and "idle in transaction" in outcome.err and "waited behind it" in outcome.err
    assert columns(shop) == ["id", "v"] and not felt.errors
    assert felt.longest_ms < 1000, "the reader stays until the end: without the guard the readers would have waited for lock_timeout"


def test_with_retry_it_succeeds_once_the_reader_is_gone(shop: str, tmp_path: Path):
    variables = {"DATABASE_URL": shop}
    with holding(shop, READ, "report") as reader, traffic(shop, READ, clients=4) as felt:
        with guarded_until_cancelled(tmp_path, psql(shop, ALTER), **variables) as process:
            reader.execute("ROLLBACK")
            assert process.wait(60) == 0
    said = (tmp_path / "said").read_text()
    assert "guard: cancelled: ALTER TABLE" in said and "runs again" in said
    assert columns(shop)[-1] == "late" and felt.longest_ms < 1000 and not felt.errors


def test_ddl_behind_which_nobody_waits_is_left_to_wait(shop: str):
    with holding(shop, READ, "report") as reader:
        ran, ended = in_background(lambda: guarded(shop, *psql(shop, ALTER)))
        until(lambda: value(shop, WAITS) == 1)
        time.sleep(1.0)
        assert value(shop, WAITS) == 1
        reader.execute("ROLLBACK")
        ran.join()
    assert (ended[0].code, ended[0].err) == (0, "")


@pytest.mark.parametrize(
    ("query", "waiter"),
    [
        ("UPDATE t SET v = v WHERE id = 1; SELECT pg_sleep(1) /* ALTER TABLE t */", "UPDATE t SET v = v WHERE id = 1"),
        ("LOCK TABLE t; SELECT pg_sleep(1)", READ),
        ("SELECT 'ALTER TABLE t', pg_sleep(1) FROM t LIMIT 1 FOR UPDATE", "UPDATE t SET v = v"),
    ],
)
def test_what_is_no_ddl_is_left_alone(shop: str, query: str, waiter: str):
    ran, ended = in_background(lambda: guarded(shop, *psql(shop, query)))
    until(lambda: value(shop, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()") == 1)
    execute(shop, waiter)
    ran.join()
    assert ended[0].code == 0 and "cancelled" not in ended[0].err, ended[0].err


def test_ddl_of_others_is_reported_and_left_alone(shop: str):
    """Also where they say that they are a guarded command."""
    with holding(shop, READ, "report") as reader, running(shop, ALTER, application="pgsluice guard 00000000"):
        until(lambda: value(shop, WAITS) == 1)
        with running(shop, READ, READ):
            until(lambda: value(shop, WAITS) == 3)
            outcome = guarded(shop, *psql(shop, "SELECT pg_sleep(0.5)"))
        assert value(shop, WAITS) == 1
        reader.execute("ROLLBACK")
        until(lambda: columns(shop)[-1] == "late")
    assert outcome.code == 0 and "left alone: ALTER TABLE" in outcome.err and "cannot be told to be of the command" in outcome.err


CLIENT = """import psycopg, sys
try:
    with psycopg.connect(sys.argv[1], application_name="my own name", options="-c lock_timeout=20s") as c:
        c.execute(sys.argv[2])
except psycopg.Error as error:
    sys.exit(str(error))"""


def test_a_client_of_another_name_is_known_by_its_sockets(shop: str, server: TestServer):
    """A shell between us and the client, which overrides all that was handed down."""
    dsn = server.process.dsn(value(shop, "SELECT current_database()"), OWNER, tcp=True)
    through_a_shell = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", CLIENT, dsn, ALTER]
    with holding(shop, READ, "report"), traffic(shop, READ, clients=2) as felt:
        outcome = guarded(dsn, *through_a_shell)
    assert outcome.code == 5 and "my own name" in outcome.err and felt.longest_ms < 2000


def test_a_client_that_cannot_be_told_is_reported_only(shop: str):
    with holding(shop, READ, "report") as reader, running(shop, READ):
        ran, ended = in_background(lambda: guarded(shop, sys.executable, "-c", CLIENT, shop, ALTER))
        until(lambda: value(shop, WAITS) == 1)
        with running(shop, READ):
            until(lambda: value(shop, WAITS) == 2)
            time.sleep(0.5)
            assert value(shop, WAITS) == 2
            reader.execute("ROLLBACK")
            ran.join()
    assert ended[0].code == 0 and "cannot be told" in ended[0].err and columns(shop)[-1] == "late"


def test_a_session_that_holds_its_lock_and_does_nothing_is_ended(shop: str, tmp_path: Path):
    script = tmp_path / "m.sql"
    script.write_text(f"BEGIN;\n{ALTER};\n\\! sleep 3\nCOMMIT;\n")
    with traffic(shop, READ, clients=2) as felt:
        outcome = guarded(shop, PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", shop, "-f", str(script))
    assert outcome.code == 5 and "session ended" in outcome.err and columns(shop) == ["id", "v"]
    assert felt.longest_ms < 2000


def test_all_ddl_of_a_database_is_guarded(shop: str):
    execute(shop, "CREATE TABLE other (id int)")
    with holding(shop, READ, "report"), guarding_all(shop) as said:
        with holding(shop, "LOCK TABLE other"), running(shop, "SELECT * FROM other /* ALTER TABLE */"):
            with running(shop, READ), pytest.raises(psycopg.errors.QueryCanceled):
                ran, ended = in_background(lambda: execute(shop, ALTER))
                until(lambda: value(shop, WAITS) >= 1 or bool(ended))
                with running(shop, READ):
                    ran.join()
                raise ended[0]
            assert value(shop, "SELECT count(*) FROM pg_locks WHERE relation = 'other'::regclass AND granted") == 1
    assert "guard: cancelled: ALTER TABLE" in said[0] and "left alone" in said[0]


def test_a_dry_run_cancels_nothing(shop: str):
    with guarding_all(shop, "--dry-run") as said, holding(shop, READ, "report") as reader, running(shop, ALTER):
        until(lambda: value(shop, WAITS) == 1)
        with running(shop, READ):
            until(lambda: value(shop, WAITS) == 2)
            time.sleep(0.7)
            assert value(shop, WAITS) == 2
            reader.execute("ROLLBACK")
            until(lambda: columns(shop)[-1] == "late")
    assert "guard: would be cancelled: ALTER TABLE" in said[0]


def test_hooks_and_metrics(shop: str, tmp_path: Path):
    posted: list[dict] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format, *args) -> None:
            return

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    probe = HTTPServer(("127.0.0.1", 0), Receiver)
    port = probe.server_port
    probe.server_close()
    told = tmp_path / "told"
    options = ("--webhook", f"http://127.0.0.1:{receiver.server_port}/x", "--exec", f"cat >> '{told}'", "--metrics", f"127.0.0.1:{port}")
    fetch = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{port}/metrics').read().decode())"
    script = f"{' '.join(map(_quoted, psql(shop, ALTER)))}; code=$?; {sys.executable} -c {_quoted(fetch)}; exit $code"
    with holding(shop, READ, "report"), traffic(shop, READ):
        outcome = guarded(shop, "sh", "-c", script, options=options)
    receiver.shutdown()
    receiver.server_close()
    assert outcome.code == 5, outcome.err
    (event,) = [e for e in posted if e["kind"] == "event"]
    assert (event["deed"], event["ddl"], event["waiting"] >= 1) == ("cancelled", "ALTER TABLE", True)
    assert event["blockers"][0]["application"] == "report" and json.loads(told.read_text().strip()) == event
    assert 'pgsluice_guard_deeds_total{deed="cancelled"} 1' in outcome.out and "pgsluice_guard_up 1" in outcome.out


def test_a_hook_that_fails_hurts_nobody(shop: str):
    with holding(shop, READ, "report"), traffic(shop, READ):
        outcome = guarded(shop, *psql(shop, ALTER), options=("--webhook", "http://127.0.0.1:1/", "--exec", "exit 3"))
    assert outcome.code == 5 and "the webhook failed" in outcome.err and "the hook program failed: exit code 3" in outcome.err


def test_exit_codes_and_what_is_handed_down(shop: str, tmp_path: Path):
    assert guarded(shop, "sh", "-c", "exit 7").code == 7
    assert guarded(shop, "sh", "-c", "kill -TERM $$").code == 143
    assert guarded(shop, str(tmp_path / "nothing")).code == 2
    assert pgsluice("guard", DATABASE_URL=shop).code == 2
    assert pgsluice("guard", "--all", "--", "true", DATABASE_URL=shop).code == 2
    shown = guarded(shop, *psql(shop, "SHOW lock_timeout", "SHOW application_name", "SHOW work_mem"), PGOPTIONS="-c work_mem=77kB")
    assert "5s" in shown.out and "pgsluice guard " in shown.out and "77kB" in shown.out
    own = guarded(shop, *psql(shop, "SHOW lock_timeout"), PGOPTIONS="-c lock_timeout=7s")
    assert "7s" in own.out, "what the user asks for goes before ours"
    begun = guarded("host=127.0.0.1 port=1", "touch", str(tmp_path / "begun"))
    assert begun.code == 3 and not (tmp_path / "begun").exists()


def test_the_command_is_ended_with_the_guard(shop: str):
    with subprocess.Popen([*COMMAND, "guard", "--", *psql(shop, "SELECT pg_sleep(60)")], env=environment(DATABASE_URL=shop)) as process:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        until(lambda: value(shop, sleeping) == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    until(lambda: value(shop, sleeping) == 0)


def test_a_guard_that_loses_its_connection_says_so_and_goes_on(shop: str, database: str):
    with holding(shop, READ, "report"):
        ran, ended = in_background(lambda: guarded(shop, "sh", "-c", f"sleep 1.5; {' '.join(map(_quoted, psql(shop, ALTER)))}"))
        until(lambda: value(shop, GUARDS) >= 1)
        time.sleep(0.3)
        execute(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice guard'")
        with traffic(shop, READ):
            ran.join()
    assert ended[0].code == 5 and "cannot be watched" in ended[0].err and "connected again" in ended[0].err


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\"'\"'") + "'"
