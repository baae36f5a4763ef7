"""How right the ETA of a backfill is, and what memory its runner takes: small table beside large one.

    python benchmarks/progress.py [--rows N] [--pace gentle|normal|full]

A throw-away PostgreSQL 18; `pgsluice backfill` fills a new column of 100,000 rows and of N (5 million). Printed are the median error of the
seconds left that `status` gives after 5 % of the work, and the most memory of the runner, each beside its limit (exit code 1 where one
is exceeded).
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

from pgsluice import api
from pgsluice.execution.db.connect import connect
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer

SMALL, LARGE = 100_000, 5_000_000
ERROR, GROWTH_MB = 0.15, 20.0
FROM, TO = 0.05, 0.9
"""Shares of the work between which the estimates count: behind that a second is a large part of what is left."""


def make(dsn: str, rows: int) -> None:
    session = connect(dsn, "benchmark", environment={})
    session.run("DROP TABLE IF EXISTS t")
    session.run("CREATE TABLE t (id bigint PRIMARY KEY, a int, b int, c text)")
    session.run(f"INSERT INTO t SELECT g, g % 1000, g % 777, repeat('x', 40) FROM generate_series(1, {rows}) g")
    session.run("CREATE INDEX ON t (a); ALTER TABLE t ADD COLUMN d int")
    session.run("VACUUM ANALYZE t")
    session.close()


def trial(dsn: str, rows: int, pace: str) -> tuple[float, list[float]]:
    """The most memory of the runner in MB, and the relative errors of the estimates."""
    make(dsn, rows)
    command = [
        sys.executable,
        "-m",
        "pgsluice.cli.main",
        "backfill",
        "t",
        "--set",
        "d = a + b",
        "--pace",
        pace,
        "--database",
        dsn,
        "--quiet",
    ]
    estimates: list[tuple[float, float]] = []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    while not ended:
        found = [b.news for b in api.status(Settings(database=dsn)).running_backfills if b.news is not None]
        if found and found[0].eta_s is not None and FROM <= found[0].share <= TO:
            estimates.append((time.monotonic(), found[0].eta_s))
        time.sleep(1.0)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    end = time.monotonic()
    if status:
        raise SystemExit(f"the backfill ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1024, [abs(eta - (end - at)) / (end - at) for at, eta in estimates]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=LARGE)
    parser.add_argument("--pace", default="full")
    chosen = parser.parse_args()
    with ThrowawayServer(settings=MEASURING_SETTINGS) as server:
        small, _ = trial(server.dsn(), SMALL, chosen.pace)
        large, errors = trial(server.dsn(), chosen.rows, chosen.pace)
    if not errors:
        raise SystemExit("the backfill ended before it could be looked at: take more rows")
    error = statistics.median(errors)
    verdicts = [
        ("median error of the seconds left", error, ERROR, ""),
        ("memory beyond that of the small table", large - small, GROWTH_MB, " MB"),
    ]
    print(f"{len(errors)} estimates; the runner took {small:.1f} MB for {SMALL:,} rows and {large:.1f} MB for {chosen.rows:,}")
    for what, figure, limit, unit in verdicts:
        print(f"{'met   ' if figure <= limit else 'NOT MET'} {what}: {figure:.2f}{unit} (at most {limit:.2f}{unit})")
    return 0 if all(figure <= limit for _, figure, limit, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
