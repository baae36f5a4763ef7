"""The command line without a server: help, usage, bad input."""

import subprocess
import sys
from pathlib import Path

import pytest

from pgsluice.cli.commands import SUMMARIES
from tests.support.command import COMMAND, environment, pgsluice


def test_help_names_every_command():
    outcome = pgsluice("--help")
    assert outcome.code == 0
    assert [name for name in SUMMARIES if name not in outcome.out] == []


@pytest.mark.parametrize("command", SUMMARIES)
def test_every_command_has_help(command: str):
    outcome = pgsluice(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"pgsluice {command}" in outcome.out


def test_help_reads_little():
    """What makes it answer at once: no driver, no parser of SQL, no module of ours beyond the command line's own."""
    listed = "import sys; from pgsluice.cli.main import main; main(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", listed], env=environment(), capture_output=True, text=True, check=True)
    loaded = ran.stderr.split()
    ours = {"pgsluice", "pgsluice.cli", "pgsluice.cli.commands", "pgsluice.cli.main", "pgsluice.cli.terminal"}
    assert {name for name in loaded if name.startswith("pgsluice")} == ours
    assert not {"psycopg", "pglast", "rich", "dataclasses", "inspect", "asyncio"} & set(loaded)


@pytest.mark.parametrize("arguments", [[], ["leap"], ["plan"], ["run", "m.sql", "--thruogh", "expand"], ["status", "more"]])
def test_wrong_usage_is_said_and_is_exit_2(arguments: list[str]):
    outcome = pgsluice(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "usage: pgsluice" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["plan", "missing.sql", "--pg-version", "18"], 2, "missing.sql"),
        (["plan", "m.sql", "--pg-version", "9"], 2, "[bad-option]"),
        (["run", "m.sql", "--patience", "soon"], 2, "where: --patience"),
        (["status", "--format", "sql"], 2, "[bad-option]"),
        (["status", "--database", "mysql://x"], 2, "[bad-connection-string]"),
        (["run", "missing.json"], 2, "missing.json"),
        (["run", "broken.json"], 2, "line 1"),
        (["status", "--database", "host=127.0.0.1 port=1"], 3, "[cannot-connect]"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, arguments: list[str], code: int, said: str):
    (tmp_path / "m.sql").write_text("SELECT 1;")
    (tmp_path / "broken.json").write_text("{")
    outcome = pgsluice(*arguments, cwd=tmp_path)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith("error: ")
    assert said in outcome.err
    assert "next:" in outcome.err


def test_an_unknown_key_in_a_file_is_an_error(tmp_path: Path):
    (tmp_path / "pgsluice.toml").write_text("databse = 'x'\n")
    outcome = pgsluice("status", cwd=tmp_path)
    assert outcome.code == 2
    assert "did you mean database?" in outcome.err


def test_a_syntax_error_names_file_line_and_column(tmp_path: Path):
    (tmp_path / "m.sql").write_text("CREATE TABLE a (b int);\n\nCREATE TABEL c ();\n")
    outcome = pgsluice("plan", "m.sql", "--pg-version", "18", cwd=tmp_path)
    assert outcome.code == 2
    assert "m.sql:3:8" in outcome.err


def test_a_plan_without_a_database(tmp_path: Path):
    (tmp_path / "before.sql").write_text("CREATE TABLE a (b int);")
    (tmp_path / "m.sql").write_text("CREATE INDEX i ON a (b);")
    outcome = pgsluice("plan", "m.sql", "--schema", "before.sql", "--pg-version", "14", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert "CREATE INDEX CONCURRENTLY i" in outcome.out


def test_a_closed_pipe_is_no_error(tmp_path: Path):
    (tmp_path / "m.sql").write_text("\n".join(f"CREATE TABLE t{n} ();" for n in range(2000)))
    with subprocess.Popen(
        [*COMMAND, "plan", "m.sql", "--pg-version", "18"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 0
