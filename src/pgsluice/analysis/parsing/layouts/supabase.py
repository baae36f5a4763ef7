"""Supabase: supabase/migrations/20240101000000_title.sql, in the order of the names as text (cli, pkg/migration/list.go, file.go).

The statements of a file are sent as one pipeline: the first one is in no transaction yet, all others are.
"""

import re
from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, by_name, first, whole

_NAME = re.compile(r"(?P<version>[0-9]+)_.*\.sql\Z")
_WHY = "Supabase sends the file as one pipeline, which is one transaction: give each such statement a file of its own"


def _claims(file: SqlFile) -> bool:
    return file.parents[:2] == ("migrations", "supabase")


def _read(file: SqlFile) -> tuple[Unit, ...]:
    found = _NAME.match(file.name)
    return (whole(file, file.name.removesuffix(".sql"), found["version"] if found else "", why=_WHY, spares=first),)


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    return [file for file in by_name(files) if _NAME.match(file.name)]


LAYOUT = Layout("supabase", _claims, _read, _files)
