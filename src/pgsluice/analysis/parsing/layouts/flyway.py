"""Flyway: `V1_2__title.sql` in the order of the version's numbers, then `R__title.sql` by title, which run again when edited;
in nested folders, too. `U` (undo), `B` (baseline) files and callbacks are left out.

Flyway finds out by itself what cannot run in a transaction, as far as it knows the statement (PostgreSQLParser.java), and then
runs the file without one; it refuses to mix such statements with others (ParserSqlScript.java). `FILE.sql.conf` may say
`executeInTransaction=false`, and then each statement runs by itself.
"""

import re
from collections.abc import Collection, Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, whole
from pgsluice.analysis.parsing.statement import Statement

_VERSIONED = re.compile(r"V(?P<version>[0-9]+(?:[._][0-9]+)*)__(?P<title>.*)\.sql\Z", re.IGNORECASE)
_REPEATABLE = re.compile(r"R__(?P<title>.*)\.sql\Z")
_OFF = re.compile(r"^[ \t]*executeInTransaction[ \t]*[=:][ \t]*false[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_KNOWN = re.compile(
    r"(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER\s+SYSTEM\b|(?:CREATE(?:\s+UNIQUE)?|DROP)\s+INDEX\s+CONCURRENTLY\b|"
    r"REINDEX(?:\s+VERBOSE)?\s+(?:SCHEMA|DATABASE|SYSTEM)\b|VACUUM\b|DISCARD\s+ALL\b",
    re.IGNORECASE,
)
_WHY = (
    "Flyway runs the file in a transaction, or refuses to mix what can run in one with what cannot: give the statement a file of its "
    "own with `executeInTransaction=false` in its .conf file"
)


def _spares(statements: Sequence[Statement]) -> Collection[int]:
    """All, where Flyway knows each of them for one that cannot run in a transaction; else none."""
    every = all(_KNOWN.match(statement.sql) for statement in statements)
    return range(len(statements)) if every else ()


def _claims(file: SqlFile) -> bool:
    return _VERSIONED.match(file.name) is not None or _REPEATABLE.match(file.name) is not None


def _read(file: SqlFile) -> tuple[Unit, ...]:
    off = _OFF.search(file.beside(f"{file.name}.conf") or "") is not None
    found = _VERSIONED.match(file.name)
    version = found["version"].replace("_", ".") if found else ""
    unit = whole(file, file.name[: -len(".sql")], version, why="" if off else _WHY, spares=_spares, apart=off)
    if found is None:
        unit = Unit(unit.name, unit.sql, unit.content, "", unit.wraps, repeatable=True, apart=off)
    return (unit,)


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    versioned = [(found, file) for file in files if (found := _VERSIONED.match(file.name))]
    repeatable = [(found["title"], file) for file in files if (found := _REPEATABLE.match(file.name))]
    first = sorted(versioned, key=lambda entry: (_numbers(entry[0]["version"]), entry[1].name))
    return [f for _, f in first] + [f for _, f in sorted(repeatable, key=lambda entry: entry[0])]


def _numbers(version: str) -> tuple[int, ...]:
    """1.0 is 1: trailing zeros do not count (MigrationVersion.java)."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


LAYOUT = Layout("flyway", _claims, _read, _files, depths=range(16))
