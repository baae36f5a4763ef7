"""dbmate: `-- migrate:up` and `-- migrate:down` in one file, in the order of the names (pkg/dbmate/migration.go, db.go).

A file may hold several pairs; each up part runs in a transaction, or with `transaction:false` as one message.
"""

import re
from collections.abc import Iterator, Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, Wrap, alone, by_name, leading_number, only

_MARK = re.compile(r"^--[ \t]*migrate:(?P<side>up|down)(?P<options>[ \t]*(?=\r?$)|[ \t]+\S[^\r\n]*)", re.MULTILINE)
_OFF = re.compile(r"(?:^|\s)transaction:false(?:\s|\Z)")
_WHY = "dbmate runs it in a transaction: write `-- migrate:up transaction:false` and give each such statement a file of its own"
_WHY_MESSAGE = "dbmate sends the part as one message, which the server runs in one transaction: give each such statement a file of its own"


def _claims(file: SqlFile) -> bool:
    return "migrate:up" in file.text and any(mark["side"] == "up" for mark in _MARK.finditer(file.text))


def _read(file: SqlFile) -> tuple[Unit, ...]:
    parts = list(_ups(file.text))
    stretches = [(start, end) for start, end, _ in parts] or [(0, len(file.text))]
    sql = only(file.text, stretches)
    wraps = tuple(Wrap(start, end, _WHY_MESSAGE, alone) if off else Wrap(start, end, _WHY) for start, end, off in parts)
    number = re.match(r"\d+", file.name)
    version = number.group() if number else ""
    apart = bool(parts) and all(off for _, _, off in parts)
    return (Unit(file.name.removesuffix(".sql"), sql, sql.strip(), version, wraps, apart=apart),)


def _ups(text: str) -> Iterator[tuple[int, int, bool]]:
    """Each up part, and whether it asks for no transaction."""
    marks = list(_MARK.finditer(text))
    for number, mark in enumerate(marks):
        if mark["side"] == "up":
            end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
            yield mark.start(), end, _OFF.search(mark["options"]) is not None


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    return [file for file in by_name(files) if leading_number(file.name) is not None or _claims(file)]


LAYOUT = Layout("dbmate", _claims, _read, _files)
