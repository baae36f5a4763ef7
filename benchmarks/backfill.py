"""Filling a new column of a large table: pgsluice beside one UPDATE and the loops that people and tools write.

    python benchmarks/backfill.py [--rows N] [--indexes 2,4] [--fillfactor 100,90] [--rate N] [--snapshots] [--json FILE]

A throw-away PostgreSQL 18; for each way a table of its own, made anew, under the same open-loop load of point reads and updates.
Printed are the CPU of the backends and the WAL for each row, HOT updates, the size of heap and indexes, the duration and what the
application felt, as ratios to one UPDATE; and whether the conditions that pgsluice sets itself are met (exit code 1 if not).
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pgsluice.analysis.planner.backfilling import job_of
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.job import JobRun, settle_job
from pgsluice.model.backfills import PaceName
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.load.scripts import parse_script
from pgsluice.rehearsal.server import ThrowawayServer

ROWS = 2_000_000
SETTINGS = {"max_wal_size": "8GB", "checkpoint_timeout": "1h", "shared_buffers": "1GB", "autovacuum": "off", "wal_init_zero": "off"}
KEYSET, WINDOW_PAGES = 1000, 64
CLOCK = os.sysconf("SC_CLK_TCK")
EXPRESSION = "a + b"


@dataclass(frozen=True, slots=True)
class Scene:
    indexes: int
    fillfactor: int

    def __str__(self) -> str:
        return f"{self.indexes} indexes, fillfactor {self.fillfactor}"


@dataclass(frozen=True, slots=True)
class Trial:
    """`cpu_us` and `wal` are of one row; `heap` and `index` how many times as large as before; `mean`, `p99` and `max` are what the
    application waited, in ms, `quiet_` the same load before the way began; `left` rows were not filled at the end."""

    scene: str
    way: str
    cpu_us: float
    wal: float
    hot: float
    heap: float
    index: float
    duration_s: float
    p99: float
    max: float
    quiet_p99: float
    quiet_max: float
    left: int


class Meter:
    """Opens sessions, and knows what CPU their backends took: read from /proc before each is closed."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.cpu_s = dsn, 0.0
        self._lock = threading.Lock()

    def connect(self, purpose: str) -> Session:
        meter = self

        class Metered(Session):
            def close(self) -> None:
                if not self.closed:
                    meter.add(self.pid)
                super().close()

        return Metered(connect(self.dsn, purpose, environment={}).connection)

    def add(self, pid: int) -> None:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        with self._lock:
            self.cpu_s += (int(fields[11]) + int(fields[12])) / CLOCK


Way = Callable[[Meter], None]


@contextmanager
def opened(meter: Meter) -> Iterator[Session]:
    session = meter.connect("benchmark")
    try:
        yield session
    finally:
        session.close()


def one_update(meter: Meter) -> None:
    with opened(meter) as session:
        session.run(f"UPDATE t SET d = {EXPRESSION}")


def keyset(meter: Meter) -> None:
    """Batches of 1,000 rows in the order of the key, each committed: what most people write."""
    batch = f"""WITH batch AS (SELECT id FROM t WHERE id > %s ORDER BY id LIMIT {KEYSET}),
        changed AS (UPDATE t SET d = {EXPRESSION} FROM batch WHERE t.id = batch.id) SELECT max(id) FROM batch"""
    with opened(meter) as session:
        last: int | None = 0
        while last is not None:
            last = session.value(batch, [last])


def touch(meter: Meter) -> None:
    """pgroll's way: a trigger computes, and the loop touches each row in batches of 1,000."""
    with opened(meter) as session:
        session.run(f"""CREATE FUNCTION compute() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.d := {EXPRESSION.replace("a", "NEW.a").replace("b", "NEW.b")}; RETURN NEW; END';
            CREATE TRIGGER compute BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION compute()""")
        batch = f"""WITH batch AS (SELECT id FROM t WHERE id > %s ORDER BY id LIMIT {KEYSET} FOR NO KEY UPDATE),
            changed AS (UPDATE t SET id = t.id FROM batch WHERE t.id = batch.id RETURNING t.id) SELECT max(id) FROM changed"""
        last: int | None = 0
        while last is not None:
            last = session.value(batch, [last])
        session.run("DROP TRIGGER compute ON t; DROP FUNCTION compute()")


