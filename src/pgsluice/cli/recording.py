"""Recordings of looks: a file with one JSON object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from pgsluice.model.errors import InputError, UsageError
from pgsluice.model.snapshot import Snapshot
from pgsluice.model.snapshot_json import snapshot_from_json, snapshot_to_json


class Recorder:
    """Appends looks to a file, each written out at once, so that a recording that is cut off holds all looks before. Without a path it
    does nothing. Raises UsageError `file-not-written`."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        if path is not None:
            self._file = self._writing(lambda: Path(path).open("a", encoding="utf-8"))

    def write(self, snapshot: Snapshot) -> None:
        file = self._file
        if file is not None:
            line = json.dumps(snapshot_to_json(snapshot), ensure_ascii=False, separators=(",", ":"))
            self._writing(lambda: (file.write(line + "\n"), file.flush()))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _writing(self, write: Any) -> Any:
        try:
            return write()
        except OSError as error:
            what = f"{self._path} cannot be written: {error.strerror}"
            raise UsageError("file-not-written", what, where=self._path, next="give another path") from None


def read_recording(path: str) -> Iterator[Snapshot]:
    """The looks of a recording, in order; a last line that was cut off is left out. Raises InputError `bad-recording` and
    `file-not-readable`."""
    try:
        lines = Path(path).read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
    except OSError as error:
        raise InputError("file-not-readable", f"{path} cannot be read: {error.strerror}", where=path, next="check the path") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines) and not line.endswith("\n"):
                return
            what = f"the recording cannot be read: {error.msg}"
            raise InputError("bad-recording", what, where=where, next="give a file that `pgsluice watch --record` wrote") from None
        yield snapshot_from_json(document, where)
