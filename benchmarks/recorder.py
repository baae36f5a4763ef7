"""Whether the load's recorder is right against delays that we know, and what it costs itself.

    python benchmarks/recorder.py [--seconds N] [--runs N]

On a throw-away PostgreSQL 18. *delays*: a tenth of 400 queries a second sleeps for 50 ms, so the longest wait of those is 50 ms; *lock*:
a table is locked for 700 ms: the longest wait is that of the first query that was due in this time, and those waited over 100 ms that
were due until 100 ms before its end (a query on the wrong side of that instant may be 5 ms away from it). That one sends 100 queries a
second: where more stand in line when the lock goes, the last of them truly wait until those before have their answers (10 ms at 400 a
second). The best of the runs counts: a recorder that is wrong is wrong each time, a neighbour on the machine is not there each time.
*cpu*: its own process at 2,000 queries a second, which may take 15 % of a core.
"""

import argparse
import statistics
import sys
import time

from pgsluice.execution.db.connect import connect
from pgsluice.rehearsal.latency.recording import Recording
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.load.scripts import parse_script
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer

RATE, LOCKED_RATE, FAST_RATE = 400.0, 100.0, 2000.0
LIMIT_MS, LIMIT_CPU = 5.0, 0.15
SLEEP_MS, LOCK_S, OVER_MS = 50.0, 0.7, 100.0
SETUP = "CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) n; ALTER TABLE numbers ADD PRIMARY KEY (n)"
READ = parse_script("\\set id random(1, 1000)\nSELECT n FROM numbers WHERE n = :id;", "read", 9)
SLEEP = parse_script(f"SELECT pg_sleep({SLEEP_MS / 1000});", "sleep", 1)


def recorded(dsn: str, load: Load, seconds: float) -> Recording:
    with LoadProcess(dsn, load) as process:
        time.sleep(seconds)
        return process.stop()


def sleep_error_ms(dsn: str, seconds: float) -> float:
    """By how much the longest wait of a query that sleeps is off."""
    recording = recorded(dsn, Load((READ, SLEEP), RATE), seconds)
    return max(request.wait_s for request in recording.requests() if request.kind == "sleep") * 1000 - SLEEP_MS


def lock_errors(dsn: str) -> tuple[float, float]:
    """By how many ms the longest wait behind the lock is off, and how far from the instant that parts the waits over 100 ms
    from the others the farthest query on the wrong side of it was due."""
    session = connect(dsn, "benchmark", environment={})
    with LoadProcess(dsn, Load((READ,), LOCKED_RATE)) as process:
        time.sleep(0.5)
        session.run("BEGIN; LOCK numbers")
        locked_s = time.monotonic()
        time.sleep(LOCK_S)
        session.run("COMMIT")
        released_s = time.monotonic()
        time.sleep(0.5)
        recording = process.stop()
    session.close()
    held = [request for request in recording.requests() if locked_s <= request.start_s < released_s]
    edge_s = released_s - OVER_MS / 1000
    wrong = [(r.start_s - edge_s) * 1000 for r in held if (r.wait_s * 1000 > OVER_MS) != (r.start_s < edge_s)]
    longest_ms = max(r.wait_s for r in held) * 1000
    return longest_ms - (released_s - min(r.start_s for r in held)) * 1000, max(wrong, key=abs, default=0.0)


def cpu_share(dsn: str, seconds: float) -> tuple[float, float]:
    """Its processor time as a part of a core, and the rate that it kept."""
    recording = recorded(dsn, Load((READ,), FAST_RATE), seconds)
    return recording.cpu_s / recording.wall_s, len(recording) / recording.wall_s


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with ThrowawayServer(settings=MEASURING_SETTINGS) as server:
        session = connect(server.dsn(), "benchmark", environment={})
        session.run(SETUP)
        session.close()
        sleeps = [sleep_error_ms(server.dsn(), given.seconds) for _ in range(given.runs)]
        locks = [lock_errors(server.dsn()) for _ in range(given.runs)]
        shares = [cpu_share(server.dsn(), given.seconds) for _ in range(given.runs)]
    errors = {
        f"longest wait of a {SLEEP_MS:.0f} ms sleep": min(sleeps, key=abs),
        f"longest wait behind a lock of {LOCK_S * 1000:.0f} ms": min((longest for longest, _ in locks), key=abs),
        "waits over 100 ms, in time": min((over for _, over in locks), key=abs),
    }
    kept = True
    for name, error in errors.items():
        met = abs(error) <= LIMIT_MS
        kept = kept and met
        print(f"{name:<36} off by {error:+.1f} ms of {LIMIT_MS:.0f} allowed: {'met' if met else 'NOT MET'}")
    cpu, rate = statistics.median(share for share, _ in shares), statistics.median(rate for _, rate in shares)
    met = cpu <= LIMIT_CPU
    name, how = f"its own CPU at {rate:,.0f} queries/s", f"{cpu:.1%} of a core, {cpu / LIMIT_CPU:.2f} of the limit"
    print(f"{name:<36} {how}: {'met' if met else 'NOT MET'}")
    return 0 if kept and met else 1


if __name__ == "__main__":
    sys.exit(main())
