"""From what another tool recorded to the migrations that are done."""

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha384
from pathlib import Path

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.model.errors import RefusedError
from pgsluice.model.foreign_history import ForeignEntry, ForeignHistory, ForeignRecord

Key = tuple[object, ...]

_BEFORE = "<="
"""In front of a version: a baseline, which covers all that come before it, too."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """`done` in the order of the files; `notes` say what is not as it should be."""

    done: tuple[Migration, ...]
    notes: tuple[str, ...]


def take_over(migrations: Sequence[Migration], history: ForeignHistory) -> Takeover:
    """Which of the migrations are done.

    Raises RefusedError `foreign-history-failed` where the tool does not know how far it came with one, and
    `foreign-history-other` where none of what it names is among the migrations."""
    history.refuse_problems()
    named = {_key(history.tool, entry.version): entry for entry in history.entries if not entry.version.startswith(_BEFORE)}
    last = _last_done(migrations, history, named)
    keys = [_key(history.tool, version_of(m, history.tool)) for m in migrations]
    done = [number <= last or (keys[number] in named and not _edited(m, history.tool, named)) for number, m in enumerate(migrations)]
    if history.entries and not any(done):
        raise _other(migrations, history)
    found = tuple(m for m, is_done in zip(migrations, done, strict=True) if is_done)
    return Takeover(found, tuple(_notes(migrations, done, history, named)))


def version_of(migration: Migration, tool: str) -> str:
    """What the tool's table calls a migration."""
    if tool == "flyway" and migration.repeatable:
        return Path(migration.path).name
    if migration.version:
        return migration.version
    number = re.match(r"\d+", migration.name)
    return migration.name if number is None or tool in ("prisma", "alembic") else number.group()


def version_of_name(tool: str, name: str) -> str:
    """What the tool's table calls a migration of which only our name is known; '' for one that has no version there."""
    name = name.rsplit("/", 1)[-1]
    if tool == "prisma":
        return name
    if tool == "flyway":
        found = re.match(r"[Vv](\d+(?:[._]\d+)*)__", name)
        return found[1].replace("_", ".") if found else ""
    head = name.split("_")[0]
    return head.replace("-", "") if tool == "diesel" else str(int(head)) if tool in _NUMBERED and head.isdecimal() else head


_NUMBERED = ("golang-migrate", "goose", "sqlx")


def record_of(migration: Migration, tool: str) -> ForeignRecord:
    """How the tool would record a migration. Raises RefusedError for one that has no version in its way of naming."""
    version = "" if migration.repeatable else version_of(migration, tool)
    if tool in _NUMBERED and not version.isdecimal():
        raise RefusedError(
            "not-recordable",
            f"{migration.name} begins with no number, and {tool} knows migrations by theirs",
            where=migration.path,
            next="rename it, or leave --record-as out",
        )
    title = migration.name.partition("__" if tool == "flyway" else "_")[2]
    description = title if tool in ("atlas", "supabase") else title.replace("_", " ")
    script = Path(migration.path).name
    return ForeignRecord(version, description, script, checksum(migration, tool), len(migration.statements))


def _key(tool: str, version: str) -> Key:
    """Equal for versions that are the same to the tool."""
    if tool in ("golang-migrate", "goose", "sqlx", "drizzle") and version.isdecimal():
        return (int(version),)
    if tool == "flyway" and re.fullmatch(r"\d+([._]\d+)*", version):
        numbers = [int(part) for part in re.split(r"[._]", version)]
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers)
    return (version,)


def _last_done(migrations: Sequence[Migration], history: ForeignHistory, named: Mapping[Key, ForeignEntry]) -> int:
    """The number of the last migration of those up to which all are done, -1 without any."""
    marks = [e.version.removeprefix(_BEFORE) for e in history.entries if history.up_to or e.version.startswith(_BEFORE)]
    return max((_number(migrations, history.tool, mark) for mark in marks), default=-1)


def _number(migrations: Sequence[Migration], tool: str, mark: str) -> int:
    """The number of the migration that a mark names, or of the last one before it where there is none such."""
    if tool == "alembic":
        fits = [n for n, m in enumerate(migrations) if mark in re.split(r"[^0-9A-Za-z]+", m.name)]
        return fits[-1] if fits else -1
    wanted = _key(tool, mark)
    before = [n for n, m in enumerate(migrations) if not m.repeatable and _not_after(_key(tool, version_of(m, tool)), wanted)]
    return before[-1] if before else -1


def _not_after(one: Key, other: Key) -> bool:
    comparable = all(type(a) is type(b) for a, b in zip(one, other, strict=False))
    return comparable and one <= other


def _edited(migration: Migration, tool: str, named: Mapping[Key, ForeignEntry]) -> bool:
    """Whether a repeatable one has another text than the one that was run, so that it is to run again."""
    entry = named.get(_key(tool, version_of(migration, tool)))
    return migration.repeatable and entry is not None and entry.checksum is not None and entry.checksum != checksum(migration, tool)


def _other(migrations: Sequence[Migration], history: ForeignHistory) -> RefusedError:
    shown = ", ".join(entry.version for entry in history.entries[-3:])
    return RefusedError(
        "foreign-history-other",
        f"{history.table} names {shown}, and none of these is among the {len(migrations)} migrations given",
        next="give the folder that belongs to this database; `run --start-after NAME` says it by hand",
    )


def _notes(
    migrations: Sequence[Migration], done: Sequence[bool], history: ForeignHistory, named: Mapping[Key, ForeignEntry]
) -> Iterable[str]:
    keys = {_key(history.tool, version_of(m, history.tool)): m for m in migrations}
    gone = [entry.version for key, entry in named.items() if key not in keys and not history.up_to]
    if gone:
        yield f"{history.tool} has run what is not among the migrations given: {_named(gone)}"
    last = max((n for n, is_done in enumerate(done) if is_done and not migrations[n].repeatable), default=-1)
    late = [m.name for n, m in enumerate(migrations) if n < last and not done[n] and not m.repeatable]
    if late:
        yield f"not run, although later ones have: {_named(late)}; `run` refuses that order"
    changed = [m.name for m, is_done in zip(migrations, done, strict=True) if is_done and _differs(m, history.tool, named)]
    if changed:
        yield f"edited since {history.tool} ran them, and taken as done all the same: {_named(changed)}"


def _differs(migration: Migration, tool: str, named: Mapping[Key, ForeignEntry]) -> bool:
    entry = named.get(_key(tool, version_of(migration, tool)))
    own = checksum(migration, tool)
    return entry is not None and entry.checksum is not None and own != "" and entry.checksum != own


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def checksum(migration: Migration, tool: str) -> str:
    """The checksum that the tool itself keeps of a migration's file; '' where it keeps none."""
    made = _CHECKSUMS.get(tool)
    return made(migration) if made else ""


def _flyway_checksum(migration: Migration) -> str:
    """CRC-32 of the lines without their ends, as a signed number (ChecksumCalculator.java)."""
    found = 0
    for line in re.split(r"\r\n|\r|\n", migration.text.removeprefix("\ufeff")):
        found = zlib.crc32(line.encode(errors="surrogatepass"), found)
    return str(found - (1 << 32) if found >= 1 << 31 else found)


_CHECKSUMS: Mapping[str, Callable[[Migration], str]] = {
    "sqlx": lambda migration: sha384(migration.text.encode()).hexdigest(),
    "prisma": lambda migration: sha256(migration.text.encode()).hexdigest(),
    "flyway": _flyway_checksum,
    "atlas": lambda migration: migration.unit.digest if migration.unit else "",
}
