"""What the application waits while ALTER TABLE ... ADD COLUMN takes its lock, by the way in which the lock is asked for.

    python benchmarks/stall.py [--quick] [--runs N] [--seed N] [--json FILE]

A throw-away PostgreSQL 18 with a table of 100,000 rows, under a constant open-loop load through 20 connections, in four
scenes. In each scene every way is tried once a run, in an order drawn anew, so that a noisy minute hits them all alike.
Printed are medians over the runs, and whether the two conditions that pgsluice sets itself are met (exit code 1 if not).
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import Limits, StepContext
from pgsluice.execution.engine.handlers.strike import handle
from pgsluice.model.errors import PatienceError
from pgsluice.model.measurement import Measurement
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, Source, Step, StepKind
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.load.definition import Load, SlowReader
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.load.scripts import parse_script
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer

TABLE = "public.accounts"
SETUP = f"""
CREATE TABLE {TABLE} (id int PRIMARY KEY, balance int NOT NULL, note text NOT NULL);
INSERT INTO {TABLE} SELECT i, 100, repeat('x', 80) FROM generate_series(1, 100000) i;
"""
BUDGET_S = 0.1
WARM_UP_S = 1.5
LONGEST_PHASE_S = 2.0
"""The way begins after a random part of it, drawn for scene and run: each way meets the slow reader in the same phase."""
TAIL_S = 1.0
ONCE_S = 6.0
"""Least length of a measured window: longer than a transaction of the slow reader."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A load; `passable` says whether a brief lock can be had at all without cancelling anybody."""

    name: str
    load: Load
    passable: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """`took_s` is None where the way had not got through when its time was up. `named`: how many blockers it named then."""

    scene: str
    way: str
    felt: Measurement
    took_s: float | None
    attempts: int
    named: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    took_s: float | None
    attempts: int
    named: int = 0


Way = Callable[[str, str, float], Outcome]
"""Adds a column: (dsn, statement, seconds after which to give up)."""


def scenes() -> tuple[Scene, ...]:
    read = parse_script(f"\\set id random(1, 100000)\nSELECT balance FROM {TABLE} WHERE id = :id;", "read", 7)
    write = parse_script(f"\\set id random(1, 100000)\nUPDATE {TABLE} SET balance = balance + 1 WHERE id = :id;", "write", 3)
    long = parse_script(f"\\set id random(1, 100000)\nSELECT balance, pg_sleep(0.012) FROM {TABLE} WHERE id = :id;", "long read", 1)
    report = f"SELECT count(*) FROM {TABLE} WHERE id < 1000"
    always = SlowReader(report, pause_s=(0.0, 0.0))
    return (
        Scene("no slow reader", Load((read, write), 400.0)),
        Scene("one slow reader", Load((read, write), 400.0, slow_readers=(SlowReader(report),))),
        Scene("three overlapping", Load((read, write), 400.0, slow_readers=(always, always, always)), passable=False),
        # 600 a second, evenly spaced, of 12 ms each: about 7 hold the table at any instant, and never nobody
        Scene("always in use", Load((long,), 600.0)),
    )


def no_migration(dsn: str, statement: str, limit_s: float) -> Outcome:
    return Outcome(0.0, 0)


def plain(dsn: str, statement: str, limit_s: float) -> Outcome:
    return _retry(dsn, statement, limit_s, "", lambda attempt: 0.0)


def two_seconds(dsn: str, statement: str, limit_s: float) -> Outcome:
    return _retry(dsn, statement, limit_s, "SET LOCAL lock_timeout = '2s'", lambda attempt: 1.0)


def half_a_second(dsn: str, statement: str, limit_s: float) -> Outcome:
    """As pgroll does it: 500 ms, then 1 s, 2 s, 4 s ... up to a minute, with full jitter."""
    jitter = random.Random(statement)
    return _retry(dsn, statement, limit_s, "SET LOCAL lock_timeout = '500ms'", lambda n: jitter.uniform(0, min(60.0, 2.0**n)))


def fifty_milliseconds(dsn: str, statement: str, limit_s: float) -> Outcome:
    return _retry(dsn, statement, limit_s, "SET LOCAL lock_timeout = '50ms'", lambda attempt: 0.2)


