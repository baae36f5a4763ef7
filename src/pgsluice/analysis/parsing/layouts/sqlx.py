"""sqlx: `1_title.sql`, or `1_title.up.sql` with `1_title.down.sql`, in the order of the number (sqlx-core/src/migrate/source.rs).

Each file runs in a transaction unless its very first characters are `-- no-transaction`; then it is sent as one message. Its
files look like others': they are known for sqlx's by that mark, or by a Cargo.toml above that names sqlx.
"""

from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, alone, by_name, leading_number, nobody, whole

MARK = "-- no-transaction"
_WHY = f"sqlx runs the file in a transaction: begin a file of its own with the line `{MARK}`"
_WHY_MESSAGE = "sqlx sends the file as one message, which the server runs in one transaction: give each such statement a file of its own"
_LEVELS = 4
"""How far above a migration the Cargo.toml of its crate is looked for: migrations/ lies in the crate, or a folder or two below."""


def _claims(file: SqlFile) -> bool:
    numbered = leading_number(file.name) is not None and "_" in file.name
    return numbered and ("sqlx" in (file.above("Cargo.toml", _LEVELS) or "") or file.text.startswith(MARK))


def _read(file: SqlFile) -> tuple[Unit, ...]:
    name = file.name.removesuffix(".sql").removesuffix(".up")
    marked = file.text.startswith(MARK)
    number = leading_number(file.name)
    why, spares = (_WHY_MESSAGE, alone) if marked else (_WHY, nobody)
    return (whole(file, name, "" if number is None else str(number), why=why, spares=spares, apart=marked),)


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    found = [file for file in by_name(files) if "_" in file.name and not file.name.endswith(".down.sql")]
    return sorted((f for f in found if leading_number(f.name) is not None), key=lambda f: leading_number(f.name) or 0)


LAYOUT = Layout("sqlx", _claims, _read, _files)
