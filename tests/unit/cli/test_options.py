"""Where the value of an option comes from, and which values make no sense."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pgsluice.cli.main import build_parser
from pgsluice.cli.options import settings_of
from pgsluice.model.errors import UsageError
from pgsluice.model.settings import Settings, duration_s


def _settings(directory: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Settings:
    return settings_of(build_parser("run").parse_args(["run", "m", *flags]), environment or {}, directory)


def test_flag_before_variable_before_file_before_default(tmp_path: Path):
    assert _settings(tmp_path).through == "migrate"
    (tmp_path / "pgsluice.toml").write_text('through = "expand"\nstall-budget = "50ms"\npatience = 5\nyes = true\n')
    assert _settings(tmp_path).through == "expand"
    variables = {"PGSLUICE_THROUGH": "contract", "PGSLUICE_PATIENCE": "1min", "PGSLUICE_YES": "off", "PGSLUICE_ALLOW": "a, b"}
    chosen = _settings(tmp_path, "--patience", "2s", "--allow", "c", "--allow=d", environment=variables)
    assert chosen == Settings(through="contract", stall_budget=0.05, patience=2.0, allow=("c", "d"))
    assert _settings(tmp_path, environment=variables).allow == ("a", "b")


def test_a_switch_of_the_file_is_switched_off(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text("[tool.pgsluice]\ntreat-as-large = true\n")
    assert _settings(tmp_path).treat_as_large
    assert not _settings(tmp_path, "--no-treat-as-large").treat_as_large


def test_the_nearest_file_counts_up_to_the_repository(tmp_path: Path):
    inner = tmp_path / "repository" / "db"
    inner.mkdir(parents=True)
    (tmp_path / "repository" / "pyproject.toml").write_text('[tool.other]\n[tool.pgsluice]\nschema = "before.sql"\n')
    assert _settings(inner).schema == str(tmp_path / "repository" / "before.sql")
    (inner / "pyproject.toml").write_text("[project]\n")
    assert _settings(inner).schema is not None, "a pyproject.toml that says nothing of us is passed over"
    (inner / ".git").mkdir()
    assert _settings(inner).schema is None


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("thruogh = 'expand'", "unknown-option", "did you mean through"),
        ("through = 'all'", "bad-option", "one of expand, migrate, contract"),
        ("stall-budget = 'soon'", "bad-option", "a duration"),
        ("stall-budget = true", "bad-option", "a duration"),
        ("stall-budget = 0", "bad-option", "above 0"),
        ("yes = 'maybe'", "bad-option", "true or false"),
        ("allow = [1]", "bad-option", "one or more texts"),
        ("through = \nyes = true", "bad-configuration", "line 1"),
    ],
)
def test_what_a_file_may_not_say(tmp_path: Path, text: str, code: str, said: str):
    (tmp_path / "pgsluice.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        _settings(tmp_path)
    assert (caught.value.code, said in str(caught.value), "pgsluice.toml" in str(caught.value)) == (code, True, True)


def test_what_a_variable_may_not_say(tmp_path: Path):
    with pytest.raises(UsageError, match="'never'") as caught:
        _settings(tmp_path, environment={"PGSLUICE_PATIENCE": "never"})
    assert caught.value.where == "PGSLUICE_PATIENCE"


@pytest.mark.parametrize(("text", "seconds"), [("100ms", 0.1), ("2s", 2), ("10min", 600), ("1h", 3600), ("1.5", 1.5), ("20 ms", 0.02)])
def test_durations(text: str, seconds: float):
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "0", "nan", "inf", "10 minutes"])
def test_no_durations(text: str):
    with pytest.raises(ValueError):
        duration_s(text)
