"""Whose files these are, from the files alone."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgsluice.analysis.parsing.layouts import (
    atlas,
    dbmate,
    diesel,
    drizzle,
    flyway,
    golang_migrate,
    goose,
    liquibase,
    plain,
    prisma,
    sqlx,
    supabase,
)
from pgsluice.analysis.parsing.layouts.layout import Disk, Layout, SqlFile, is_other_side, natural_key
from pgsluice.model.errors import InputError

LAYOUTS: tuple[Layout, ...] = (
    liquibase.LAYOUT,
    goose.LAYOUT,
    dbmate.LAYOUT,
    drizzle.LAYOUT,
    atlas.LAYOUT,
    flyway.LAYOUT,
    diesel.LAYOUT,
    prisma.LAYOUT,
    supabase.LAYOUT,
    sqlx.LAYOUT,
    golang_migrate.LAYOUT,
    plain.LAYOUT,
)
"""In the order in which they are asked: what a file says of itself counts more than what it is called."""

_NOT_OURS = frozenset({"node_modules", "target", "vendor", "venv"})
_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Found:
    """A file that runs, by its layout. `prefix` goes before the names of what it holds."""

    file: SqlFile
    layout: Layout
    prefix: str = ""


def named(name: str) -> Layout:
    """The layout of that name."""
    return next(layout for layout in LAYOUTS if layout.name == name)


def of_file(file: SqlFile, forced: Layout | None = None) -> Layout:
    """The layout of one file."""
    return forced or next((layout for layout in LAYOUTS if _claims(layout, file)), plain.LAYOUT)


def of_folder(folder: Path, disk: Disk, leave_out: Callable[[str], None], forced: Layout | None = None) -> list[Found]:
    """The files of a folder that run, in order. `leave_out` is told what does not and might be missed.

    Raises OSError where the folder cannot be read, InputError where it holds nothing."""
    by_depth = [[SqlFile(path, disk) for path in paths] for paths in _walk(folder)]
    layout = forced or _layout(by_depth)
    found = layout.files(_within(layout, by_depth))
    if not found and forced is None:
        return _nested(folder, disk, leave_out)
    if not found:
        raise nothing_in(folder)
    _say_left_out(folder, layout, by_depth, found, leave_out)
    return [Found(file, _own(file, layout, forced)) for file in found]


def nothing_in(folder: Path) -> InputError:
    what = f"{folder} holds no .sql files"
    return InputError("no-migrations", what, where=str(folder), next="name a folder of .sql files, or a file")


def _own(file: SqlFile, layout: Layout, forced: Layout | None) -> Layout:
    """What a file says of itself counts more than what lies beside it."""
    own = of_file(file, forced)
    return layout if own is plain.LAYOUT else own


def _layout(by_depth: Sequence[Sequence[SqlFile]]) -> Layout:
    """The first layout that claims any file at a depth that is its own."""
    for layout in LAYOUTS:
        if any(_claims(layout, file) for file in _within(layout, by_depth)):
            return layout
    return plain.LAYOUT


def _within(layout: Layout, by_depth: Sequence[Sequence[SqlFile]]) -> list[SqlFile]:
    return [file for depth, files in enumerate(by_depth) if depth in layout.depths for file in files]


def _claims(layout: Layout, file: SqlFile) -> bool:
    """A file that cannot be read says nothing of itself here: whoever runs it says so."""
    try:
        return layout.claims(file)
    except InputError:
        return False


def _walk(folder: Path) -> list[list[Path]]:
    """The .sql files below a folder by their depth; raises OSError where the folder itself cannot be read."""
    found: list[list[Path]] = [[] for _ in range(_DEPTH)]
    os.scandir(folder).close()
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _NOT_OURS) if depth + 1 < _DEPTH else []
        found[depth] += [Path(place) / name for name in sorted(names) if name.endswith(".sql") and not name.startswith(".")]
    return found


def _nested(folder: Path, disk: Disk, leave_out: Callable[[str], None]) -> list[Found]:
    """A folder of folders: each has a layout of its own, and its name goes before those of its migrations."""
    found: list[Found] = []
    for below in sorted(_folders(folder), key=lambda path: (natural_key(path.name), path.name)):
        try:
            inside = of_folder(below, disk, leave_out)
        except InputError:
            continue
        found += [Found(one.file, one.layout, f"{below.name}/{one.prefix}") for one in inside]
    if not found:
        raise nothing_in(folder)
    return found


def _folders(folder: Path) -> Iterator[Path]:
    return (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name not in _NOT_OURS)


def _say_left_out(
    folder: Path,
    layout: Layout,
    by_depth: Sequence[Sequence[SqlFile]],
    found: Sequence[SqlFile],
    leave_out: Callable[[str], None],
) -> None:
    """Files that somebody may have meant: all but the other side's."""
    runs = {file.path for file in found}
    missed = [f.path for f in _within(layout, by_depth) if f.path not in runs and not is_other_side(f.name)]
    if missed:
        leave_out(f"{layout.name} does not run {_named(missed)} in {folder}")
    deep = [f.path for depth, files in enumerate(by_depth) if depth > max(layout.depths) for f in files]
    if deep:
        leave_out(f"not read in folders below {folder}: {_named(deep)}; name the folder that is meant")


def _named(paths: Sequence[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more"
