"""golang-migrate: `1_title.up.sql` with `1_title.down.sql`, in the order of the number (source/parse.go).

A file is sent as one message, so several statements are one transaction, and a statement that is alone is in none
(database/postgres, `runStatement`).
"""

import re
from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, alone, by_name, leading_number, whole

_UP = re.compile(r"(?P<version>[0-9]+)_.*\.up\.sql\Z")
WHY = "golang-migrate sends the file as one message, which the server runs in one transaction: give each such statement a file of its own"


def _claims(file: SqlFile) -> bool:
    return _UP.match(file.name) is not None


def _read(file: SqlFile) -> tuple[Unit, ...]:
    name = file.name.removesuffix(".sql").removesuffix(".up")
    number = leading_number(file.name)
    return (whole(file, name, "" if number is None else str(number), why=WHY, spares=alone),)


def ups(files: Sequence[SqlFile]) -> list[SqlFile]:
    """The up files in the order of their numbers."""
    found = [file for file in by_name(files) if file.name.endswith(".up.sql")]
    return sorted(found, key=lambda file: leading_number(file.name) or 0)


LAYOUT = Layout("golang-migrate", _claims, _read, ups)
