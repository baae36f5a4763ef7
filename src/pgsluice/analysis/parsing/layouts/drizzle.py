"""Drizzle: files in the order of meta/_journal.json, statements between `--> statement-breakpoint` (drizzle-orm/src/migrator.ts).

Everything that is pending runs in one transaction (pg-core/dialect.ts), so nothing of it may be one that cannot.
"""

import json
from collections.abc import Sequence
from typing import Any

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, Wrap, by_name

BREAKPOINT = "--> statement-breakpoint"
_WHY = "Drizzle runs all pending files in one transaction: run such a statement by itself, outside of drizzle-kit"


def _claims(file: SqlFile) -> bool:
    return file.beside("meta/_journal.json") is not None or BREAKPOINT in file.text


def _read(file: SqlFile) -> tuple[Unit, ...]:
    text = file.text
    sql = text.replace(BREAKPOINT, ";" + " " * (len(BREAKPOINT) - 1))
    name = file.name.removesuffix(".sql")
    version = next((str(e.get("when", "")) for e in _entries(file) if e.get("tag") == name), "")
    return (Unit(name, sql, text, version, (Wrap(0, len(text) + 1, _WHY),)),)


def _entries(file: SqlFile) -> list[dict[str, Any]]:
    """The journal's entries; none where it cannot be read."""
    try:
        found = json.loads(file.beside("meta/_journal.json") or "{}")["entries"]
        return [entry for entry in found if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError):
        return []


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    """Those of the journal; all, where there is none."""
    tags = [entry.get("tag") for entry in _entries(files[0])] if files else []
    named = {file.name.removesuffix(".sql"): file for file in files}
    return [named[tag] for tag in tags if tag in named] if tags else by_name(files)


LAYOUT = Layout("drizzle", _claims, _read, _files)
