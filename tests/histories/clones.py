"""Each migration of a history on its own, on a database with rows: the state before it is cloned, plain SQL runs on two of the
clones and pgsluice on a third, and the ends are compared.

The chain of states itself is made by plain SQL on empty tables; the rows are made up anew for each state (`rehearsal/rows`)."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.execution.db.connect import connect
from pgsluice.rehearsal.rows.filling import NULLS, Filled, fill
from pgsluice.rehearsal.server import ThrowawayServer
from tests.histories.history import History, prepare, remedies
from tests.histories.verdicts import Outcome, Verdict, random_columns
from tests.support.command import COMMAND, environment
from tests.support.oracle import Picture, differences, picture

BUDGET = "1s"
"""The end state is compared, not what traffic feels: a busy machine must not fail it."""

KINDS = (("rows", NULLS), ("rows without NULL", 0), ("no rows", None))
"""What the tables hold, until plain SQL takes it: in how many rows one NULL stands, where that is allowed."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+(?:[+-]\d\d)?")
_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Clones:
    """Connection strings: the state with rows, two clones for plain SQL and one for pgsluice. `busy`: an application changes rows
    of the last one meanwhile, so that only schemas are compared."""

    before: str
    one: str
    other: str
    ours: str
    busy: bool = False

    def changed(self) -> str:
        """What pgsluice has changed, '' for nothing."""
        return differences(self._seen(picture(self.before)), self._seen(picture(self.ours)))

    def different(self) -> str:
        """What differs between plain SQL and pgsluice, '' for nothing."""
        if self.busy:
            return differences(self._seen(picture(self.one)), self._seen(picture(self.ours)))
        return compared(self.one, self.other, self.ours)

    def _seen(self, found: Picture) -> Picture:
        return replace(found, rows=()) if self.busy else found


Runner = Callable[[Path, Clones, tuple[str, ...]], subprocess.CompletedProcess[str]]
"""Runs pgsluice on a folder and the clone that is its own, with more options."""


