"""What a layout is: whose files these are, which of them run and in which order, which part of a file, in which transaction."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pgsluice.analysis.parsing.statement import Statement

Spares = Callable[[Sequence[Statement]], Collection[int]]
"""Which statements of a transaction's stretch run outside of it all the same, by their number there."""

_INK = re.compile(r"[^\r\n]+")
_DIGITS = re.compile(r"(\d+)")
_QUOTED = (
    r"'(?:[^']++|'')*+(?:'|\Z)|\"[^\"]*+(?:\"|\Z)|--[^\n]*+|/\*.*?(?:\*/|\Z)|"
    r"(?<![\w$])\$(?P<tag>[^\W\d]\w*+|)\$.*?(?:\$(?P=tag)\$|\Z)"
)
"""What hides a delimiter; one without an end hides the rest, so that no text takes quadratic time."""


def nobody(statements: Sequence[Statement]) -> Collection[int]:
    """BEGIN ... COMMIT around all of it."""
    return ()


def alone(statements: Sequence[Statement]) -> Collection[int]:
    """Sent as one message: the server makes several statements one transaction, and leaves a single one outside of any."""
    return (0,) if len(statements) == 1 else ()


def first(statements: Sequence[Statement]) -> Collection[int]:
    """Sent as one pipeline: only what comes first is in no transaction yet (tried on 14 and 18)."""
    return (0,)


@dataclass(frozen=True, slots=True)
class Wrap:
    """A stretch of a file, offsets [start, end), that a tool runs in one transaction; `why` says so, and what to do about it."""

    start: int
    end: int
    why: str
    spares: Spares = nobody


@dataclass(frozen=True, slots=True)
class Unit:
    """What runs as one migration. `sql` is the file's text with everything that does not run blanked out, so that places stay
    true, or a stretch of it that begins with line number `line`. `version` is what the tool's own table calls it. `content` is
    what an edit is noticed in. `repeatable`: it runs again when it was edited. `apart`: its marks ask for no transaction. `digest`
    is what the tool keeps of the file in another one beside it."""

    name: str
    sql: str
    content: str
    version: str = ""
    wraps: tuple[Wrap, ...] = ()
    repeatable: bool = False
    apart: bool = False
    line: int = 1
    digest: str = ""


class Disk:
    """What lies around the files of one reading, looked at once: thousands of files lie in one folder."""

    def __init__(self, read: Callable[[Path], str]) -> None:
        """`read` gives the text of a migration, and raises InputError."""
        self.read = read
        self._texts: dict[str, str | None] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._above: dict[tuple[str, str], str | None] = {}

    def glance(self, folder: str, name: str) -> str | None:
        """The text of a file that may be there; None where there is none that can be read."""
        path = os.path.join(folder, name)
        if path not in self._texts:
            try:
                self._texts[path] = Path(path).read_text(encoding="utf-8", errors="replace")
            except (OSError, ValueError):
                self._texts[path] = None
        return self._texts[path]

    def above(self, folder: str, name: str, levels: int) -> str | None:
        """The text of the nearest file of that name in a folder or in one of those above."""
        if (folder, name) not in self._above:
            folders = [str(path) for path in (Path(folder).absolute() / name).parents][:levels]
            found = (self.glance(place, name) for place in folders)
            self._above[folder, name] = next((text for text in found if text is not None), None)
        return self._above[folder, name]

    def parents(self, folder: str) -> tuple[str, ...]:
        """The name of the folder and of those that it lies in, the nearest first."""
        if folder not in self._parents:
            self._parents[folder] = tuple(path.name for path in (Path(folder).absolute() / "file").parents)
        return self._parents[folder]


class SqlFile:
    """A file that may hold migrations; read when it is first asked for its text. Without a disk it is a text from elsewhere,
    and nothing lies around it."""

    def __init__(self, path: Path, disk: Disk | None, text: str | None = None) -> None:
        self.path, self._disk = path, disk
        self._folder, self.name = os.path.split(path)
        if text is not None:
            self.text = text

    @cached_property
    def text(self) -> str:
        """Raises InputError."""
        assert self._disk is not None, "a text from elsewhere is given"
        return self._disk.read(self.path)

    @property
    def parents(self) -> tuple[str, ...]:
        """The names of the folders that it lies in, the nearest first."""
        return () if self._disk is None else self._disk.parents(self._folder)

    @property
    def folder(self) -> str:
        """The name of the folder that it lies in."""
        return self.parents[0] if self.parents else ""

    def beside(self, name: str) -> str | None:
        """The text of a file beside it, None where there is none that can be read."""
        return None if self._disk is None else self._disk.glance(self._folder, name)

    def above(self, name: str, levels: int) -> str | None:
        """The text of the nearest file of that name in its folder or in one of those above."""
        return None if self._disk is None else self._disk.above(self._folder, name, levels)


@dataclass(frozen=True, slots=True)
class Layout:
    """`claims`: whether a file is sure to be one of this tool's. `files`: which of a folder's files (with those of its
    subfolders) run, in order; `read`: what of one of them runs. `depths`: how deep below the folder its files lie; that of
    `dir/up.sql` is 1."""

    name: str
    claims: Callable[[SqlFile], bool]
    read: Callable[[SqlFile], tuple[Unit, ...]]
    files: Callable[[Sequence[SqlFile]], list[SqlFile]]
    depths: range = range(1)


def whole(file: SqlFile, name: str, version: str = "", *, why: str = "", spares: Spares = nobody, apart: bool = False) -> Unit:
    """A file that is one migration, in one transaction for the reason `why`, or in none without one."""
    wraps = (Wrap(0, len(file.text) + 1, why, spares),) if why else ()
    return Unit(name, file.text, file.text, version, wraps, apart=apart)


def only(text: str, parts: Sequence[tuple[int, int]]) -> str:
    """The text with everything outside of these stretches blanked out; its lines and columns stay what they are."""
    found: list[str] = []
    position = 0
    for start, end in parts:
        found += [blanked(text[position:start]), text[start:end]]
        position = end
    return "".join([*found, blanked(text[position:])])


def blanked(text: str) -> str:
    return _INK.sub(lambda ink: " " * len(ink.group()), text)


def lines(text: str) -> Iterator[tuple[int, int, str]]:
    """The lines with where each begins, and where the next one does."""
    position = 0
    for line in text.splitlines(keepends=True):
        yield position, position + len(line), line.rstrip("\r\n")
        position += len(line)


def ended(sql: str, delimiter: str) -> str:
    """The text with a semicolon where a delimiter of the tool's ends a statement, outside of quotes and comments. Nothing in front
    of a delimiter moves."""
    pattern = re.compile(rf"(?P<end>{delimiter})|{_QUOTED}", re.DOTALL)
    return pattern.sub(lambda found: _end(found.group("end")) if found.group("end") else found.group(), sql)


def _end(delimiter: str) -> str:
    ink = _INK.match(delimiter)
    return ";" + blanked(delimiter[1:]) if ink else ";" + delimiter


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts digits by their value, and before letters: 2_a before 10_a, V1.9 before V1.10."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name) if part)


def is_other_side(name: str) -> bool:
    """Whether a file's name says that it takes something back."""
    return name == "down.sql" or name.endswith((".down.sql", ".undo.sql", ".rollback.sql"))


def by_name(files: Sequence[SqlFile]) -> list[SqlFile]:
    """In the order of their names as text, as most tools have it."""
    return sorted(files, key=lambda file: file.name)


def leading_number(name: str) -> int | None:
    """The digits that a name begins with."""
    found = _DIGITS.match(name)
    return int(found.group()) if found else None
