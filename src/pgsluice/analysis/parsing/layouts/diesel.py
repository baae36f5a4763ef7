"""diesel: a folder a migration with up.sql and down.sql, in the order of the version in its name as text
(diesel_migrations, migrations_internals).

Each runs in a transaction; with `run_in_transaction = false` in metadata.toml it is sent as one message.
"""

import tomllib
from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, alone, nobody, whole

_WHY = "diesel runs the file in a transaction: write `run_in_transaction = false` into metadata.toml of a migration of its own"
_WHY_MESSAGE = (
    "diesel sends the file as one message, which the server runs in one transaction: give each such statement a migration of its own"
)


def _claims(file: SqlFile) -> bool:
    return file.name == "up.sql"


def _version(file: SqlFile) -> str:
    return file.folder.split("_")[0].replace("-", "")


def _read(file: SqlFile) -> tuple[Unit, ...]:
    off = not _in_transaction(file)
    why, spares = (_WHY_MESSAGE, alone) if off else (_WHY, nobody)
    return (whole(file, file.folder, _version(file), why=why, spares=spares, apart=off),)


def _in_transaction(file: SqlFile) -> bool:
    """A file without the key counts as false for diesel, one that cannot be read as true (migrations_internals/src/lib.rs)."""
    found = file.beside("metadata.toml")
    if found is None:
        return True
    try:
        return tomllib.loads(found).get("run_in_transaction", False) is True
    except tomllib.TOMLDecodeError:
        return True


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    return sorted((f for f in files if f.name == "up.sql"), key=lambda f: (_version(f), f.folder))


LAYOUT = Layout("diesel", _claims, _read, _files, depths=range(2))
