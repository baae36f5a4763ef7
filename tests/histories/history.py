"""Histories of migrations, replayed twice: as plain SQL, and through the command line of pgsluice.

A history is a folder with `pre.sql` (what was there before), `migrations/*.sql` and, where a file must not run in a
transaction, a `history.json` that says so. `make histories DIR=...` replays each folder in DIR both ways and prints a table.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from pg_matrix import installation
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.model.postgres.versions import NEWEST
from pgsluice.rehearsal.server import ThrowawayServer
from tests.support.command import COMMAND, environment
from tests.support.oracle import Picture, differences, picture

RENAMES = ("rename-*",)
"""The rules that the histories of other projects need allowed: their renames were made for one release at a time."""

BUDGET = "1s"
"""The end state is compared, not what traffic feels: a busy machine must not fail it. A file of some forty statements that keep one
transaction under LOCK TABLE took over 100 ms where four processes shared two cores."""


@dataclass(frozen=True, slots=True)
class History:
    """`outside` are the names of the files that run outside of a transaction."""

    folder: Path
    files: tuple[Path, ...]
    outside: frozenset[str]

    @classmethod
    def read(cls, folder: Path) -> "History":
        """The history that lies in a folder."""
        facts = folder / "history.json"
        entries = json.loads(facts.read_text())["migrations"] if facts.exists() else []
        outside = frozenset(e["file"] for e in entries if not e["transaction"])
        return cls(folder, tuple(sorted((folder / "migrations").glob("*.sql"))), outside)

    @property
    def before(self) -> str:
        found = self.folder / "pre.sql"
        return found.read_text() if found.exists() else ""

    @property
    def search_path(self) -> str | None:
        """The one that `pre.sql` sets: it held for the whole session."""
        path = re.search(r"^SET search_path = (.*);$", self.before, re.MULTILINE)
        return path.group(1) if path else None

    def copy(self, file: Path, folder: Path) -> None:
        """A migration for pgsluice to run, with the mark that its tool would have known otherwise."""
        mark = "-- no-transaction\n" if file.name in self.outside else ""
        (folder / file.name).write_text(mark + file.read_text())

    def placed(self, dsn: str) -> str:
        """The connection string with the search path of the history."""
        path = self.search_path
        return f"{dsn} options='-c search_path={path.replace(' ', '')}'" if path else dsn


def run_plain(history: History, dsn: str) -> None:
    """Every file as its project runs it: in one transaction, or statement by statement."""
    prepare(history, dsn)
    with psycopg.connect(history.placed(dsn), autocommit=True) as connection:
        for file in history.files:
            text = file.read_text()
            if file.name in history.outside:
                for statement in parse_file(text, str(file)):
                    connection.execute(statement.sql)
            else:
                connection.execute(text)


@dataclass(frozen=True, slots=True)
class Replay:
    """How a history went through pgsluice: the last run, and what was refused until it was allowed as the refusal says, by file."""

    ran: subprocess.CompletedProcess[str]
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.ran.returncode != 0


def run_whole(history: History, dsn: str, *options: str) -> Replay:
    """The whole folder by one `pgsluice run --through contract`, renames allowed."""
    prepare(history, dsn)
    return Replay(_run(history.folder / "migrations", history.placed(dsn), *options, *_allowing(RENAMES)))


def run_each(history: History, dsn: str, *options: str) -> Replay:
    """One run for each file, with every table that stands there planned as if it were large. What is refused must have changed
    nothing, and is run again with what the refusal says: that allows the traffic to wait."""
    prepare(history, dsn)
    dsn, replay = history.placed(dsn), Replay(subprocess.CompletedProcess([], 0))
    with TemporaryDirectory() as folder:
        for file in history.files:
            history.copy(file, Path(folder))
            replay = _one(replay, file.name, partial(_run, Path(folder), dsn, "--treat-as-large", *options), dsn)
            if replay.failed:
                break
    return replay


def _one(replay: Replay, name: str, run: Callable[..., subprocess.CompletedProcess[str]], dsn: str) -> Replay:
    allowed: list[str] = []
    before = picture(dsn)
    while named := remedies((ran := run(*_allowing((*RENAMES, *allowed)))).stderr) - {*allowed}:
        changed = differences(before, picture(dsn))
        assert not changed, f"{name} was refused, and changed something:\n{changed}"
        allowed += sorted(named)
    return Replay(ran, {**replay.allowed, name: tuple(allowed)} if allowed else replay.allowed)


def remedies(said: str) -> set[str]:
    """The rules to allow that a refusal names, in what pgsluice said; none where it said another thing."""
    return set(re.findall(r"--allow ([\w-]+)", said)) if "[refused]" in said else set()


def prepare(history: History, dsn: str) -> None:
    """What was there before the first migration."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(history.before or "SELECT 1")


def _allowing(rules: Iterable[str]) -> list[str]:
    return [word for rule in rules for word in ("--allow", rule)]


def _run(folder: Path, dsn: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "run", str(folder), "--through", "contract", "--yes", "--from-start", "--stall-budget", BUDGET]
    command += [*options, "--database", dsn]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=900, check=False)


def compared(plain: str, again: str, ours: str) -> str:
    """What differs between plain SQL and pgsluice, '' for nothing. Of what differs between two runs of plain SQL already
    (times, random values) only the number of rows is compared."""
    one, other, mine = picture(plain), picture(again), picture(ours)
    steady = frozenset(one.rows) & frozenset(other.rows)
    return differences(_steady(one, steady), _steady(mine, steady))


def _steady(found: Picture, steady: frozenset[str]) -> Picture:
    return replace(found, rows=tuple(sorted(row if row in steady else row.partition(": ")[0] + ": changes" for row in found.rows)))


def folders_in(directory: Path) -> list[Path]:
    """The histories in a directory, which may be one itself."""
    return [directory] if (directory / "migrations").is_dir() else sorted(f.parent for f in directory.glob("*/migrations"))


def main(arguments: list[str]) -> int:
    """Replays each history and prints what came out, and why it is not the same where it is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories.history", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--each", action="store_true", help="one run for each file, every table treated as large")
    parser.add_argument("--major", type=int, default=NEWEST)
    chosen = parser.parse_args(arguments)
    worst = False
    with ThrowawayServer(installation(chosen.major)) as server:
        for number, folder in enumerate(f for directory in chosen.directories for f in folders_in(directory)):
            names = [_database(server, f"{name}{number}") for name in ("plain", "again", "ours")]
            worst |= _report(History.read(folder), run_each if chosen.each else run_whole, *names)
    return worst


def _report(history: History, run: Callable[..., Replay], plain: str, again: str, ours: str) -> bool:
    """Prints one line for a history, and what is wrong below it; whether anything is."""
    run_plain(history, plain)
    run_plain(history, again)
    replay = run(history, ours)
    different = replay.ran.stderr if replay.failed else compared(plain, again, ours)
    verdict = "failed" if replay.failed else "different" if different else "same"
    refused = f", {len(replay.allowed)} refused until allowed" if replay.allowed else ""
    print(f"{history.folder.name:24} {len(history.files):4} migrations  {verdict}{refused}", flush=True)
    for name, rules in replay.allowed.items():
        print(f"    {name}: {', '.join(rules)}", flush=True)
    for line in different.splitlines()[-40:]:
        print(f"    {line}", flush=True)
    return bool(different)


def _database(server: ThrowawayServer, name: str) -> str:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.dsn(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
