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
    runner = tmp_path / "runner" / "pgsluice" / "bin"
    runner.mkdir(parents=True)
    (runner / "pgsluice").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pgsluice.cli.main "$@"\n')
    (runner / "pgsluice").chmod(0o755)
    given = {
        "PATHS": "migrations",
        "SINCE": "HEAD",
        "PG_VERSION": "16",
        "FAIL_ON": "error",
        "ARGUMENTS": "--treat-as-large",
        "SARIF": "out.sarif",
    }
    ran = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", _last_script()],
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


def _last_script() -> str:
    """The shell script of the action's last step, as the runner is given it."""
    lines = (ROOT / "action.yml").read_text().split("      run: |\n")[-1].splitlines()
    return "\n".join(line.removeprefix("        ") for line in lines)


def _commit(repository: Path, name: str, sql: str) -> None:
    (repository / "migrations").mkdir(parents=True)
    (repository / "migrations" / name).write_text(sql)
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "old"]):
        subprocess.run(["git", *arguments], cwd=repository, check=True, env=environment())
