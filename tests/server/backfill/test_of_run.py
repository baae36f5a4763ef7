"""Backfills of migrations: `run` takes the options of `backfill`."""

import json
from pathlib import Path

import pytest

from tests.server.backfill.test_job import ODD, ROWS, done, dsn, started, until
from tests.support.command import pgsluice
from tests.support.sql import execute, rows, value

__all__ = ["dsn"]

pytestmark = pytest.mark.newest("the majors differ little here")

ASKED = ("--treat-as-large", "--yes", "--from-start")


@pytest.fixture
def change(tmp_path: Path) -> str:
    path = tmp_path / "0001_b.sql"
    path.write_text(f"UPDATE {ODD} SET b = a * 1.50")
    return str(path)


def filled(dsn: str) -> bool:
    return bool(value(dsn, f"SELECT count(*) FROM {ODD} WHERE record_image_ne(ROW(b), ROW(a * 1.50))") == 0)


def test_killed_it_goes_on_with_as_many_workers_as_it_is_given_then(dsn: str, change: str):
    with started(dsn, "run", change, *ASKED, "--pace", "gentle", "--workers", "3") as process:
        until(lambda: done(dsn) > 500)
        process.kill()
    assert 0 < done(dsn) < ROWS
    assert len(rows(dsn, "SELECT FROM pgsluice.backfill_worker")) == 3
    outcome = pgsluice("run", change, *ASKED, "--pace", "full", "--workers", "2", "--database", dsn)
    assert outcome.code == 0, outcome.err
    assert filled(dsn) and done(dsn) == ROWS
    ours = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(application_name, 'pgsluice')"
    until(lambda: value(dsn, ours) == 0)


def test_it_holds_while_a_query_says_so(dsn: str, change: str):
    execute(dsn, "CREATE TABLE busy (); INSERT INTO busy DEFAULT VALUES")
    with started(dsn, "run", change, *ASKED, "--pace", "full", "--hold-while", "SELECT count(*) FROM busy") as process:

        def waits() -> bool:
            (found,) = json.loads(pgsluice("status", "--format", "json", "--database", dsn).out)["backfills"] or [{}]
            return bool((found.get("news") or {}).get("waiting"))

        until(waits)
        assert done(dsn) == 0
        execute(dsn, "DELETE FROM busy")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "the backfill waits" in said and "goes on" in said
    assert filled(dsn)


@pytest.mark.parametrize(
    ("option", "code"),
    [(("--workers", "0"), "bad-option"), (("--during", "22-6"), "bad-option"), (("--hold-while", "SELECT nobody"), "bad-query")],
)
def test_an_option_that_makes_no_sense_changes_nothing(dsn: str, change: str, option: tuple[str, str], code: str):
    outcome = pgsluice("run", change, *ASKED, *option, "--database", dsn)
    assert outcome.code == 2 and f"[{code}]" in outcome.err
    assert value(dsn, "SELECT to_regnamespace('pgsluice') IS NULL")
