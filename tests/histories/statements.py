"""Single statements of SQL files, such as PostgreSQL's own regression tests: each is planned on the state that the ones before it have
left, and of those that succeed as plain SQL every nth is run by pgsluice on a copy and compared.

python -m tests.histories.statements [--major N] [--every N] [--from N] [--seconds N] [--setup FILE] FILE...
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from pg_matrix import installation
from pgsluice import api
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.model.errors import PgsluiceError, RefusedError, UsageError
from pgsluice.model.postgres.versions import NEWEST
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.server import ThrowawayServer
from tests.histories.clones import Chain
from tests.histories.history import History
from tests.support.oracle import differences, picture

NOT_LOOKED_AT = frozenset(
    """
    SelectStmt ExplainStmt VariableShowStmt VariableSetStmt TransactionStmt PrepareStmt ExecuteStmt FetchStmt CopyStmt
    CreateRoleStmt DropRoleStmt AlterRoleStmt AlterRoleSetStmt GrantRoleStmt CreatedbStmt DropdbStmt CreateTableSpaceStmt
    DropTableSpaceStmt AlterSystemStmt CheckPointStmt LoadStmt
    """.split()
)
"""Statements that are not looked at: they change no schema, or what databases share."""


HANDED_OUT = """
SELECT n.nspname || '.' || c.relname || '.' || a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ '^(nextval|random|gen_random_uuid|clock_timestamp)[(]'
"""


class Fate(StrEnum):
    PLANNED = "planned"
    """And not run: not every one is."""
    SAME = "same"
    REFUSED = "refused"
    DIFFERENT = "different"
    FAILED = "failed"
    """Plain SQL succeeds, and pgsluice stopped in the middle."""
    CRASHED = "crashed"
    FAILS = "fails as plain SQL"


@dataclass
class Trial:
    """The statements of one file on a database of `chain`."""

    chain: Chain
    every: int
    first: int
    """Which of each `every` that succeed is run, from 0."""
    seconds: float
    counted: Counter[Fate] = field(default_factory=Counter)
    _succeeded: int = 0

    def run(self, file: Path, setup: Path | None) -> None:
        began = time.monotonic()
        with self.chain.copy("template0") as state:
            for statement in _statements(setup) if setup else ():
                _plain(self.chain.dsn(state), statement.sql)
            for statement in _statements(file):
                if time.monotonic() - began > self.seconds:
                    _tell(f"{statement.place}: the time is over here")
                    break
                fate, said = self._fate(state, statement)
                self.counted[fate] += 1
                if fate in (Fate.DIFFERENT, Fate.FAILED, Fate.CRASHED):
                    _tell(f"{statement.place}: {fate}: {' '.join(statement.sql.split())[:200]}\n        {said[:1500]}")

    def _fate(self, state: str, statement: Statement) -> tuple[Fate, str]:
        """What comes of a statement; it has run on `state` afterwards, if it can."""
        with TemporaryDirectory() as folder:
            (Path(folder) / "0001_statement.sql").write_text(statement.sql)
            fate, said = _asked(lambda: api.plan([folder], _settings(self.chain.dsn(state))))
            chosen = fate is Fate.PLANNED and self._succeeded % self.every == self.first
            if not chosen:
                complaint = _plain(self.chain.dsn(state), statement.sql)
            else:
                with self.chain.copy(state) as ours:
                    complaint = _plain(self.chain.dsn(state), statement.sql)
                    if complaint is None:
                        fate, said = self._compared(folder, state, ours)
        if fate is Fate.CRASHED:
            return fate, said
        self._succeeded += complaint is None and fate is not Fate.REFUSED
        return (fate, said) if complaint is None else (Fate.FAILS, complaint)

    def _compared(self, folder: str, plain: str, ours: str) -> tuple[Fate, str]:
        dsn = self.chain.dsn(ours)
        fate, said = _asked(lambda: api.run([folder], _settings(dsn)))
        if fate is not Fate.PLANNED:
            return fate, said
        handed_out = _handed_out(self.chain.dsn(plain))
        different = differences(picture(self.chain.dsn(plain), handed_out), picture(dsn, handed_out))
        return (Fate.DIFFERENT, different) if different else (Fate.SAME, "")


def _asked(call: Callable[[], object]) -> tuple[Fate, str]:
    """PLANNED where the call ends well; only what is no error of ours is a crash."""
    try:
        call()
        return Fate.PLANNED, ""
    except (RefusedError, UsageError) as error:
        return Fate.REFUSED, str(error)
    except PgsluiceError as error:
        return Fate.FAILED, str(error)
    except Exception as error:
        return Fate.CRASHED, f"{type(error).__name__}: {error}"


def _settings(dsn: str) -> Settings:
    return replace(
        Settings(), database=dsn, treat_as_large=True, from_start=True, through="contract", yes=True, stall_budget=1.0, patience=20.0
    )


def _statements(file: Path) -> Iterator[Statement]:
    """Those of a file that may change a schema or rows, psql's commands and data of COPY left out."""
    for statement in parse_file(file.read_text(), file.name):
        if statement.problem is None and statement.kind not in NOT_LOOKED_AT:
            yield statement


def _handed_out(dsn: str) -> frozenset[str]:
    """The columns (`schema.table.column`) whose values a sequence gives: which row gets which is arbitrary."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return frozenset(row[0] for row in connection.execute(HANDED_OUT))


def _plain(dsn: str, sql: str) -> str | None:
    """Runs a statement; the server's complaint."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            connection.execute("SET statement_timeout = '10s'")
            connection.execute(sql.encode())
        except psycopg.Error as error:
            return str(error)
    return None


def _tell(line: str) -> None:
    print(f"    {line}", flush=True)


def main(arguments: list[str]) -> int:
    """Prints what goes wrong and a table; 1 where anything did."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories.statements", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--major", type=int, default=NEWEST)
    parser.add_argument("--every", type=int, default=1, help="so many of the statements that succeed are run by pgsluice (default: each)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them that is run (default: 0)")
    parser.add_argument("--seconds", type=float, default=3600.0, help="for each file at most")
    parser.add_argument("--setup", type=Path, help="a file that is run before each of them, whatever fails in it")
    chosen = parser.parse_args(arguments)
    wrong = False
    print(f"{'file':24}" + "".join(f"{fate:>20}" for fate in Fate), flush=True)
    with ThrowawayServer(installation(chosen.major)) as server:
        for file in chosen.files:
            trial = Trial(Chain(server, History(file.parent, (), frozenset())), chosen.every, chosen.first, chosen.seconds)
            trial.run(file, chosen.setup)
            print(f"{file.stem:24}" + "".join(f"{trial.counted[fate]:>20}" for fate in Fate), flush=True)
            wrong |= any(trial.counted[fate] for fate in (Fate.DIFFERENT, Fate.FAILED, Fate.CRASHED))
    return wrong


if __name__ == "__main__":
    os.environ.pop("PGSLUICE_DATABASE", None)
    sys.exit(main(sys.argv[1:]))