@dataclass(slots=True)
class Chain:
    """The databases of one history on one server: `state` is the one before the next migration, without rows. `busy` as in Clones."""

    server: ThrowawayServer
    history: History
    rows: int = 200
    seed: int = 1
    busy: bool = False
    state: str = ""
    unfilled: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """While it is open the state is there, at first as it was before the first migration."""
        with self.copy("template0") as self.state:
            prepare(self.history, self.server.dsn(self.state))
            yield

    def _create(self, template: str) -> str:
        name = f"history_{next(_NUMBERS)}"
        self._administer(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """The name of a copy of a database, dropped afterwards."""
        name = self._create(template)
        try:
            yield name
        finally:
            self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def dsn(self, name: str) -> str:
        """With the search path of the history."""
        return self.history.placed(self.server.dsn(name))

    @contextmanager
    def filled(self, nulls: int | None) -> Iterator[str]:
        """A copy of the state with rows in its tables, without any where `nulls` is None."""
        with self.copy(self.state) as name:
            if nulls is not None:
                self._fill(name, nulls)
            yield name

    def _fill(self, name: str, nulls: int) -> Filled:
        with closing(connect(self.dsn(name), "rows", environment={})) as session:
            done = fill(session, self.rows, self.seed, nulls)
            session.run("ANALYZE")
        self.unfilled |= {u.what: u.reason for u in done.unfilled}
        return done

    def advance(self, file: Path) -> Iterator[Outcome]:
        """Apply a migration as plain SQL on the state; an outcome where even that goes wrong."""
        complaint = plain(self.history, file, self.dsn(self.state))
        if complaint is not None:
            yield Outcome(file.name, "no rows", Verdict.FAILED, f"plain SQL fails by itself: {complaint}")


def plain(history: History, file: Path, dsn: str) -> str | None:
    """Run a file as its project does: in one transaction, or statement by statement; the server's complaint."""
    text = file.read_text()
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            if file.name in history.outside:
                for statement in parse_file(text, str(file)):
                    connection.execute(statement.sql.encode())
            else:
                connection.execute(text.encode())
        except psycopg.Error as error:
            return str(error)
    return None


def command(folder: Path, dsn: str, options: tuple[str, ...]) -> list[str]:
    """The command line of pgsluice for a folder on a database."""
    line = [*COMMAND, "run", str(folder), "--through", "contract", "--yes", "--from-start", "--stall-budget", BUDGET]
    return [*line, "--treat-as-large", *options, "--database", dsn]


def run_pgsluice(folder: Path, clones: Clones, options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """The folder on its clone, through contract, every table treated as large."""
    line = command(folder, clones.ours, options)
    return subprocess.run(line, capture_output=True, text=True, env=environment(), timeout=900, check=False)


def verdicts(chain: Chain, file: Path, run: Runner = run_pgsluice) -> Iterator[Outcome]:
    """What came out of a migration on each kind of rows, up to the first that plain SQL takes."""
    for kind, nulls in KINDS:
        with chain.filled(nulls) as template, chain.copy(template) as one, chain.copy(template) as other, chain.copy(template) as ours:
            complaint = plain(chain.history, file, chain.dsn(one))
            if complaint is None:
                plain(chain.history, file, chain.dsn(other))
            clones = Clones(chain.dsn(template), chain.dsn(one), chain.dsn(other), chain.dsn(ours), chain.busy)
            yield _verdict(chain.history, file, kind, complaint, clones, run)
            if complaint is None:
                return


def _verdict(history: History, file: Path, kind: str, complaint: str | None, clones: Clones, run: Runner) -> Outcome:
    allowed = tuple[str, ...]()
    with TemporaryDirectory() as folder:
        history.copy(file, Path(folder))
        ran = run(Path(folder), clones, ())
        while named := remedies(ran.stderr) - {*allowed}:
            if changed := clones.changed():
                return Outcome(file.name, kind, Verdict.FAILED, f"refused, and changed something:\n{changed}")
            allowed += tuple(sorted(named))
            ran = run(Path(folder), clones, tuple(w for rule in allowed for w in ("--allow", rule)))
    if complaint is not None:
        return _on_data_that_fails(file, kind, complaint, ran, clones)
    if ran.returncode != 0:
        return Outcome(file.name, kind, Verdict.FAILED, ran.stderr, allowed)
    different = clones.different()
    verdict = Verdict.DIFFERENT if different else Verdict.FOR_TRAFFIC if allowed else Verdict.SAME
    return Outcome(file.name, kind, verdict, different, allowed)


def _on_data_that_fails(file: Path, kind: str, complaint: str, ran: subprocess.CompletedProcess[str], clones: Clones) -> Outcome:
    """Plain SQL fails on these rows: pgsluice must say so beforehand, even where it may hurt, and leave everything as it was."""
    if ran.returncode == 0:
        return Outcome(file.name, kind, Verdict.DIFFERENT, f"plain SQL fails, and pgsluice does not: {complaint}")
    changed = clones.changed()
    said = f"plain SQL: {complaint}\n{ran.stderr}"
    return (
        Outcome(file.name, kind, Verdict.FAILED, f"{said}\nchanged:\n{changed}")
        if changed
        else Outcome(file.name, kind, Verdict.RIGHTLY, said)
    )


def compared(one: str, other: str, ours: str) -> str:
    """What differs between plain SQL and pgsluice; of columns that differ between two runs of plain SQL only the numbers of values."""
    first, second = picture(one), picture(other)
    loose = random_columns(one, other) if first != second else frozenset[str]()
    mine, plain = _picture(ours, loose), _picture(one, loose, first)
    if first.schema != second.schema:  # a view or default that keeps the moment in which it was made
        mine, plain = _timeless(mine), _timeless(plain)
    return differences(plain, mine)


def _timeless(found: Picture) -> Picture:
    return replace(found, schema=tuple(_MOMENT.sub("a moment", line) for line in found.schema))


def _picture(dsn: str, loose: frozenset[str], seen: Picture | None = None) -> Picture:
    return seen if seen is not None and not loose else picture(dsn, loose)
