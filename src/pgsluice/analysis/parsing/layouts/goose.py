"""goose: `-- +goose Up` and `-- +goose Down` in one file, in the order of the number (internal/sqlparser/parser.go).

A file runs in a transaction; with `-- +goose NO TRANSACTION` each statement runs by itself, and what stands between
StatementBegin and StatementEnd is one message.
"""

import re
from collections.abc import Iterator, Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, Wrap, alone, by_name, leading_number, only

_MARK = re.compile(
    r"^--[^\n]*?\+goose[ \t]+(?P<word>Up|Down|StatementBegin|StatementEnd|NO TRANSACTION)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE
)
_WHY = "goose runs the file in a transaction: write `-- +goose NO TRANSACTION` at the top of a file of its own"
_WHY_MESSAGE = "goose sends what stands between StatementBegin and StatementEnd as one message: give each such statement marks of its own"


def _claims(file: SqlFile) -> bool:
    return "+goose" in file.text and any(word == "up" for word, _ in _marks(file.text))


def _marks(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for mark in _MARK.finditer(text):
        yield mark["word"].lower(), mark


def _read(file: SqlFile) -> tuple[Unit, ...]:
    text, marks = file.text, list(_marks(file.text))
    start = next((mark.start() for word, mark in marks if word == "up"), 0)
    end = next((mark.start() for word, mark in marks if word == "down" and mark.start() > start), len(text))
    sql = only(text, [(start, end)])
    off = any(word == "no transaction" for word, _ in marks)
    wraps = tuple(_blocks(marks, end)) if off else (Wrap(start, end + 1, _WHY),)
    number = leading_number(file.name)
    return (Unit(file.name.removesuffix(".sql"), sql, sql.strip(), "" if number is None else str(number), wraps, apart=off),)


def _blocks(marks: list[tuple[str, re.Match[str]]], end: int) -> Iterator[Wrap]:
    begun: int | None = None
    for word, mark in marks:
        if word == "statementbegin" and mark.start() < end:
            begun = mark.end()
        elif word == "statementend" and begun is not None:
            yield Wrap(begun, mark.start(), _WHY_MESSAGE, alone)
            begun = None


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    return sorted(by_name(files), key=lambda file: leading_number(file.name) or 0)


LAYOUT = Layout("goose", _claims, _read, _files)
