"""What other people's CI takes from us: the hook, the action's script, and reports that other programs read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.support.command import environment, pgsluice

CHANGE = "CREATE INDEX i ON t (a);\nALTER TABLE {{ t }} ADD COLUMN b int;\nDROP TABLE t;\n"


def test_the_action_annotates_what_is_new(tmp_path: Path):
    repository, summary = tmp_path / "repository", tmp_path / "summary.md"
    _commit(repository, "old one.sql", "DROP TABLE old;\n")
    (repository / "migrations" / "new.sql").write_text(CHANGE)
    _install(tmp_path / "runner")
    given = {
        "PATHS": "migrations",
        "SINCE": "HEAD",
        "PG_VERSION": "16",
        "FAIL_ON": "error",
        "ARGUMENTS": "--treat-as-large",
        "SARIF": "out.sarif",
    }
    ran = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", _script("action.yml", "Check")],
        cwd=repository,
        env=environment(RUNNER_TEMP=str(tmp_path / "runner"), GITHUB_STEP_SUMMARY=str(summary), **given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "::error file=migrations/new.sql,line=1," in ran.stdout and "old one.sql" not in ran.stdout
    assert "blocking-index-build" in summary.read_text()
    assert json.loads((repository / "out.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.thorough("a rehearsal takes half a minute")
def test_the_action_rehearses_into_the_summary_and_a_page(tmp_path: Path):
    summary, runner = tmp_path / "summary.md", tmp_path / "runner"
    _install(runner)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "001.sql").write_text("CREATE TABLE t (id int PRIMARY KEY, a int);")
    (tmp_path / "m" / "002.sql").write_text("ALTER TABLE t ADD COLUMN b int;")
    ran = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", _script("rehearse/action.yml", "Rehearse")],
        cwd=tmp_path,
        env=environment(
            RUNNER_TEMP=str(runner), GITHUB_STEP_SUMMARY=str(summary), PATHS="m", ARGUMENTS="--rows 100 --rate 50 --max-stall 10s"
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "### Rehearsal passed: `002`" in summary.read_text() and "<svg" in (runner / "rehearsal.html").read_text()


def test_the_hook_calls_what_is_there():
    words = (ROOT / ".pre-commit-hooks.yaml").read_text().split("entry: ")[1].splitlines()[0].split()
    assert words == ["pgsluice", "check"] and pgsluice(*words[1:], "--help").code == 0


def test_sarif_is_valid(tmp_path: Path):
    """Against the schema of OASIS, which we may not carry: PGSLUICE_SARIF_SCHEMA names a copy of sarif-schema-2.1.0.json."""
    schema = os.environ.get("PGSLUICE_SARIF_SCHEMA")
    if schema is None:
        pytest.skip("PGSLUICE_SARIF_SCHEMA names no copy of sarif-schema-2.1.0.json")
    jsonschema = pytest.importorskip("jsonschema")
    (tmp_path / "change of mine.sql").write_text(CHANGE)
    report = json.loads(pgsluice("check", "change of mine.sql", "--format", "sarif", cwd=tmp_path).out)
    described = json.loads(Path(schema).read_text())
    assert list(jsonschema.validators.validator_for(described)(described).iter_errors(report)) == []


def _install(runner: Path) -> None:
    """What the action's first step leaves in the runner's directory: our command."""
    program = runner / "pgsluice" / "bin" / "pgsluice"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pgsluice.cli.main "$@"\n')
    program.chmod(0o755)


def _script(action: str, step: str) -> str:
    """The shell script of an action's step, as the runner is given it."""
    text = (ROOT / action).read_text().split(f"- name: {step}\n")[1].split("    - name: ")[0]
    return "\n".join(line.removeprefix("        ") for line in text.split("      run: |\n")[1].splitlines())


def _commit(repository: Path, name: str, sql: str) -> None:
    (repository / "migrations").mkdir(parents=True)
    (repository / "migrations" / name).write_text(sql)
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "old"]):
        subprocess.run(["git", *arguments], cwd=repository, check=True, env=environment())
