"""How fast made-up rows come into narrow tables, beside a plain INSERT ... SELECT of as many rows.

    python benchmarks/rows.py [--rows N] [--runs N]

Printed are medians in rows a second; exit code 1 where a table without a foreign key gets less than pgsluice sets itself.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from pgsluice.execution.db.session import Session
from pgsluice.rehearsal.place import Place, place_of, session
from pgsluice.rehearsal.rows.filling import fill

LEAST = 100_000
"""Rows a second."""

KEYED = "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text)"
TABLES = {
    "a key, a number, a text": KEYED,
    "identity, number, time, flag": "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, c timestamptz, d boolean)",
    "two numbers without a key": "CREATE TABLE t (a int, b int)",
    "a key, a foreign key": "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id bigint PRIMARY KEY, p int NOT NULL REFERENCES p)",
}
PLAIN = "INSERT INTO t SELECT i, i % 30000, 'value ' || i FROM generate_series(1, {rows}) i"


def rate(place: Place, ddl: str, work: Callable[[Session], int]) -> float:
    """Rows a second that the work puts into new tables."""
    with session(place.make("rows")) as found:
        found.run(ddl)
        begin_s = time.monotonic()
        rows = work(found)
        return rows / (time.monotonic() - begin_s)


def filled(rows: int) -> Callable[[Session], int]:
    return lambda found: sum(fill(found, rows).rows.values())


def plainly(rows: int) -> Callable[[Session], int]:
    def work(found: Session) -> int:
        found.run(PLAIN.format(rows=rows))
        return rows

    return work


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args(arguments)
    with place_of(None, None) as place:
        plain = statistics.median(rate(place, KEYED, plainly(given.rows)) for _ in range(given.runs))
        print(f"{'plain INSERT ... SELECT':32}{plain:>12,.0f} rows/s")
        slow = False
        for name, ddl in TABLES.items():
            found = statistics.median(rate(place, ddl, filled(given.rows)) for _ in range(given.runs))
            print(f"{name:32}{found:>12,.0f} rows/s {found / plain:6.2f} of plain", flush=True)
            slow = slow or (found < LEAST and "REFERENCES" not in ddl)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