def windows(meter: Meter) -> None:
    """Windows over the pages, once."""
    with opened(meter) as session:
        pages = session.value("SELECT pg_relation_size('t') / 8192")
        for page in range(0, pages, WINDOW_PAGES):
            session.run(f"UPDATE t SET d = {EXPRESSION} WHERE d IS NULL AND ctid >= '({page},0)' AND ctid < '({page + WINDOW_PAGES},0)'")


def pgsluice(pace: PaceName, workers: int) -> Way:
    def way(meter: Meter) -> None:
        control = connect(meter.dsn, "benchmark", environment={})
        job = settle_job(control, job_of(f"UPDATE t SET d = {EXPRESSION}", read_catalog(control)))
        control.close()
        JobRun(meter.connect, job, limits=FillLimits(), pace=pace, workers=workers).run()

    return way


WAYS: dict[str, Way] = {
    "one UPDATE": one_update,
    "keyset": keyset,
    "touch loop": touch,
    "ctid windows": windows,
    "pgsluice": pgsluice(PaceName.FULL, 1),
    "pgsluice x2": pgsluice(PaceName.FULL, 2),
    "gentle": pgsluice(PaceName.GENTLE, 1),
}


def make(dsn: str, scene: Scene, rows: int) -> None:
    session = connect(dsn, "benchmark", environment={})
    session.run("DROP TABLE IF EXISTS t")
    session.run(
        "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, b int NOT NULL, c text NOT NULL, note text NOT NULL, n int NOT NULL) "
        f"WITH (fillfactor = {scene.fillfactor})"
    )
    session.run(f"INSERT INTO t SELECT g, g % 1000, g % 777, 'c' || g, repeat('x', 40), 0 FROM generate_series(1, {rows}) g")
    for column in ("a", "b", "c")[: scene.indexes - 1]:
        session.run(f"CREATE INDEX ON t ({column})")
    session.run("ALTER TABLE t ADD COLUMN d int")
    for statement in ("VACUUM ANALYZE t", "CHECKPOINT"):
        session.run(statement)
    session.close()


def trial(dsn: str, scene: Scene, name: str, rows: int, rate: float, snapshots: bool) -> Trial:
    make(dsn, scene, rows)
    watch = connect(dsn, "watch", environment={})
    sizes = (
        "SELECT pg_relation_size('t') AS heap, pg_indexes_size('t') AS index, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS wal"
    )
    read = parse_script(f"\\set id random(1, {rows})\nSELECT a FROM t WHERE id = :id;", "read", 3)
    write = parse_script(f"\\set id random(1, {rows})\nUPDATE t SET n = n + 1 WHERE id = :id;", "write", 1)
    meter, over = Meter(dsn), threading.Event()
    holder = threading.Thread(target=hold_snapshots, args=(dsn, over))
    with LoadProcess(dsn, Load((read, write), rate)) as load:
        if snapshots:
            holder.start()
        time.sleep(1.5)
        quiet = time.monotonic()
        time.sleep(3)
        (before,), begin = watch.rows(sizes), time.monotonic()
        WAYS[name](meter)
        end = time.monotonic()
        (after,) = watch.rows(sizes)
        over.set()
        recording = load.stop()
    if snapshots:
        holder.join()
    felt, alone = measure(recording, begin, end), measure(recording, quiet, begin)
    time.sleep(1.5)  # until the last backend has handed in its counts
    (counts,) = watch.rows("SELECT n_tup_upd AS updated, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 't'")
    (left,) = watch.rows(f"SELECT count(*) FILTER (WHERE d IS DISTINCT FROM {EXPRESSION}) AS left FROM t")
    watch.close()
    return Trial(
        str(scene),
        name,
        meter.cpu_s / rows * 1e6,
        float(after["wal"] - before["wal"]) / rows,
        counts["hot"] / max(1, counts["updated"]),
        after["heap"] / before["heap"],
        after["index"] / before["index"],
        end - begin,
        felt.p99_ms,
        felt.max_ms,
        alone.p99_ms,
        alone.max_ms,
        left["left"],
    )


def hold_snapshots(dsn: str, over: threading.Event) -> None:
    """Two sessions that take turns, so that a snapshot of 2 to 5 s is always open."""
    sessions = [connect(dsn, "reports", environment={}) for _ in range(2)]
    turn = 0
    for session in sessions:
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
        over.wait(1.75)
    while not over.wait(1.75):
        sessions[turn].run("COMMIT")
        sessions[turn].run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
        turn = 1 - turn
    for session in sessions:
        session.close()


