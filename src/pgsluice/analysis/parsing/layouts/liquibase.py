"""Liquibase-formatted SQL: `--liquibase formatted sql`, then changesets, each of which is a migration of its own, because such
files grow at their end (AbstractFormattedChangeLogParser.java).

A changeset runs in a transaction unless it says runInTransaction:false; then each statement runs by itself, or with
splitStatements:false all of it as one message. What is for another database (dbms:), ignored (ignore:true, --ignoreLines) or
above the first changeset does not run; rollbacks are comments to SQL, too.
"""

import re
from collections.abc import Iterator, Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, Wrap, alone, blanked, ended, lines, natural_key

_HEADER = re.compile(r"\ufeff?\s*--\s*liquibase\s*formatted\s*sql", re.IGNORECASE)
_CHANGESET = re.compile(r"\s*--[\s]*changeset\s+(?P<author>\"[^\"]+\"|[^:]+):\s*(?P<id>\"[^\"]+\"|\S+)(?P<options>.*)", re.IGNORECASE)
_IGNORED = re.compile(r"\s*--\s*ignoreLines:(?P<what>\w+)", re.IGNORECASE)
_OPTION = re.compile(r"\b(?P<name>\w+):(?P<value>\"[^\"]*\"|\S+)")
_WHY = "Liquibase runs the changeset in a transaction: write `runInTransaction:false` on a changeset of its own"
_WHY_MESSAGE = "Liquibase sends the changeset as one message: take `splitStatements:false` away, or give each such statement a changeset"
_OURS = ("postgresql", "all")


def _claims(file: SqlFile) -> bool:
    return _HEADER.match(file.text) is not None


def _read(file: SqlFile) -> tuple[Unit, ...]:
    text = _without_ignored(file.text)
    heads = list(_heads(text))
    ends = [*(start for _, start, _, _ in heads[1:]), len(text)]
    found = (
        _unit(file, head, text[start:end], text[after:end], line) for (line, start, after, head), end in zip(heads, ends, strict=False)
    )
    return tuple(unit for unit in found if unit is not None)


def _heads(text: str) -> Iterator[tuple[int, int, int, re.Match[str]]]:
    """Each changeset's first line: the number of the next one, where it begins and ends, what it says."""
    for number, (start, end, line) in enumerate(lines(text), 2):
        if head := _CHANGESET.match(line):
            yield number, start, end, head


def _runs(options: dict[str, str]) -> bool:
    named = [name.strip().lower() for name in options.get("dbms", "all").split(",")]
    meant = any(name in _OURS for name in named) or (all(n.startswith("!") for n in named) and "!postgresql" not in named)
    return meant and options.get("ignore", "").lower() != "true"


def _unit(file: SqlFile, head: re.Match[str], content: str, sql: str, line: int) -> Unit | None:
    """A changeset, whose statements begin in the line of that number; None where it does not run here."""
    options = {m["name"].lower(): m["value"].strip('"') for m in _OPTION.finditer(head["options"])}
    if not _runs(options):
        return None
    identity = (head["id"].strip('"'), head["author"].strip().strip('"'))
    off, one = options.get("runintransaction", "").lower() == "false", options.get("splitstatements", "").lower() == "false"
    delimiter = options.get("enddelimiter")
    if delimiter and delimiter != ";":
        sql = ended(sql, _line_end(delimiter))
    wraps: tuple[Wrap, ...] = () if off else (Wrap(0, len(sql) + 1, _WHY),)
    if off and one:
        wraps = (Wrap(0, len(sql) + 1, _WHY_MESSAGE, alone),)
    again = any(options.get(name, "").lower() == "true" for name in ("runonchange", "runalways"))
    name = "::".join((file.name.removesuffix(".sql"), *identity))
    return Unit(name, sql, content.strip(), "::".join(identity), wraps, again, off, line)


def _line_end(delimiter: str) -> str:
    """A delimiter ends a statement at the end of a line only."""
    return rf"{re.escape(delimiter)}(?=[ \t]*\r?(?:\n|\Z))"


def _without_ignored(text: str) -> str:
    """The text without what ignoreLines takes out: up to ignoreLines:end, or a number of lines."""
    if "ignorelines" not in text.lower():
        return text
    left, inside, parts = 0, False, list[str]()
    for start, end, line in lines(text):
        mark, gone = _IGNORED.match(line), inside or left > 0
        if inside:
            inside = not (mark and mark["what"].lower() == "end")
        elif left > 0:
            left -= 1
        elif mark:
            inside = mark["what"].lower() == "start"
            left = int(mark["what"]) if mark["what"].isdecimal() else 0
        parts.append(blanked(text[start:end]) if gone else text[start:end])
    return "".join(parts)


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    return sorted((f for f in files if _claims(f)), key=lambda f: (natural_key(f.name), f.name))


LAYOUT = Layout("liquibase", _claims, _read, _files)