def nowait(dsn: str, statement: str, limit_s: float) -> Outcome:
    return _retry(dsn, statement, limit_s, f"LOCK TABLE {TABLE} NOWAIT", lambda attempt: 0.01)


def _retry(dsn: str, statement: str, limit_s: float, before: str, pause_s: Callable[[int], float]) -> Outcome:
    session, begin, attempts = connect(dsn, "benchmark", environment={}), time.monotonic(), 0
    try:
        while True:
            attempts += 1
            if _attempt(session, f"BEGIN; {before}; {statement}; COMMIT"):
                return Outcome(time.monotonic() - begin, attempts)
            pause = pause_s(attempts - 1)
            if time.monotonic() + pause - begin > limit_s:
                return Outcome(None, attempts)
            time.sleep(pause)
    finally:
        session.close()


def _attempt(session: Session, sql: str) -> bool:
    try:
        session.run(sql)
    except DatabaseError as error:
        session.run("ROLLBACK")
        if trouble_of(error) is not Trouble.LOCK_TIMEOUT:
            raise
        return False
    return True


def pgsluice(dsn: str, statement: str, limit_s: float) -> Outcome:
    """The engine's own handler for strikes; the journal's row is left out, it is written before the lock."""
    work, watch = connect(dsn, "work", environment={}), connect(dsn, "watch", environment={})
    locks = (Lock(TABLE, LockMode.ACCESS_EXCLUSIVE),)
    step = Step("1", StepKind.STRIKE, statement, locks, "", Source("benchmark", 1))
    limits = Limits(BUDGET_S, patience_s=limit_s)
    context = StepContext(
        work=work, watch=watch, limits=limits, report=lambda event: None, migration="benchmark", step=step, record_sql=lambda: "SELECT 1"
    )
    try:
        result = handle(context)
        return Outcome(result.duration_s, result.attempts)
    except PatienceError as error:
        return Outcome(None, 0, named=str(error).count("pid "))
    finally:
        work.close()
        watch.close()


WAYS: Mapping[str, Way] = {
    "no migration": no_migration,
    "plain": plain,
    "2 s, retry": two_seconds,
    "500 ms, backoff": half_a_second,
    "50 ms, retry": fifty_milliseconds,
    "NOWAIT polling": nowait,
    "pgsluice": pgsluice,
}
QUICK_WAYS = ("no migration", "plain", "500 ms, backoff", "pgsluice")


