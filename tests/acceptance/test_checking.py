"""check, locks, rules and explain as a user calls them."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.support.command import COMMAND, environment, pgsluice

INDEX = "CREATE INDEX i ON orders (a);\n"
DROP = "ALTER TABLE orders DROP COLUMN a;\n"


def piped(content: bytes, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[bytes]:
    """Call pgsluice with this text on its standard input."""
    return subprocess.run([*COMMAND, *arguments], input=content, env=environment(), capture_output=True, timeout=timeout_s, check=False)


def test_check_says_what_why_and_the_safe_way(tmp_path: Path):
    (tmp_path / "m.sql").write_text(INDEX)
    outcome = pgsluice("check", "m.sql", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (1, "")
    assert "m.sql:1:1" in outcome.out and "error: blocking-index-build (outage)" in outcome.out
    assert "SHARE on public.orders (blocks writes)" in outcome.out
    assert "CREATE INDEX CONCURRENTLY i ON orders (a);" in outcome.out
    assert outcome.out.endswith("1 of 1 statements analysed\n")


def test_no_findings_is_exit_0():
    ran = piped(b"CREATE TABLE t (a int);", "check", "-")
    assert (ran.returncode, ran.stdout) == (0, b"no findings in 1 file\n1 of 1 statements analysed\n")


@pytest.mark.parametrize(
    ("text", "fail_on", "code"),
    [(INDEX, "error", 1), (INDEX, "never", 0), (DROP, "error", 0), (DROP, "warning", 1), ("SELEC;", "warning", 1), ("", "warning", 0)],
)
def test_what_fails_is_for_the_user_to_say(text: str, fail_on: str, code: int):
    assert piped(text.encode(), "check", "-", "--fail-on", fail_on).returncode == code


@pytest.mark.parametrize("format", ["text", "json", "github", "gitlab", "sarif", "junit", "markdown"])
def test_every_format_is_printed(format: str):
    ran = piped(INDEX.encode(), "check", "-", "--format", format)
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert b"blocking-index-build" in ran.stdout
    if format in ("json", "gitlab", "sarif"):
        assert json.loads(ran.stdout)


def test_formats_of_other_commands_are_refused(tmp_path: Path):
    (tmp_path / "m.sql").write_text(INDEX)
    for command, format in (("check", "sql"), ("locks", "sarif"), ("plan", "github")):
        outcome = pgsluice(command, "m.sql", "--pg-version", "18", "--format", format, cwd=tmp_path)
        assert (outcome.code, outcome.out) == (2, "")
        assert "[bad-option]" in outcome.err


def test_what_was_there_before_is_known_from_a_schema(tmp_path: Path):
    (tmp_path / "before.sql").write_text("CREATE TABLE orders (a int NOT NULL);")
    (tmp_path / "m.sql").write_text("ALTER TABLE orders ALTER a SET NOT NULL;")
    outcome = pgsluice("check", "m.sql", "--schema", "before.sql", "--pg-version", "14", cwd=tmp_path)
    assert "nothing; it has no effect" in outcome.out


def test_a_baseline_hides_what_is_known_wherever_it_has_moved(tmp_path: Path):
    (tmp_path / "m.sql").write_text(INDEX)
    known = pgsluice("check", "m.sql", "--format", "json", cwd=tmp_path).out
    (tmp_path / "known.json").write_text(known)
    (tmp_path / "m.sql").write_text(f"SELECT 1;\n{INDEX}{INDEX}")
    outcome = pgsluice("check", "m.sql", "--baseline", "known.json", "--format", "json", cwd=tmp_path)
    assert [finding["line"] for finding in json.loads(outcome.out)["findings"]] == [3]
    (tmp_path / "known.json").write_text("[1]")
    assert "[bad-baseline]" in pgsluice("check", "m.sql", "--baseline", "known.json", cwd=tmp_path).err


def test_only_what_has_changed_since_a_commit(tmp_path: Path):
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "m").mkdir()
    for number in (1, 2):
        (tmp_path / "m" / f"{number}.sql").write_text(INDEX)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    (tmp_path / "m" / "2.sql").write_text(DROP)
    (tmp_path / "m" / "3.sql").write_text(INDEX)
    (tmp_path / "m" / "1.sql").rename(tmp_path / "m" / "1_moved.sql")
    git("add", "--intent-to-add", ".")
    report = json.loads(pgsluice("check", ".", "--since", "HEAD", "--format", "json", cwd=tmp_path / "m").out)
    assert (report["files"], [finding["path"] for finding in report["findings"]]) == (2, ["2.sql", "3.sql"])
    outcome = pgsluice("check", "m", "--since", "no-such-branch", cwd=tmp_path)
    assert outcome.code == 2 and "[bad-git-ref]" in outcome.err


def test_a_wrong_directive_is_one_clear_error():
    ran = piped(b"-- pgsluice: allow blocking-index-build\n" + INDEX.encode(), "check", "-")
    assert ran.returncode == 2 and b"<stdin>:1:1" in ran.stderr and b"[directive-form]" in ran.stderr


def test_locks_for_people_and_programs():
    text = piped(INDEX.encode(), "locks", "-").stdout
    assert b"SHARE on public.orders (blocks writes)" in text and text.endswith(b"1 of 1 statements analysed\n")
    report = json.loads(piped(b"CREATE INDEX CONCURRENTLY i ON orders (a)", "locks", "-", "--format", "json").stdout)
    (statement,) = report["statements"]
    assert report["schema_version"] == 1
    assert {k: statement[k] for k in ("path", "line", "rewrites_table", "in_transaction", "analysed")} == {
        "path": "<stdin>",
        "line": 1,
        "rewrites_table": False,
        "in_transaction": False,
        "analysed": True,
    }
    assert {"relation": "public.orders", "mode": "SHARE UPDATE EXCLUSIVE"} in statement["locks"]


def test_rules_are_listed_and_explained():
    listed = pgsluice("rules")
    assert listed.code == 0
    assert any(line.split()[:3] == ["set-not-null-scan", "error", "outage"] for line in listed.out.splitlines())
    entries = json.loads(pgsluice("rules", "--format", "json").out)["rules"]
    assert {"name", "severity", "category", "summary", "on_by_default"} == set(entries[0])
    page = pgsluice("explain", "set-not-null-scan")
    assert page.code == 0 and "## The safe way" in page.out


def test_an_unknown_rule_is_an_error_that_names_close_ones():
    outcome = pgsluice("explain", "set-not-nul-scan")
    assert (outcome.code, outcome.out) == (2, "")
    assert "did you mean set-not-null-scan" in outcome.err


HOSTILE = {
    "random bytes": random.Random(3).randbytes(20_000),
    "random text": random.Random(4).randbytes(20_000).decode("latin-1").encode(),
    "nested parentheses": b"SELECT " + b"(" * 200_000 + b"1" + b")" * 200_000 + b";",
    "open parentheses": b"CREATE TABLE t (a int DEFAULT " + b"(" * 200_000,
    "a NUL byte": b"CREATE INDEX i ON t (a);\nSELECT '\x00';\nCREATE INDEX j ON t (a);",
    "invalid UTF-8": b"SELECT '\xff\xfe';",
    "open quotes": b"'\";\n" * 2_000,
    "operators": b"SELECT 1 " + b"/*" * 50_000,
    "nothing": b"",
    "a dollar": b"DO $$ BEGIN " * 3_000,
    "long name": b"ALTER TABLE " + b"a" * 100_000 + b" ALTER b SET NOT NULL;",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("command", ["check", "locks"])
def test_hostile_input_gives_findings_or_one_clear_error(command: str, content: bytes):
    ran = piped(content, command, "-")
    assert b"Traceback" not in ran.stderr and b"mistake in pgsluice" not in ran.stdout + ran.stderr
    if ran.returncode == 2:
        assert ran.stderr.startswith(b"error: ") and ran.stderr.count(b"error: ") == 1 and b"next:" in ran.stderr
    else:
        assert ran.returncode in (0, 1) and ran.stdout.endswith(b" statements analysed\n")


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"-- x\r\n"])
def test_marks_and_line_ends_of_windows(before: bytes):
    ran = piped(before + b"CREATE TABLE u (\r\n  a int\r\n);\r\nCREATE INDEX i ON t (a);\r\n", "check", "-", "--format", "json")
    (finding,) = json.loads(ran.stdout)["findings"]
    assert (finding["line"], finding["column"]) == (4 + before.count(b"\n"), 1)


def test_a_file_whose_name_is_no_text(tmp_path: Path):
    name = os.fsdecode(b"m\xff.sql")
    try:
        (tmp_path / name).write_text(INDEX)
    except OSError:
        pytest.skip("this file system takes no such names")
    for format in ("text", "json", "github", "gitlab", "sarif", "junit", "markdown"):
        assert pgsluice("check", ".", "--format", format, cwd=tmp_path).code == 1
