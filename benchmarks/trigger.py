"""What the trigger of a twin costs: server CPU for each single-row statement, beside other tools' shapes of triggers.

    python benchmarks/trigger.py [--quick] [--runs N] [--seed N] [--json FILE]

A throw-away PostgreSQL 18; one pgbench client with prepared statements, one statement a transaction. Each run measures every shape with
every statement, in an order drawn anew, on freshly filled tables; printed are medians of backend CPU (user and system) a statement, as
ratios to a table without a trigger. The exit code is 1 where the trigger that stays until contract costs more than its limits.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pgsluice import api
from pgsluice.execution.db.connect import connect
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.server import MEASURING_SETTINGS, Installation, ThrowawayServer

ROWS = 10_000
TABLE = """
DROP SCHEMA IF EXISTS pgsluice CASCADE;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
CREATE TABLE t (id bigint PRIMARY KEY, a integer, n integer NOT NULL DEFAULT 0, note text) WITH (fillfactor = 70);
INSERT INTO t SELECT i, i, i, repeat('x', 60) FROM generate_series(1, {rows}) i;
"""
CHANGE = "ALTER TABLE t ALTER COLUMN a TYPE bigint;"

STATEMENTS = {
    "update of the pair": f"\\set id random(1, {ROWS})\n\\set v random(1, 1000000)\nUPDATE t SET a = :v WHERE id = :id;\n",
    "update of others": f"\\set id random(1, {ROWS})\nUPDATE t SET n = n + 1 WHERE id = :id;\n",
    "insert": "\\set v random(1, 1000000)\nINSERT INTO t (id, a, note) VALUES (nextval('ids'), :v, 'new');\n",
}
LIMITS = {"update of the pair": 1.3, "update of others": 1.08, "insert": 1.45}

PGROLL = """
ALTER TABLE t ADD COLUMN b bigint;
UPDATE t SET b = a;
CREATE SCHEMA IF NOT EXISTS next_version;
CREATE OR REPLACE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE id t.id%TYPE := NEW.id; a t.a%TYPE := NEW.a; n t.n%TYPE := NEW.n; note t.note%TYPE := NEW.note; b t.b%TYPE := NEW.b;
    latest text := 'next_version'; path text;
BEGIN
    SELECT current_setting('search_path') INTO path;
    IF path <> latest THEN
        NEW.b := a;
        NEW.note := note;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION down() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE id t.id%TYPE := NEW.id; a t.a%TYPE := NEW.a; n t.n%TYPE := NEW.n; note t.note%TYPE := NEW.note; b t.b%TYPE := NEW.b;
    latest text := 'next_version'; path text;
BEGIN
    SELECT current_setting('search_path') INTO path;
    IF path = latest THEN
        NEW.a := b;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER up BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION up();
CREATE TRIGGER down BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION down();
"""
"""The shape of pgroll's triggers: both at each write, all columns copied to variables, the direction taken from search_path."""

RESHAPE = """
ALTER TABLE t ADD COLUMN b bigint;
UPDATE t SET b = a;
CREATE OR REPLACE FUNCTION is_new_schema() RETURNS boolean LANGUAGE sql AS $$
    SELECT current_setting('search_path') = 'migration_next' OR coalesce(current_setting('reshape.is_new', true), '') = 'YES' $$;
CREATE OR REPLACE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE t t%ROWTYPE := NEW;
BEGIN
    IF NOT is_new_schema() THEN
        NEW.b := t.a;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION down() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE t t%ROWTYPE := NEW;
BEGIN
    IF is_new_schema() THEN
        NEW.a := t.b;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER up BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION up();
CREATE TRIGGER down BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION down();
"""
"""The shape of reshape's: the same, with a function asked for the direction."""

OURS, FILLING = "twin, until contract", "twin, until verified"
SHAPES = ("no trigger", OURS, FILLING, "pgroll's shape", "reshape's shape")