def trial(dsn: str, scene: Scene, way: str, number: int, seed: str, limit_s: float) -> Trial:
    """One way in one scene, under a load of its own."""
    with LoadProcess(dsn, scene.load) as load:
        time.sleep(WARM_UP_S + random.Random(seed).uniform(0, LONGEST_PHASE_S))
        begin = time.monotonic()
        outcome = WAYS[way](dsn, f"ALTER TABLE {TABLE} ADD COLUMN c{number} int", limit_s)
        time.sleep(max(TAIL_S, ONCE_S - (time.monotonic() - begin)))
        end = time.monotonic()
        recording = load.stop()
    session = connect(dsn, "benchmark", environment={})
    session.run(f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS c{number}")
    session.close()
    return Trial(scene.name, way, measure(recording, begin, end), outcome.took_s, outcome.attempts, outcome.named)


def run(dsn: str, ways: Sequence[str], runs: int, seed: int, limit_s: float) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(runs):
        for scene in scenes():
            for way in random.Random(f"{seed} {number} {scene.name}").sample(ways, len(ways)):
                trials.append(trial(dsn, scene, way, len(trials), f"{seed} {number} {scene.name}", limit_s))
                felt = trials[-1].felt
                took = "not through" if trials[-1].took_s is None else f"{trials[-1].took_s:.2f} s"
                print(f"run {number + 1}, {scene.name}, {way}: longest wait {felt.max_ms:.0f} ms, {took}", file=sys.stderr, flush=True)
    return trials


def median(trials: Sequence[Trial], figure: Callable[[Measurement], float]) -> float:
    return statistics.median(figure(t.felt) for t in trials)


def longest(trials: Sequence[Trial]) -> float:
    return median(trials, lambda felt: felt.max_ms)


COLUMNS: tuple[tuple[str, Callable[[Measurement], float], str], ...] = (
    ("p50 ms", lambda felt: felt.p50_ms, ".2f"),
    ("p99 ms", lambda felt: felt.p99_ms, ".1f"),
    ("max ms", lambda felt: felt.max_ms, ".0f"),
    ("> 20 ms", lambda felt: felt.over_20_ms, ".0f"),
    ("> 100 ms", lambda felt: felt.over_100_ms, ".0f"),
    ("> 500 ms", lambda felt: felt.over_500_ms, ".0f"),
    ("failed", lambda felt: felt.failed, ".0f"),
)


def table(of: Mapping[tuple[str, str], list[Trial]], ways: Sequence[str]) -> str:
    lines = []
    for scene in scenes():
        lines += [
            "",
            f"{scene.name:<18}" + "".join(f"{title:>10}" for title, _, _ in COLUMNS) + f"{'max ratio':>11}{'through':>9}{'time s':>8}",
        ]
        quiet = longest(of[scene.name, "no migration"])
        for way in ways:
            trials = of[scene.name, way]
            cells = "".join(f"{median(trials, figure):>10{form}}" for _, figure, form in COLUMNS)
            lines.append(f"  {way:<16}{cells}{longest(trials) / quiet:>11.1f}{_success(way, trials)}")
    return "\n".join(lines)


def _success(way: str, trials: Sequence[Trial]) -> str:
    if way == "no migration":
        return ""
    took = [t.took_s for t in trials if t.took_s is not None]
    return f"{f'{len(took)}/{len(trials)}':>9}" + (f"{statistics.median(took):>8.2f}" if took else f"{'-':>8}")


def conditions(of: Mapping[tuple[str, str], list[Trial]]) -> list[tuple[str, bool]]:
    """What must hold of the medians, scene by scene."""
    found = []
    for scene in scenes():
        quiet, ours, rival = (longest(of[scene.name, way]) for way in ("no migration", "pgsluice", "500 ms, backoff"))
        bound = max(1.5 * quiet, quiet + 25) if scene.passable else quiet + BUDGET_S * 1000
        said = f"{scene.name}: the longest wait with pgsluice is {ours:.0f} ms; it may be {bound:.0f} ms"
        found.append((said, ours <= bound))
        if rival > BUDGET_S * 1000:
            found.append((f"{scene.name}: that is a tenth of the {rival:.0f} ms of '500 ms, backoff', or less", ours <= rival / 10))
        trials = of[scene.name, "pgsluice"]
        if scene.passable:
            found.append((f"{scene.name}: pgsluice gets through", all(t.took_s is not None for t in trials)))
        else:
            named = all(t.took_s is not None or t.named > 0 for t in trials)
            found.append((f"{scene.name}: pgsluice gets through or names who is in the way", named))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one run of four ways, in about three minutes")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds after which a way has not got through")
    parser.add_argument("--json", help="write every trial here")
    options = parser.parse_args()
    ways = QUICK_WAYS if options.quick else tuple(WAYS)
    with ThrowawayServer(settings=MEASURING_SETTINGS) as server:
        session = connect(server.dsn(), "benchmark", environment={})
        for statement in (SETUP, f"VACUUM ANALYZE {TABLE}", "CHECKPOINT"):
            session.run(statement)
        session.close()
        trials = run(server.dsn(), ways, 1 if options.quick else options.runs, options.seed, options.limit)
    return report(trials, ways, options.json)


def report(trials: Sequence[Trial], ways: Sequence[str], path: str | None) -> int:
    """Prints the tables and the conditions; 1 where one of them is not met."""
    of: dict[tuple[str, str], list[Trial]] = {}
    for one in trials:
        of.setdefault((one.scene, one.way), []).append(one)
    print(table(of, ways) + "\n")
    met = conditions(of)
    for text, holds in met:
        print(f"{'met   ' if holds else 'NOT MET'} {text}")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump([asdict(t) for t in trials], file)
    return 0 if all(holds for _, holds in met) else 1


if __name__ == "__main__":
    sys.exit(main())
