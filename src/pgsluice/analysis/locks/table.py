"""The lock table: what each form of a statement locks, scans, rewrites and builds, on each major.

The rows are in `table.txt`, one a line, written by `tools/gen_locks.py` from what real servers did; a server test makes
them anew and fails on any difference. Nobody edits them by hand: a fact is corrected by its specimen (tests/server/locks).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from pgsluice.model.postgres.locks import LockMode

HEADING = "form | majors | locks | scans | rewrites | builds | in transaction | note"


@dataclass(frozen=True, slots=True)
class Row:
    """One form on the majors `first` to `last`. Facts are by role (`roles.py` says what each means): the strongest lock
    on each relation that exists before; relations read from end to end, written anew, and those whose indexes are built."""

    form: str
    first: int
    last: int
    locks: Mapping[str, LockMode]
    scans: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    in_transaction: bool = True
    note: str = ""


def row(form: str, major: int) -> Row:
    """The form's row for a major; raises KeyError where no server of that major has confirmed the form."""
    return parse(_lines()[form, major])


def has_row(form: str, major: int) -> bool:
    """Whether servers of the major have confirmed the form."""
    return (form, major) in _lines()


def rows() -> tuple[Row, ...]:
    """All rows, in the order of the table."""
    return tuple(parse(line) for line in _table())


@lru_cache(maxsize=256)
def parse(line: str) -> Row:
    """The row that a line of the table says."""
    form, majors, locks, scans, rewrites, builds, transaction, note = (part.strip() for part in line.split("|"))
    first, _, last = majors.partition("-")
    modes = {role: LockMode(mode) for role, mode in (entry.split("=") for entry in _items(locks))}
    return Row(form, int(first), int(last or first), modes, _items(scans), _items(rewrites), _items(builds), transaction == "yes", note)


def render(row: Row) -> str:
    """The line of the table that says the row."""
    majors = str(row.first) if row.first == row.last else f"{row.first}-{row.last}"
    locks = ", ".join(f"{role}={mode}" for role, mode in row.locks.items())
    works = (", ".join(roles) for roles in (row.scans, row.rewrites, row.builds))
    return " | ".join((row.form, majors, locks, *works, "yes" if row.in_transaction else "no", row.note)).rstrip()


def _items(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _table() -> list[str]:
    text = Path(__file__).with_name("table.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#") and line != HEADING]


@cache
def _lines() -> dict[tuple[str, int], str]:
    """By form and major; a line is read once it is asked for, because most are not."""
    found: dict[tuple[str, int], str] = {}
    for line in _table():
        form, majors, _ = line.split("|", 2)
        first, _, last = majors.strip().partition("-")
        found.update(((form.strip(), major), line) for major in range(int(first), int(last or first) + 1))
    return found
