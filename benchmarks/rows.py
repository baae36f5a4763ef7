"""How fast made-up rows come into narrow tables, beside a plain INSERT ... SELECT of as many rows.

    python benchmarks/rows.py [--rows N] [--runs N]

Printed are medians, in rows a second and in rows for each second of the backend's CPU (Linux), which a busy machine does not change; exit
code 1 where a table gets less of the latter than pgsluice sets itself.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgsluice.execution.db.session import Session
from pgsluice.rehearsal.place import Place, place_of, session
from pgsluice.rehearsal.rows.filling import fill

LEAST = 100_000
"""Rows a second of CPU."""

KEYED = "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text)"
TABLES = {
    "a key, a number, a text": KEYED,
    "identity, number, time, flag": "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, c timestamptz, d boolean)",
    "two numbers without a key": "CREATE TABLE t (a int, b int)",
    "a key, a foreign key": "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id bigint PRIMARY KEY, p int NOT NULL REFERENCES p)",
}
PLAIN = "INSERT INTO t SELECT i, i % 30000, 'value ' || i FROM generate_series(1, {rows}) i"


@dataclass(frozen=True, slots=True)
class Rate:
    """Rows by the second on the clock, and by that of the backend's CPU."""

    by_clock: float
    by_cpu: float


def rate(place: Place, ddl: str, work: Callable[[Session], int]) -> Rate:
    """At which the work puts rows into new tables."""
    with session(place.make("rows")) as found:
        found.run(ddl)
        pid = found.value("SELECT pg_backend_pid()")
        begin_s, begin_cpu_s = time.monotonic(), cpu_s(pid)
        rows = work(found)
        return Rate(rows / (time.monotonic() - begin_s), rows / max(cpu_s(pid) - begin_cpu_s, 0.01))


def cpu_s(pid: int) -> float:
    """Seconds that a process has used so far."""
    facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def median(rates: Sequence[Rate]) -> Rate:
    return Rate(statistics.median(r.by_clock for r in rates), statistics.median(r.by_cpu for r in rates))


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
        cases = [
            ("plain INSERT ... SELECT", KEYED, plainly(given.rows)),
            *((name, ddl, filled(given.rows)) for name, ddl in TABLES.items()),
        ]
        slow = False
        for name, ddl, work in cases:
            found = median([rate(place, ddl, work) for _ in range(given.runs)])
            print(f"{name:32}{found.by_clock:>12,.0f} rows/s{found.by_cpu:>12,.0f} rows/s of CPU", flush=True)
            slow = slow or found.by_cpu < LEAST
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
