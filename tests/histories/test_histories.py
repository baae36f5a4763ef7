"""Whole histories end where plain SQL ends: in one run, and file by file with every table treated as large."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.histories.history import History, Replay, compared, folders_in, run_each, run_plain, run_whole
from tests.support.servers import OWNER, TestServer

pytestmark = pytest.mark.newest("half a minute for each major")

MADE = Path(__file__).parent / "made"
ELSEWHERE = os.environ.get("PGSLUICE_HISTORIES")
REAL = [pytest.param(folder, id=folder.name) for folder in folders_in(Path(ELSEWHERE))] if ELSEWHERE else []
UNSET = pytest.param(None, marks=pytest.mark.skip(reason="PGSLUICE_HISTORIES names no directory with histories"), id="elsewhere")

NOT_PROVEN = ["0005_views.sql", "0012_named.sql", "0013_snapshot.sql"]
"""Refused file by file until allowed, as each refusal says."""

both_ways = pytest.mark.parametrize("run", [run_whole, run_each])


@pytest.fixture
def plain(server: TestServer) -> Iterator[str]:
    """A database for plain SQL, its owner's connection string."""
    with server.fresh_database() as name:
        yield server.process.dsn(name, OWNER)


@pytest.fixture
def again(server: TestServer) -> Iterator[str]:
    """A second one, to see which rows differ from run to run."""
    with server.fresh_database() as name:
        yield server.process.dsn(name, OWNER)


@pytest.mark.parametrize(("run", "allowed"), [(run_whole, []), (run_each, NOT_PROVEN)])
def test_the_made_history(run: Callable[..., Replay], allowed: list[str], plain: str, owner_dsn: str):
    history = History.read(MADE)
    run_plain(history, plain)
    replay = run(history, owner_dsn)
    assert replay.ran.returncode == 0, replay.ran.stderr
    assert compared(plain, plain, owner_dsn) == ""
    assert sorted(replay.allowed) == allowed


@both_ways
@pytest.mark.parametrize("folder", REAL or [UNSET])
def test_a_history_from_elsewhere(folder: Path, run: Callable[..., Replay], plain: str, again: str, owner_dsn: str):
    history = History.read(folder)
    try:
        run_plain(history, plain)
    except psycopg.Error as error:
        pytest.skip(f"plain SQL fails here: {error}")
    run_plain(history, again)
    replay = run(history, owner_dsn)
    assert replay.ran.returncode == 0, replay.ran.stderr
    assert compared(plain, again, owner_dsn) == ""
