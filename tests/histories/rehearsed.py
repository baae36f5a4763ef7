"""Histories, rehearsed: each migration on what the ones before it have made, with rows and under load; prints a table of verdicts.

python -m tests.histories.rehearsed [--rows N] [--only PATTERN] FOLDER...
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from pgsluice import api
from pgsluice.model.errors import PgsluiceError
from pgsluice.model.rehearsal import Limits, Rehearsal
from pgsluice.model.settings import Settings
from pgsluice.report.measurements import duration
from pgsluice.report.rehearsal_text import word
from tests.histories.history import History, folders_in

LIMITS = Limits(0.1)
HEADINGS = ("migration", "tables with rows", "longest wait, plain SQL", "failed", "pgsluice", "failed", "verdict")
HEAD = f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one migration: the cells of its row, and the tables that are there and that have rows."""

    text: str
    tables: int = 0
    filled: int = 0


def rehearse(history: History, file: Path, rows: int) -> Line:
    """One migration; what stands in the way of it is its verdict."""
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "schema.sql"
        before = [earlier for earlier in history.files if earlier.name < file.name]
        schema.write_text("\n".join([history.before, *(f"{earlier.read_text()}\n;" for earlier in before)]))
        try:
            found = api.rehearse([file], Settings(schema=str(schema), rows=rows))
        except PgsluiceError as error:
            return Line(f"| {file.stem} | | | | | | {error.code} |")
    filled, tables = sum(1 for count in found.rows.values() if count), len(found.rows)
    naive, plan = found.naive, found.plan
    waits = f"{duration(naive.felt.max_ms)} | {naive.felt.failed:,} | {duration(plan.felt.max_ms)} | {plan.felt.failed:,}"
    return Line(f"| {file.stem} | {filled} of {tables} | {waits} | {_verdict(found)} |", tables, filled)


def _verdict(found: Rehearsal) -> str:
    if found.naive.error is not None:
        return f"plain SQL fails: {found.naive.error}"
    if found.plan.error is not None:
        return f"stopped: {found.plan.error.splitlines()[0]}"
    names = f": {', '.join(found.unexercised)}" if found.unexercised else ""
    failed = f", {found.added_errors:,} failed" if found.added_errors else ""
    return f"{word(found, LIMITS)}{names}{failed}"


def main(arguments: list[str]) -> int:
    """Prints the tables; 1 where rows could be made for less than 95 % of the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories.rehearsed", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=10_000, help="rows in each table (default: 10,000)")
    parser.add_argument("--only", default="*", help="a pattern for the names of files")
    chosen = parser.parse_args(arguments)
    enough = True
    for folder in (f for directory in chosen.directories for f in folders_in(directory)):
        history = History.read(folder)
        print(f"\n### {folder.name}\n\n{HEAD}", flush=True)
        lines = []
        for file in (f for f in history.files if fnmatch(f.name, chosen.only)):
            lines.append(rehearse(history, file, chosen.rows))
            print(lines[-1].text, flush=True)
        tables, filled = sum(line.tables for line in lines), sum(line.filled for line in lines)
        print(f"\n{filled:,} of {tables:,} tables got rows", flush=True)
        enough = enough and filled >= 0.95 * tables
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
