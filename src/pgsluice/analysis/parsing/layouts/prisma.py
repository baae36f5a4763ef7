"""Prisma: a folder a migration with migration.sql, in the order of the names as text.

The schema engine sends a file as one message, so several statements are one transaction.
"""

from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, alone, whole

_WHY = "Prisma sends the file as one message, which the server runs in one transaction: give each such statement a migration of its own"


def _claims(file: SqlFile) -> bool:
    return file.name == "migration.sql"


def _read(file: SqlFile) -> tuple[Unit, ...]:
    return (whole(file, file.folder, file.folder, why=_WHY, spares=alone),)


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    return sorted((f for f in files if f.name == "migration.sql"), key=lambda f: f.folder)


LAYOUT = Layout("prisma", _claims, _read, _files, depths=range(2))