@dataclass(frozen=True, slots=True)
class Trial:
    statement: str
    shape: str
    microseconds: float


def main() -> int:
    arguments = _arguments()
    chance = random.Random(arguments.seed)
    trials: list[Trial] = []
    with ThrowawayServer(settings=MEASURING_SETTINGS) as server:
        for _ in range(arguments.runs):
            for shape in chance.sample(SHAPES, len(SHAPES)):
                _make(server.dsn(), shape)
                for statement in chance.sample(list(STATEMENTS), len(STATEMENTS)):
                    trials.append(Trial(statement, shape, _measure(server, statement, arguments.transactions)))
    return _report(trials, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one run of few statements: does it work at all")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    arguments.transactions = 5_000 if arguments.quick else 40_000
    arguments.runs = 1 if arguments.quick else arguments.runs
    return arguments


def _make(dsn: str, shape: str) -> None:
    session = connect(dsn, "benchmark", environment={})
    session.run(TABLE.format(rows=ROWS) + f"CREATE SEQUENCE ids START {ROWS + 1} CACHE 1000")
    if shape in (OURS, FILLING):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "1.sql").write_text(CHANGE)
            through = "migrate" if shape == OURS else "expand"
            api.run([folder], Settings(database=dsn, from_start=True, treat_as_large=True, through=through))
    elif shape != "no trigger":
        session.run(PGROLL if shape.startswith("pgroll") else RESHAPE)
    session.run("VACUUM ANALYZE t")
    session.close()


def _measure(server: ThrowawayServer, statement: str, transactions: int) -> float:
    """Microseconds of CPU that the backend used for one statement."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(STATEMENTS[statement])
        script.flush()
        command = [
            str(Installation.embedded().program("pgbench")),
            "-n",
            "-M",
            "prepared",
            "-c",
            "1",
            "-t",
            str(transactions),
            "-f",
            script.name,
        ]
        process = subprocess.Popen([*command, server.dsn() + " application_name=bench"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        used = _Watch(server.dsn())
        used.start()
        _, said = process.communicate()
        used.stop()
    if process.returncode:
        raise RuntimeError(said.decode())
    return used.nanoseconds / transactions / 1000


class _Watch(threading.Thread):
    """The CPU time of the backend of pgbench, from its first look to its last."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self._dsn, self._stop_it, self.nanoseconds = dsn, threading.Event(), 0

    def stop(self) -> None:
        self._stop_it.set()
        self.join()

    def run(self) -> None:
        session = connect(self._dsn, "benchmark", environment={})
        pid = None
        while pid is None and not self._stop_it.is_set():
            rows = session.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'bench'")
            pid = rows[0]["pid"] if rows else None
        session.close()
        path = Path(f"/proc/{pid}/schedstat")
        while not self._stop_it.is_set():
            try:
                self.nanoseconds = int(path.read_text().split()[0])
            except (OSError, IndexError):
                return
            time.sleep(0.005)


def _report(trials: list[Trial], arguments: argparse.Namespace) -> int:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for trial in trials:
        found[trial.statement, trial.shape].append(trial.microseconds)
    medians = {key: statistics.median(values) for key, values in found.items()}
    print(f"backend CPU a statement, medians of {arguments.runs} runs (seed {arguments.seed})")
    broken = []
    for statement, limit in LIMITS.items():
        base = medians[statement, "no trigger"]
        print(f"\n{statement}: {base:.1f} us without a trigger")
        for shape in SHAPES[1:]:
            ratio = medians[statement, shape] / base
            held = f"   limit {limit}: {'held' if ratio <= limit else 'BROKEN'}" if shape == OURS else ""
            print(f"  {shape:22} {medians[statement, shape]:6.1f} us   {ratio:5.2f}x{held}")
            broken += [statement] if shape == OURS and ratio > limit else []
    if arguments.json:
        arguments.json.write_text(json.dumps([{"statement": t.statement, "shape": t.shape, "us": t.microseconds} for t in trials]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
