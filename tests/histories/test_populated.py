"""The harness with rows: a history small enough for each test run, with every verdict in it; real ones with PGSLUICE_HISTORIES."""

import os
from pathlib import Path

import psycopg
import pytest

from pgsluice.rehearsal.load.process import APPLICATION_NAME
from tests.histories.clones import Chain, verdicts
from tests.histories.history import History, folders_in
from tests.histories.traffic import Application, Watch
from tests.histories.verdicts import Outcome, Verdict
from tests.support.servers import TestServer

SMALL = Path(__file__).parent / "small"
ELSEWHERE = os.environ.get("PGSLUICE_HISTORIES")
REAL = [pytest.param(folder, id=folder.name) for folder in folders_in(Path(ELSEWHERE))] if ELSEWHERE else []
UNSET = pytest.param(None, marks=pytest.mark.skip(reason="PGSLUICE_HISTORIES names no directory with histories"), id="elsewhere")


def replayed(server: TestServer, folder: Path, rows: int = 100) -> list[Outcome]:
    chain = Chain(server.process, History.read(folder), rows)
    with chain.opened():
        outcomes = [outcome for file in chain.history.files for outcome in (*verdicts(chain, file), *chain.advance(file))]
    return outcomes


@pytest.mark.pg(">= 18")
def test_each_migration_on_rows(server: TestServer):
    found = replayed(server, SMALL)
    assert [o.said for o in found if o.verdict.wrong] == []
    assert [(o.file[:4], o.kind, o.verdict) for o in found] == [
        ("0001", "rows", Verdict.SAME),
        ("0002", "rows", Verdict.RIGHTLY),
        ("0002", "rows without NULL", Verdict.SAME),
        ("0003", "rows", Verdict.SAME),
        ("0004", "rows", Verdict.RIGHTLY),
        ("0004", "rows without NULL", Verdict.RIGHTLY),
        ("0004", "no rows", Verdict.SAME),
        ("0005", "rows", Verdict.SAME),
        ("0006", "rows", Verdict.FOR_TRAFFIC),
    ]


def test_a_wait_behind_us_is_seen(database: str):
    with psycopg.connect(f"{database} application_name='pgsluice run'") as ours, Watch(database) as watch:
        ours.execute("SELECT pg_advisory_xact_lock(1)")
        with psycopg.connect(f"{database} application_name='{APPLICATION_NAME}'", autocommit=True) as waiting:
            waiting.execute("SET lock_timeout = '300ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                waiting.execute("SELECT pg_advisory_lock(1)")
    assert watch.longest_s > 0.0


@pytest.mark.newest("five seconds")
def test_an_application_beside_a_migration(server: TestServer):
    chain, application = Chain(server.process, History.read(SMALL), rows=50, busy=True), Application(seed=1)
    first, second, rename, *_ = chain.history.files
    with chain.opened():
        assert [*chain.advance(first), *chain.advance(second)] == []
        found = list(verdicts(chain, rename, application))
    assert [o.verdict for o in found] == [Verdict.SAME]
    assert [(f.release, f.allowed) for f in application.felt] == [("old", False), ("new", False)]
    assert all(f.requests.requests > 0 and not f.requests.failed for f in application.felt)


@pytest.mark.parametrize("folder", REAL or [UNSET])
def test_a_history_from_elsewhere(folder: Path, server: TestServer):
    assert [(o.file, o.said) for o in replayed(server, folder) if o.verdict.wrong] == []
