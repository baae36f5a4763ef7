"""Plain SQL, as `psql -f` runs it: each statement by itself, what stands between BEGIN and COMMIT together. The natural order of
the names: 2 before 10. Marks of tools that have no layout of their own here ask for no transaction as well.
"""

import re
from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, is_other_side, natural_key, whole

_NO_TRANSACTION = re.compile(r"^--[ \t]*(?:(?:\+migrate[ \t]+.*)?no-?transaction|disable-transaction)\b", re.IGNORECASE | re.MULTILINE)
"""river and others write `-- no-transaction`; sql-migrate `-- +migrate Up notransaction`; refinery `-- disable-transaction`."""

_HEAD_CHARACTERS = 4_000


def _claims(file: SqlFile) -> bool:
    return False


def _read(file: SqlFile) -> tuple[Unit, ...]:
    name = file.name.removesuffix(".sql").removesuffix(".up")
    return (whole(file, name, apart=_NO_TRANSACTION.search(file.text, 0, _HEAD_CHARACTERS) is not None),)


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    found = [f for f in files if f.name.endswith(".up.sql")] or [f for f in files if not is_other_side(f.name)]
    return sorted(found, key=lambda f: (natural_key(f.name), f.name))


LAYOUT = Layout("plain", _claims, _read, _files)
