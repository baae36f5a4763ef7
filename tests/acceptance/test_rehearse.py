"""`pgsluice rehearse` as a user calls it."""

import json
from pathlib import Path

import pytest

from tests.support.command import pgsluice

BEFORE = "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, age int);"
MIGRATION = "ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\nCREATE INDEX users_email ON users (email);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "001_users.sql").write_text(BEFORE)
    (tmp_path / "m" / "002_token.sql").write_text(MIGRATION)
    return tmp_path / "m"


def test_the_last_migration_of_a_folder_also_when_killed(folder: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    ran = pgsluice("rehearse", folder, "--rows", "2000", "--kill", "2", "--max-stall", "10s", "--format", "json", "--html", page)
    found = json.loads(ran.out)
    assert (ran.code, found["plan"]["error"], found["same_end"]) == (0, None, True), ran.err
    assert found["migrations"] == ["002_token"] and found["rows"] == {"public.users": 2000}
    assert found["naive"]["error"] is None and found["plan"]["requests"] > 100 and found["plan"]["failed"] == 0
    assert "002_token" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.sql"], "[file-missing]"),
        (["m", "--start-after", "007"], "[unknown-migration]"),
        (["m", "--bindir", "."], "[bindir-incomplete]"),
        (["m", "--standby", "--server", "host=/nowhere"], "[standby-of-given-server]"),
        (["m", "--scale", "0.1"], "[scale-without-sizes]"),
        (["m", "--scale", "0"], "[bad-option]"),
        (["m", "--start-after", "002_token"], "[nothing-to-rehearse]"),
        (["m", "--load", "m"], "[load-script-empty]"),
    ],
)
def test_bad_input_is_one_clear_error(folder: Path, arguments: list[str], code: str):
    if arguments[-1] == "m" and "--load" in arguments:
        (folder / "001_users.sql").write_text("-- nothing")
    ran = pgsluice("rehearse", *arguments, cwd=folder.parent)
    assert ran.code == 2 and code in ran.err, ran.err
