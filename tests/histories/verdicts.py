"""What came of a migration, and the table of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg import sql

from tests.support.oracle import COLUMNS, OUR_SCHEMA


class Verdict(StrEnum):
    SAME = "same"
    RIGHTLY = "refused rightly"
    """Plain SQL fails on these rows, too; nothing was changed."""
    FOR_TRAFFIC = "refused for traffic"
    """Until allowed by name, as the refusal says; then it ended the same."""
    DIFFERENT = "different"
    FAILED = "failed"

    @property
    def wrong(self) -> bool:
        return self in (Verdict.DIFFERENT, Verdict.FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A migration on one kind of rows."""

    file: str
    kind: str
    verdict: Verdict
    said: str = ""
    allowed: tuple[str, ...] = ()

    def lines(self, *, whole: bool) -> Iterator[str]:
        """What there is to say beyond `same`."""
        if self.verdict is not Verdict.SAME or self.kind != "rows":
            yield f"    {self.file} ({self.kind}): {self.verdict}{''.join(f' {rule}' for rule in self.allowed)}"
        if whole or self.verdict.wrong:
            yield from (f"        {line}" for line in self.said.splitlines()[:60])


def summary(name: str, outcomes: Iterable[Outcome]) -> str:
    """One line of the table: how many migrations, and how many outcomes of each verdict."""
    found = list(outcomes)
    counted = Counter(o.verdict for o in found)
    cells = "".join(f"{counted[verdict]:>20}" for verdict in Verdict)
    return f"{name:24}{len({o.file for o in found}):>11}{cells}"


def head() -> str:
    return f"{'history':24}{'migrations':>11}" + "".join(f"{verdict:>20}" for verdict in Verdict)


def random_columns(one: str, other: str) -> frozenset[str]:
    """The columns (`schema.table.column`) whose values differ between two runs of the same SQL: random by nature, or times."""
    with psycopg.connect(one, autocommit=True) as a, psycopg.connect(other, autocommit=True) as b:
        tables = a.execute(COLUMNS, [OUR_SCHEMA]).fetchall()
        return frozenset(f"{s}.{t}.{c}" for s, t, columns in tables for c in columns if _values(a, s, t, c) != _values(b, s, t, c))


def _values(connection: psycopg.Connection, schema: str, table: str, column: str) -> list[tuple[str]] | None:
    wanted = sql.SQL("SELECT {}::text FROM {} ORDER BY 1").format(sql.Identifier(column), sql.Identifier(schema, table))
    try:
        return connection.execute(wanted).fetchall()
    except psycopg.errors.UndefinedTable:
        return None
