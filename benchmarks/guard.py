"""What the application waits while plain `psql -c "ALTER TABLE ..."` meets a slow reader, with and without `pgsluice guard`.

    python benchmarks/guard.py [--runs N]

A throw-away PostgreSQL 18 under an open-loop load of 200 queries a second; a reader is idle in transaction for 4 seconds. Each way
is tried once a run, in an order drawn anew. Printed are the longest waits, and whether the guarded ones keep to the stall budget
plus 100 ms above the quiet run.
"""

import argparse
import os
import random
import subprocess
import sys
import threading
import time

from pgsluice.execution.db.connect import connect
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.load.scripts import parse_script
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer

BUDGET_MS, SLACK_MS = 100.0, 100.0
READER_S = 4.0
SETUP = (
    "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL); INSERT INTO accounts SELECT i, 100 FROM generate_series(1, 10000) i"
)
READ = parse_script("\\set id random(1, 10000)\nSELECT balance FROM accounts WHERE id = :id;", "read", 1)


def ways(psql: str, dsn: str, number: int) -> dict[str, list[str] | None]:
    """The commands by their name; None does nothing."""
    plain = [psql, "-X", "-q", "-d", dsn, "-c", f"ALTER TABLE accounts ADD COLUMN c{number} int"]
    guard = [sys.executable, "-m", "pgsluice.cli.main", "guard", "--quiet"]
    return {
        "no migration": None,
        "psql": plain,
        "guard -- psql": [*guard, "--", *plain],
        "guard --retry -- psql": [*guard, "--retry", "--", *plain],
    }


def reader(dsn: str) -> None:
    session = connect(dsn, "benchmark", environment={})
    session.run("BEGIN; SELECT count(*) FROM accounts")
    time.sleep(READER_S)
    session.close()


def trial(dsn: str, command: list[str] | None) -> tuple[float, int | None]:
    """The longest wait in ms, and the command's exit code."""
    with LoadProcess(dsn, Load((READ,), 200.0)) as load:
        time.sleep(1.0)
        begin = time.monotonic()
        slow = threading.Thread(target=reader, args=(dsn,))
        slow.start()
        time.sleep(0.3)
        environment = {**os.environ, "DATABASE_URL": dsn}
        code = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False).returncode if command else None
        slow.join()
        time.sleep(0.5)
        return measure(load.stop(), begin, time.monotonic()).max_ms, code


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    found: dict[str, list[tuple[float, int | None]]] = {}
    with ThrowawayServer(settings=MEASURING_SETTINGS) as server:
        session = connect(server.dsn(), "benchmark", environment={})
        session.run(SETUP)
        psql = str(server.installation.program("psql"))
        for number in range(runs):
            tried = ways(psql, server.dsn(), number)
            for name in random.Random(number).sample(list(tried), len(tried)):
                found.setdefault(name, []).append(trial(server.dsn(), tried[name]))
                session.run(f"ALTER TABLE accounts DROP COLUMN IF EXISTS c{number}")
        session.close()
    quiet = max(longest for longest, _ in found["no migration"])
    bound, kept = quiet + BUDGET_MS + SLACK_MS, True
    for name in ways("", "", 0):
        waits = sorted(longest for longest, _ in found[name])
        print(f"{name:<22} longest wait {' '.join(f'{w:.0f}' for w in waits)} ms, exit codes {[code for _, code in found[name]]}")
        kept = kept and (not name.startswith("guard") or waits[-1] <= bound)
    print(f"{'met' if kept else 'NOT MET'}: guarded, nobody waits longer than {bound:.0f} ms (quiet {quiet:.0f} + budget 100 + 100)")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
