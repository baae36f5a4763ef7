"""pgsluice beside an application: clients that read and write the tables of a migration, and what the longest of them waited.

Up to the gate it is the old release, whose requests are made from the tables as they are before the migration; in the contract
it is the new one, whose requests are made from what plain SQL ends with, as far as they can be sent before the contract (an object
that takes a dropped one's name is only made there). One report after the other reads beside them."""

import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psycopg

from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.migrations import read_migrations
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.db.session import Session
from pgsluice.model.measurement import Measurement
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.load.definition import Load, SlowReader
from pgsluice.rehearsal.load.derived import derive
from pgsluice.rehearsal.load.process import APPLICATION_NAME, LoadProcess
from tests.histories.clones import Clones, command
from tests.support.command import environment

CLIENTS = 8
RATE = 200.0
"""Requests a second of all clients: the server has time left, so that it is not for itself that they wait."""

QUIET_S = 1.0
"""So long nothing but the application runs first: what the machine itself makes requests wait."""

BUDGET_MS = 100
NOISE_MS = 50

BEHIND_US = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND a.application_name = %s
  AND pg_blocking_pids(l.pid) && ARRAY(
    SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgsluice %%' AND application_name <> %s)
"""
LOOK_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Felt:
    """`behind_ms` is the longest that a session of the application was seen to wait for a lock behind one of ours; the waits of
    `quiet` and `requests` count whatever made them wait. `allowed`: the plan said that somebody would."""

    file: str
    release: str
    allowed: bool
    quiet: Measurement
    requests: Measurement
    behind_ms: float

    @property
    def over(self) -> bool:
        return self.behind_ms > BUDGET_MS + NOISE_MS

    def line(self) -> str:
        errors = "".join(f", {n} x {state}" for state, n in self.requests.errors.items())
        said = ", allowed" if self.allowed else ""
        return (
            f"    {self.file} ({self.release} release{said}): {self.behind_ms:.0f} ms behind us, longest request "
            f"{self.requests.max_ms:.0f} ms of {self.requests.requests}, quiet {self.quiet.max_ms:.0f} ms{errors}"
        )


@dataclass
class Application:
    """A runner for `verdicts`. `felt` has two entries for each run on tables that can be asked something."""

    seed: int
    felt: list[Felt] = field(default_factory=list)

    def __call__(self, folder: Path, clones: Clones, options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        line = [*command(folder, clones.ours, options), "--stall-budget", f"{BUDGET_MS}ms"]
        ran = self._beside(folder, "old", clones.before, clones, [*line, "--through", "migrate"])
        return ran if ran.returncode else self._beside(folder, "new", clones.one, clones, line)

    def _beside(self, folder: Path, release: str, known: str, clones: Clones, line: list[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command while a release that knows the schema of the database `known` uses ours."""
        load = _load(known, clones.ours, folder, self.seed)
        if load is None:
            return _run(line)
        with LoadProcess(clones.ours, load) as process:
            quiet_s = time.monotonic()
            time.sleep(QUIET_S)
            begin_s = time.monotonic()
            with Watch(clones.ours) as watch:
                ran = _run(line)
            end_s = time.monotonic()
            recording = process.stop()
        file = next(folder.iterdir()).name
        quiet, requests = measure(recording, quiet_s, begin_s), measure(recording, begin_s, end_s)
        self.felt.append(Felt(file, release, "--allow" in line, quiet, requests, watch.longest_s * 1000))
        return ran

    def told(self) -> Iterator[str]:
        """What the application has felt since the last call: a summary, and whoever waited too long or failed."""
        found, self.felt = self.felt, []
        kept, allowed = [f for f in found if not f.allowed], [f for f in found if f.allowed]
        files = len({f.file for f in found})
        yield (
            f"    application: {sum(f.requests.requests for f in found)} requests in {files} migrations; longest wait "
            f"behind us {_longest(f.behind_ms for f in kept)} ({_longest(f.behind_ms for f in allowed)} where allowed), longest request "
            f"{_longest(f.requests.max_ms for f in kept)} (quiet {_longest(f.quiet.max_ms for f in kept)}), "
            f"failed {sum(f.requests.failed for f in kept)} ({sum(f.requests.failed for f in allowed)} where allowed)"
        )
        yield from (f.line() for f in found if f.over or f.requests.failed)


class Watch:
    """While it is entered it looks for how long the application waits behind us."""

    def __init__(self, dsn: str) -> None:
        self.longest_s = 0.0
        self._over = Event()
        self._thread = Thread(target=self._look, args=(dsn,))

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self, dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not self._over.wait(LOOK_EVERY_S):
                row = connection.execute(BEHIND_US, [APPLICATION_NAME, APPLICATION_NAME]).fetchone()
                self.longest_s = max(self.longest_s, row[0] if row else 0.0)


def _load(known: str, ours: str, folder: Path, seed: int) -> Load | None:
    """What a release that knows the schema of the database `known` asks of ours; None where its tables are empty."""
    with closing(connect(known, "load", environment={})) as session:
        catalog = read_catalog(session)
        statements = (s for m in read_migrations([folder], None) for s in m.statements if s.problem is None)
        touched = frozenset(catalog.resolve(*name) for s in statements for name in mentioned_relations(s))
        found = derive(session, catalog, touched & catalog.tables.keys(), seed)
    with closing(connect(ours, "load", environment={})) as session:
        kinds = tuple(k for k in found.kinds if all(_can_be_sent(session, s.sql) for s in k.statements))
        reports = [r.sql for r in found.slow_readers if _can_be_sent(session, r.sql)]
    readers = tuple(SlowReader(sql, hold_s=(0.2, 0.6), pause_s=(0.2, 0.6)) for sql in reports)
    return Load(kinds, RATE, CLIENTS, readers, seed) if kinds else None


def _can_be_sent(session: Session, sql: str) -> bool:
    try:
        session.run(f"PREPARE tried AS {sql}")
    except DatabaseError:
        return False
    session.run("DEALLOCATE tried")
    return True


def _run(line: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True, env=environment(), timeout=900, check=False)


def _longest(waits_ms: Iterable[float]) -> str:
    return f"{max(waits_ms, default=0):.0f} ms"