def table(trials: Sequence[Trial]) -> str:
    one = next(t for t in trials if t.way == "one UPDATE")
    head = f"{'':<14}{'CPU/row':>9}{'ratio':>7}{'WAL/row':>9}{'ratio':>7}{'HOT':>6}{'heap':>7}{'index':>7}{'time s':>8}{'ratio':>7}"
    lines = [head + f"{'p99 ms':>9}{'max ms':>9}{'(alone':>9}{'max)':>8}{'left':>6}"]
    for t in trials:
        lines.append(
            f"{t.way:<14}{t.cpu_us:>7.1f}us{t.cpu_us / one.cpu_us:>7.2f}{t.wal:>8.0f}B{t.wal / one.wal:>7.2f}{t.hot:>6.0%}"
            f"{t.heap:>7.2f}{t.index:>7.2f}{t.duration_s:>8.1f}{t.duration_s / one.duration_s:>7.2f}"
            f"{t.p99:>9.1f}{t.max:>9.0f}{t.quiet_p99:>9.1f}{t.quiet_max:>8.0f}{t.left:>6}"
        )
    return "\n".join(lines)


def conditions(scene: Scene, trials: Sequence[Trial], rows: int, snapshots: bool) -> list[tuple[str, float, float]]:
    """(what, figure, limit): the figure must not be above the limit."""
    of = {t.way: t for t in trials}
    one, ours = of["one UPDATE"], of.get("pgsluice")
    if ours is None:
        return []
    if snapshots:
        return [("HOT updates missed with snapshots of 2 to 5 s", 1 - ours.hot, 0.4)]
    found = [("rows left", float(ours.left), 0.0)]
    found += [("WAL to one UPDATE", ours.wal / one.wal, 0.72 if scene.fillfactor == 100 else 0.65)]
    found.append(("indexes", ours.index, 1.65 if scene.fillfactor == 100 else 1.2))
    found.append(("longest wait at full speed, ms", ours.max, max(50.0, 1.5 * ours.quiet_max)))
    if scene == Scene(4, 100):
        found += [("CPU to one UPDATE", ours.cpu_us / one.cpu_us, 0.75), ("heap", ours.heap, 1.30)]
        found += [("duration to one UPDATE", ours.duration_s / one.duration_s, 0.8)]
        if two := of.get("pgsluice x2"):
            found.append(("duration with two workers", two.duration_s / one.duration_s, 0.55))
        if gentle := of.get("gentle"):
            found.append(("p99 at a gentle pace, to that alone", gentle.p99 / gentle.quiet_p99, 1.2))
            found.append(("seconds for 10,000 rows at a gentle pace", gentle.duration_s / rows * 10_000, 1.0))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--indexes", default="2,4")
    parser.add_argument("--fillfactor", default="100,90")
    parser.add_argument("--rate", type=float, default=200.0, help="requests of the application a second")
    parser.add_argument("--ways", default=",".join(WAYS), help="some of them; 'one UPDATE' is always there")
    parser.add_argument("--snapshots", action="store_true", help="snapshots of 2 to 5 s are always open")
    parser.add_argument("--json", help="write every trial here")
    options = parser.parse_args()
    ways = [w for w in WAYS if w == "one UPDATE" or w in options.ways.split(",")]
    trials: list[Trial] = []
    met: list[bool] = []
    with ThrowawayServer(settings=SETTINGS) as server:
        for scene in [Scene(int(i), int(f)) for i in options.indexes.split(",") for f in options.fillfactor.split(",")]:
            here: list[Trial] = []
            for way in ways:
                here.append(trial(server.dsn(), scene, way, options.rows, options.rate, options.snapshots))
                print(f"{scene}, {way}: {here[-1].duration_s:.1f} s", file=sys.stderr, flush=True)
            print(f"\n{scene}, {options.rows:,} rows\n{table(here)}")
            for what, figure, limit in conditions(scene, here, options.rows, options.snapshots):
                met.append(figure <= limit)
                print(f"{'met   ' if met[-1] else 'NOT MET'} {what}: {figure:.2f} (at most {limit:.2f})")
            trials += here
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(t) for t in trials]), encoding="utf-8")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
