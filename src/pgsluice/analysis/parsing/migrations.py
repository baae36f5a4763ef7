"""Migrations on disk: files and folders of .sql files, in the order in which they run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pgsluice.analysis.parsing.layouts import recognition
from pgsluice.analysis.parsing.layouts.layout import Disk, Layout, SqlFile, Unit, Wrap
from pgsluice.analysis.parsing.statement import Enclosure, Statement
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.model.errors import InputError


@dataclass(frozen=True)
class Migration:
    """One migration: as a rule a file, whose whole text is `text`. `name` is what the journal knows it by, `checksum` the SHA-256
    in hex of what an edit is noticed in. `unit` says which part of the text runs and in which transactions, in the words of
    the tool that keeps such a `layout`; None: all of it, each statement by itself. `statements` are parsed when they are
    first asked for."""

    name: str
    path: str
    text: str
    unit: Unit | None = None
    layout: str = "plain"

    @property
    def sql(self) -> str:
        """What of the text runs."""
        return self.text if self.unit is None else self.unit.sql

    @property
    def repeatable(self) -> bool:
        """Whether it runs again when it was edited."""
        return self.unit is not None and self.unit.repeatable

    @property
    def apart(self) -> bool:
        """Whether its marks ask for no transaction around its statements."""
        return self.unit is not None and self.unit.apart

    @property
    def version(self) -> str:
        """What the tool's own table calls it; '' where it has no name there."""
        return self.unit.version if self.unit is not None else ""

    @cached_property
    def checksum(self) -> str:
        from hashlib import sha256  # loads OpenSSL, and `check` needs none

        return sha256((self.unit.content if self.unit else self.text).encode(errors="surrogatepass")).hexdigest()

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Raises InputError for a wrong directive; what does not parse is among them."""
        if self.unit is None:
            return parse_file(self.text, self.path)
        found = parse_file(self.sql, self.path, self.unit.line)
        return _enclosed(found, self.unit.wraps) if self.unit.wraps else found


def _enclosed(statements: tuple[Statement, ...], wraps: tuple[Wrap, ...]) -> tuple[Statement, ...]:
    """The statements with the transactions that their tool puts around them."""
    result = list(statements)
    for wrap in wraps:
        inside = [n for n, s in enumerate(statements) if wrap.start <= s.offset < wrap.end]
        spared = frozenset(wrap.spares([statements[n] for n in inside]))
        for place, number in enumerate(inside):
            result[number] = replace(result[number], enclosure=Enclosure(wrap.why, place in spared, wrap.start))
    return tuple(result)


def _nothing(said: str) -> None:
    return None


def read_migrations(
    paths: Iterable[str | Path], layout: str | None = None, leave_out: Callable[[str], None] = _nothing
) -> tuple[Migration, ...]:
    """The migrations of files and folders in the order given, those of a folder in the order of its layout (recognised, or
    `layout` by name); what goes the other way is left out, and `leave_out` is told of other files that do not run.

    Raises InputError for a path that is missing, a folder without .sql files, what cannot be read or is not UTF-8, and two
    migrations of one name."""
    found: dict[str, Migration] = {}
    for migration in read_files(paths, layout, leave_out):
        if migration.name in found:
            what = f"two migrations are called {migration.name!r}: {found[migration.name].path} and {migration.path}"
            raise InputError("duplicate-migration", what, next="rename one of the files: the name is what the journal knows it by")
        found[migration.name] = migration
    return tuple(found.values())


def read_files(paths: Iterable[str | Path], layout: str | None = None, leave_out: Callable[[str], None] = _nothing) -> Iterator[Migration]:
    """The files as `read_migrations` gives them, whatever they are called."""
    disk = Disk(read_text)
    forced = recognition.named(layout) if layout is not None else None
    return (migration for path in paths for found in _files(Path(path), disk, forced, leave_out) for migration in _migrations(found))


def read_migration(path: Path) -> Migration:
    """One file as it is, whole, whoever keeps it; raises InputError."""
    return Migration(path.name.removesuffix(".sql"), str(path), read_text(path))


def migrations_of(file_name: str, path: str, text: str, layout: str | None = None) -> tuple[Migration, ...]:
    """The migrations in a text that is at hand already (standard input, a test)."""
    file = SqlFile(Path(file_name), None, text)
    chosen = recognition.of_file(file, recognition.named(layout) if layout is not None else None)
    return tuple(replace(m, path=path) for m in _migrations(recognition.Found(file, chosen)))


def migration_of(file_name: str, path: str, text: str) -> Migration:
    """The one migration in such a text."""
    (found,) = migrations_of(file_name, path, text)
    return found


def _migrations(found: recognition.Found) -> Iterator[Migration]:
    file, layout = found.file, found.layout
    for unit in layout.read(file):
        yield Migration(found.prefix + unit.name, str(file.path), file.text, unit, layout.name)


def read_text(path: Path) -> str:
    """The text of a file, line ends as they are; raises InputError."""
    try:
        return text_of(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise InputError("file-missing", f"there is no file {path}", where=str(path), next="check the path") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def text_of(content: bytes, path: str) -> str:
    """The text that the bytes of a file are; raises InputError."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        what = f"{path} is not UTF-8: byte {error.start + 1} cannot be read"
        raise InputError("file-encoding", what, where=path, next="convert the file to UTF-8") from None


def _unreadable(path: Path, error: OSError | ValueError) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError("file-unreadable", f"{path} cannot be read: {reason}", where=str(path), next="check the path and its permissions")


def _files(path: Path, disk: Disk, forced: Layout | None, leave_out: Callable[[str], None]) -> list[recognition.Found]:
    """The file itself, or those of a folder that run; raises InputError."""
    try:
        if path.is_dir():
            return recognition.of_folder(path, disk, leave_out, forced)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    file = SqlFile(path, disk)
    return [recognition.Found(file, recognition.of_file(file, forced))]
