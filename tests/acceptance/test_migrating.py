"""From the first plan to the last contract, as a user would go."""

import json
import re
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from pgsluice.rehearsal.server import StandbyServer
from tests.support.command import COMMAND, environment, pgsluice
from tests.support.contents import dump
from tests.support.servers import TestServer
from tests.support.sql import execute, rows, value

newest = pytest.mark.newest("what is said differs little between the majors")

FIRST = "CREATE TABLE accounts (id bigint PRIMARY KEY, email text, old text);"
SECOND = "ALTER TABLE accounts ADD COLUMN age int;\nCREATE INDEX accounts_email ON accounts (email);"
THIRD = "ALTER TABLE accounts DROP COLUMN old;"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name, text in {"001_accounts": FIRST, "002_age": SECOND, "003_no_old": THIRD}.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


def test_the_way_through(migrations: Path, owner_dsn: str, other_database: str):
    first = pgsluice("run", migrations / "001_accounts.sql", PGSLUICE_DATABASE=owner_dsn)
    assert (first.code, first.out) == (0, "applied: 001_accounts\n"), first.err
    ran = pgsluice("run", migrations, "--treat-as-large", PGSLUICE_DATABASE=owner_dsn)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == ["applied: 002_age, 003_no_old", "waits for `pgsluice contract 003_no_old`"]
    assert "build index: CREATE INDEX CONCURRENTLY" in ran.err

    waiting = pgsluice("status", "--check", "--format", "json", DATABASE_URL=owner_dsn)
    assert waiting.code == 1
    assert json.loads(waiting.out)["waiting_for_contract"] == ["003_no_old"]

    contracted = pgsluice("contract", "--quiet", "--database", owner_dsn)
    assert (contracted.code, contracted.out, contracted.err) == (0, "contracted: 003_no_old\n", "")
    again = pgsluice("run", migrations, "--database", owner_dsn)
    assert (again.code, again.out) == (0, "nothing is pending\n")
    assert pgsluice("status", "--check", "--database", owner_dsn).code == 0

    execute(_as_owner(other_database, owner_dsn), FIRST, SECOND, THIRD)
    assert dump(owner_dsn) == dump(other_database)


def _as_owner(database: str, owner_dsn: str) -> str:
    user = re.search(r"user='[^']*'", owner_dsn)
    assert user
    return re.sub(r"user='[^']*'", user[0], database)


@newest
def test_a_dry_run_changes_nothing(migrations: Path, owner_dsn: str):
    before = dump(owner_dsn)
    outcome = pgsluice("run", "--dry-run", migrations, "--database", owner_dsn)
    assert outcome.code == 0, outcome.err
    assert "would be applied: 001_accounts" in outcome.out
    assert dump(owner_dsn) == before
    assert value(owner_dsn, "SELECT to_regnamespace('pgsluice') IS NULL")


@newest
def test_a_saved_plan_runs_while_it_fits(migrations: Path, owner_dsn: str, tmp_path: Path):
    execute(owner_dsn, FIRST)
    saved = tmp_path / "plan.json"
    planned = pgsluice("plan", migrations, "--start-after", "001_accounts", "-o", saved, "--database", owner_dsn)
    assert (planned.code, planned.out) == (0, ""), planned.err
    assert [m["name"] for m in json.loads(saved.read_text())["migrations"]] == ["002_age", "003_no_old"]

    execute(owner_dsn, "ALTER TABLE accounts ADD surprise int")
    outdated = pgsluice("run", saved, "--from-start", "--database", owner_dsn)
    assert (outdated.code, "[plan-outdated]" in outdated.err) == (2, True)
    execute(owner_dsn, "ALTER TABLE accounts DROP surprise")
    replanned = pgsluice("plan", migrations, "--start-after", "001_accounts", "-o", saved, "--database", owner_dsn)
    assert replanned.code == 0
    ran = pgsluice("run", saved, "--from-start", "--database", owner_dsn)
    assert ran.code == 0, ran.err
    assert value(owner_dsn, "SELECT count(*) FROM pg_indexes WHERE indexname = 'accounts_email'") == 1


