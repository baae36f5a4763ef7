"""Who may import what. The layers are import-linter's (pyproject.toml, run by `make lint`); here: foreign libraries, and speed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGE, imported_names, python_files, relative

OWNERS = {
    "psycopg": ("execution/db/", "rehearsal/load/"),
    "postgast": ("analysis/parsing/",),
    "google": ("analysis/parsing/",),
    "rich": ("report/", "cli/live/"),
    "textual": ("cli/live/",),
    "starlette": ("web/",),
    "uvicorn": ("web/",),
}
"""The packages of ours that may import a foreign library; one that is not named here may be imported nowhere."""

OF_THE_TREE = {"pgsluice"}


def test_foreign_libraries_stay_with_their_owners():
    strangers = [
        f"{relative(path)}:{line} imports {name}"
        for path in python_files("src")
        for line, name in imported_names(path)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names | OF_THE_TREE
        and not path.relative_to(PACKAGE).as_posix().startswith(OWNERS.get(top, ("(nowhere)",)))
    ]
    assert strangers == []


def test_the_nouns_do_no_io():
    io = {"os", "socket", "subprocess", "pathlib", "shutil", "threading", "urllib"}
    found = [f"{relative(p)}:{line} {name}" for p in python_files("src/pgsluice/model") for line, name in imported_names(p) if name in io]
    assert found == []


@pytest.mark.parametrize("command", ["check", "locks"])
def test_looking_at_files_needs_no_driver_and_no_page(command: str, tmp_path: Path):
    """What `check` without a database does not need is not imported: it answers in milliseconds."""
    (tmp_path / "m.sql").write_text("ALTER TABLE t ALTER a SET NOT NULL; CREATE TABLE u (a int REFERENCES t);")
    strangers = (
        "psycopg",
        "rich",
        "postgast",
        "google.protobuf",
        "starlette",
        "textual",
        "asyncio",
        "subprocess",
        "hashlib",
        "pgsluice.execution",
    )
    program = f"""
import sys
from pgsluice.cli.main import main
main([{command!r}, "m.sql"])
sys.exit(", ".join(name for name in {strangers!r} if name in sys.modules) or None)"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "public.t" in ran.stdout


@pytest.mark.parametrize("module", ["psycopg", "rich", "postgast", "google.protobuf"])
def test_the_command_line_starts_without(module: str):
    if not (PACKAGE / "cli" / "main.py").exists():
        pytest.skip("there is no command line yet")
    program = f"import sys, pgsluice.cli.main; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
