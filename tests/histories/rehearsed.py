"""Histories, rehearsed: each migration on what the ones before it have made, with rows and under load; prints a table of verdicts.

python -m tests.histories.rehearsed [--rows N] [--only PATTERN] [--seed N] [--rate N] FOLDER...

What a rehearsal says beside its verdict goes to stderr.
"""

import argparse
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from pgsluice import api
from pgsluice.model.errors import PgsluiceError
from pgsluice.model.rehearsal import Limits, Rehearsal
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer
from pgsluice.rehearsal.server.installation import Installation
from pgsluice.report.measurements import duration
from pgsluice.report.rehearsal_text import rehearsal_text, word
from tests.histories.history import History, folders_in, remedies

LIMITS = Limits(0.1)
TRIES = 3
"""On a machine that is busy with other work requests wait for that, too; what the plan does to them it does each time."""
HEADINGS = ("migration", "tables with rows", "longest wait, plain SQL", "failed", "pgsluice", "failed", "verdict")
HEAD = f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one migration: the cells of its row, and the tables that are there and that have rows."""

    text: str
    tables: int = 0
    filled: int = 0
    crashed: bool = False


def rehearse(history: History, file: Path, settings: Settings) -> Line:
    """One migration; what stands in the way of it is its verdict."""
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "schema.sql"
        schema.write_text(_schema(history, file))
        try:
            return _line(file, *_found(file, replace(settings, schema=str(schema))))
        except PgsluiceError as error:
            _tell(file, str(error))
            return Line(f"| {file.stem} | | | | | | {_EARLY.get(error.code, error.code)} |")
        except Exception:
            _tell(file, traceback.format_exc())
            return Line(f"| {file.stem} | | | | | | CRASHED |", crashed=True)


_EARLY = {"no-load": "there are no rows yet that anybody could ask for"}
"""What is said of codes that are no fault."""


def _schema(history: History, file: Path) -> str:
    """What was there before a file; the search path of `pre.sql` holds for every session, as it did when the history was made."""
    before = [earlier.read_text() for earlier in history.files if earlier.name < file.name]
    path = history.search_path
    return "\n;\n".join([history.before, *before, f"ALTER ROLE ALL SET search_path = {path}" if path else ""])


def _found(file: Path, settings: Settings) -> tuple[Rehearsal, tuple[str, ...]]:
    """The rehearsal, and what it took: the rules that had to be allowed, as refusals of the plan say, and how often a request waited
    for too long before."""
    allowed, waits = _refused(file, settings), 0
    while True:
        found = api.rehearse([file], replace(settings, allow=allowed))
        named = remedies(found.plan.error or "") - {*allowed}
        again = _disturbed(found) and waits < TRIES - 1
        if not (named or again):
            break
        _tell(file, rehearsal_text(found, LIMITS))
        allowed, waits = (*allowed, *sorted(named)), waits + again
    allowing = (f"allowing {', '.join(allowed)}",) if allowed else ()
    return found, (*allowing, f"try {waits + 1}") if waits else allowing


def _refused(file: Path, settings: Settings) -> tuple[str, ...]:
    """The rules to allow of which a plan without a database knows."""
    allowed = tuple[str, ...]()
    while True:
        try:
            api.plan([file], replace(settings, allow=allowed, treat_as_large=True))
        except PgsluiceError as error:
            named = remedies(str(error)) - {*allowed}
            if named:
                allowed += tuple(sorted(named))
                continue
        return allowed


def _disturbed(found: Rehearsal) -> bool:
    """Whether nothing but a wait keeps it from passing: what is due to the plan comes again."""
    waited = found.longest_added_ms > LIMITS.max_stall_s * 1000
    return waited and replace(found, plan=replace(found.plan, felt=replace(found.plan.felt, max_ms=0.0))).passes(LIMITS)


def _line(file: Path, found: Rehearsal, took: tuple[str, ...]) -> Line:
    _tell(file, rehearsal_text(found, LIMITS))
    filled, tables = sum(1 for count in found.rows.values() if count), len(found.rows)
    naive, plan = found.naive, found.plan
    waits = f"{duration(naive.felt.max_ms)} | {naive.felt.failed:,} | {duration(plan.felt.max_ms)} | {plan.felt.failed:,}"
    return Line(f"| {file.stem} | {filled} of {tables} | {waits} | {', '.join((_verdict(found), *took))} |", tables, filled)


def _verdict(found: Rehearsal) -> str:
    if found.naive.error is not None:
        return f"plain SQL fails: {found.naive.error}"
    if found.plan.error is not None:
        return f"stopped: {found.plan.error.splitlines()[0]}"
    names = f": {', '.join(found.unexercised)}" if found.unexercised else ""
    failed = f", {found.added_errors:,} failed" if found.added_errors else ""
    other = ", other schemas" if found.same_end is False else ""
    return f"{word(found, LIMITS)}{names}{failed}{other}"


def _tell(file: Path, what: str) -> None:
    print(f"\n===== {file.stem}\n{what}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Prints the tables; 1 where rows could be made for less than 95 % of the tables, or something crashed."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories.rehearsed", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=10_000, help="rows in each table (default: 10,000)")
    parser.add_argument("--only", default="*", help="a pattern for the names of files")
    parser.add_argument("--seed", type=int, default=1, help="draws other rows and another load")
    parser.add_argument("--rate", type=int, help="requests a second (default: a fifth of what the server can do)")
    chosen = parser.parse_args(arguments)
    enough = True
    for folder in (f for directory in chosen.directories for f in folders_in(directory)):
        history, begin_s = History.read(folder), time.monotonic()
        print(f"\n### {folder.name}\n\n{HEAD}", flush=True)
        lines = []
        with ThrowawayServer(Installation.embedded(), MEASURING_SETTINGS) as server:
            settings = Settings(rows=chosen.rows, seed=chosen.seed, rate=chosen.rate, server=server.dsn())
            for file in (f for f in history.files if fnmatch(f.name, chosen.only)):
                lines.append(rehearse(history, file, settings))
                print(lines[-1].text, flush=True)
        tables, filled = sum(line.tables for line in lines), sum(line.filled for line in lines)
        print(f"\n{filled:,} of {tables:,} tables got rows; {time.monotonic() - begin_s:.0f} s", flush=True)
        enough = enough and filled >= 0.95 * tables and not any(line.crashed for line in lines)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
