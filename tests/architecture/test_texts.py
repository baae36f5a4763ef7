"""What may not stand in a file of the project, because it is true on one machine only."""

import re

import pytest

from tests.architecture.sources import ROOT, relative

MACHINE_PATH = re.compile(r"/(?:work|root|home/\w+|Users/\w+)/|/tmp/(?:pg|venv)\b")
REGISTRY = re.compile(r"https?://(?:pypi|registry|files\.pythonhosted)|--(?:extra-)?index-url|--hash", re.IGNORECASE)
TEXTS = {".py", ".sql", ".md", ".toml", ".txt", ".html", ""}


def _files(*folders: str):
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts and path.name != "test_texts.py":
                yield path


def test_no_file_knows_a_machine():
    paths = [
        *_files("src", "tests", "tools", "docs", "examples", "benchmarks"),
        *ROOT.glob("*.md"),
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
    ]
    assert [relative(p) for p in paths if MACHINE_PATH.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", ["requirements-dev.txt", "pyproject.toml", "Makefile"])
def test_no_registry_is_named(name: str):
    assert not REGISTRY.search((ROOT / name).read_text(encoding="utf-8"))


def test_requirements_are_pinned():
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