@newest
def test_rollback_asks_with_counts_before_rows_are_lost(tmp_path: Path, owner_dsn: str):
    execute(owner_dsn, FIRST + "INSERT INTO accounts VALUES (1)")
    (tmp_path / "1.sql").write_text("SELECT 1;")
    (tmp_path / "2.sql").write_text("ALTER TABLE accounts ADD COLUMN age int; ALTER TABLE accounts DROP COLUMN old;")
    assert pgsluice("run", tmp_path, "--start-after", "1", "--database", owner_dsn).code == 0
    execute(owner_dsn, "UPDATE accounts SET age = 42")
    declined = pgsluice("rollback", "--database", owner_dsn)
    assert declined.code == 5
    assert re.search(r"would be lost with step .*: 1 ", declined.err)
    assert value(owner_dsn, "SELECT age FROM accounts") == 42
    assert pgsluice("rollback", "--yes", "--database", owner_dsn).out == "rolled back: 2\n"
    assert rows(owner_dsn, "SELECT FROM information_schema.columns WHERE table_name = 'accounts' AND column_name = 'age'") == []


@newest
def test_history_that_nobody_knows_is_refused(migrations: Path, owner_dsn: str):
    execute(owner_dsn, FIRST)
    outcome = pgsluice("run", migrations, "--database", owner_dsn)
    assert (outcome.code, "--start-after" in outcome.err) == (2, True)
    assert value(owner_dsn, "SELECT to_regnamespace('pgsluice') IS NULL")


@newest
@pytest.mark.parametrize("text", ["ALTER TABLE nowhere ADD COLUMN a int;", "CREATE INDEX ON nowhere (a);"])
def test_a_missing_table_is_one_clear_error(tmp_path: Path, owner_dsn: str, text: str):
    (tmp_path / "1.sql").write_text(text)
    outcome = pgsluice("run", tmp_path / "1.sql", "--database", owner_dsn)
    assert outcome.code in (2, 6)
    assert "nowhere" in outcome.err


@newest
def test_a_wrong_password_is_one_clear_error(server: TestServer):
    dsn = server.process.dsn(tcp=True).replace(server.process.password, "guessed")
    outcome = pgsluice("status", "--database", dsn)
    assert (outcome.code, "[wrong-password]" in outcome.err, "guessed" in outcome.err) == (3, True, False)


@newest
def test_a_role_without_rights_is_one_clear_error(tmp_path: Path, database: str, server: TestServer):
    execute(database, "DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN")
    (tmp_path / "1.sql").write_text("CREATE TABLE pg_temp.t ();")
    outcome = pgsluice("run", tmp_path / "1.sql", "--database", re.sub("user='postgres'", "user='visitor'", database))
    assert (outcome.code, "[journal-not-permitted]" in outcome.err) == (3, True)


@pytest.mark.pg("18")
def test_a_hot_standby_is_one_clear_error(tmp_path: Path, server: TestServer):
    (tmp_path / "1.sql").write_text("CREATE TABLE t ();")
    with StandbyServer(server.process) as standby:
        outcome = pgsluice("run", tmp_path / "1.sql", "--database", standby.dsn())
        assert (outcome.code, "[read-only-server]" in outcome.err) == (3, True)
        assert pgsluice("status", "--database", standby.dsn()).code == 0


@newest
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_waiting_run_with_nothing_changed(migrations: Path, owner_dsn: str, how: signal.Signals, code: int):
    execute(owner_dsn, FIRST)
    arguments = ["run", str(migrations), "--start-after", "001_accounts", "--database", owner_dsn]
    with psycopg.connect(owner_dsn) as reader:
        reader.execute("SELECT FROM accounts")
        process = subprocess.Popen([*COMMAND, *arguments], env=environment(), stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            said = next((line for line in process.stderr if "waiting" in line), "nothing")
            process.send_signal(how)
            rest = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == code, said + rest
    assert "Traceback" not in rest
    assert rows(owner_dsn, "SELECT FROM information_schema.columns WHERE table_name = 'accounts' AND column_name = 'age'") == []
    assert pgsluice("run", migrations, "--database", owner_dsn).code == 0
