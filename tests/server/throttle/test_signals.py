"""Each signal alone holds a backfill on a real server, says why, and lets it go on by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from pg_matrix import installation
from pgsluice.execution.backfill.fill import Worker, run_fill
from pgsluice.execution.backfill.overseer import Overseer
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.reins import SLOWEST, Reins
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.connect import connect
from pgsluice.execution.journal.backfills import open_backfill
from pgsluice.execution.journal.installation import install
from pgsluice.execution.throttle.active_sessions import ActiveSessions
from pgsluice.execution.throttle.archive import Archive
from pgsluice.execution.throttle.commit_latency import CommitLatency
from pgsluice.execution.throttle.query import Query
from pgsluice.execution.throttle.replica_bytes import ReplicaBytes
from pgsluice.execution.throttle.replica_lag import ReplicaLag
from pgsluice.execution.throttle.signal import Signal
from pgsluice.execution.throttle.slots import Slots
from pgsluice.execution.throttle.throttle import Throttle
from pgsluice.execution.throttle.waiting_on_us import WaitingOnUs
from pgsluice.execution.throttle.wal_rate import WalRate
from pgsluice.execution.throttle.window import Window
from pgsluice.execution.throttle.wraparound import Wraparound
from pgsluice.model.backfills import PaceName
from pgsluice.model.events import Event, Notice
from pgsluice.model.steps import Fill
from pgsluice.rehearsal.server import StandbyServer, ThrowawayServer
from tests.support.scenes import until
from tests.support.sql import execute, value

pytestmark = pytest.mark.newest("the majors differ little here, and each takes half a minute")

FILL = Fill("public.t", (("b", "a"),), "b IS NULL")
ROWS = 2000


@dataclass
class Held:
    """A backfill that runs in a thread of its own under one signal."""

    dsn: str
    events: list[Event] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def filled(self) -> int:
        found: int = value(self.dsn, "SELECT count(b) FROM t")
        return found

    @property
    def said(self) -> str:
        return "\n".join(e.message for e in self.events if isinstance(e, Notice))

    def run(self, signal: Signal, started: threading.Event) -> None:
        def work() -> None:
            reins, tally = Reins(FillLimits()), Tally()
            with (
                closing(connect(self.dsn, "control", environment={})) as control,
                closing(connect(self.dsn, "backfill", environment={})) as session,
                Throttle(lambda: connect(self.dsn, "throttle", environment={}), [signal], self._say) as throttle,
                Overseer(control, reins, tally, ("", "b"), PaceName.FULL, report=self.events.append, verdict=lambda: throttle.verdict),
            ):
                started.set()
                run_fill([Worker(session, lambda position, rows: "SELECT 1")], FILL, reins, report=self.events.append, tally=tally)

        try:
            work()
        except BaseException as error:
            self.failures.append(error)
            started.set()

    def _say(self, text: str) -> None:
        self.events.append(Notice("", "b", text))


@contextmanager
def backfill(dsn: str, signal: Signal) -> Iterator[Held]:
    """It has been running for a while when the block begins, and has ended well behind it."""
    held, started = Held(dsn), threading.Event()
    thread = threading.Thread(target=held.run, args=(signal, started), daemon=True)
    thread.start()
    started.wait(30)
    try:
        yield held
    finally:
        thread.join(60)
    assert not thread.is_alive() and not held.failures, held.failures
    assert held.filled == value(dsn, "SELECT count(*) FROM t"), "it went on by itself"


def holds(dsn: str, signal: Signal, why: str, release: Callable[[], object]) -> None:
    """The signal alone holds the backfill, which says why and goes on after `release`."""
    with backfill(dsn, signal) as held:
        try:
            until(lambda: why in held.said)
            filled = held.filled
            time.sleep(0.6)
            assert held.filled == filled < ROWS
        finally:
            release()
    assert "the backfill waits: " in held.said and "the backfill goes on" in held.said


def prepare(dsn: str) -> str:
    execute(dsn, "CREATE TABLE t (id int PRIMARY KEY, a int, b int)", f"INSERT INTO t SELECT g, g FROM generate_series(1, {ROWS}) g")
    with closing(connect(dsn, "control", environment={})) as control:
        install(control)
        open_backfill(control, "", "b")
    return dsn


@pytest.fixture
def dsn(database: str) -> str:
    return prepare(database)


def test_a_query_of_the_users(dsn: str):
    execute(dsn, "CREATE TABLE hold (it boolean); INSERT INTO hold VALUES (true)")
    holds(dsn, Query("SELECT it FROM hold;"), "your query says True", lambda: execute(dsn, "UPDATE hold SET it = false"))


def test_a_query_may_only_read(dsn: str):
    execute(dsn, "CREATE TABLE hold (it boolean)")
    with backfill(dsn, Query("INSERT INTO hold VALUES (true) RETURNING false")) as held:
        until(lambda: "not watched: your query" in held.said)


def test_a_time_of_the_day(dsn: str):
    zone = value(dsn, "SHOW TimeZone")
    now = datetime.now(UTC)
    execute(dsn, "ALTER ROLE CURRENT_USER SET TimeZone = 'UTC'")
    window = Window((now + timedelta(hours=2)).strftime("%H:%M"), (now + timedelta(hours=4)).strftime("%H:%M"))

    def open_it() -> None:
        window.begin = (now - timedelta(hours=2)).strftime("%H:%M")

    try:
        holds(dsn, window, "it is outside of", open_it)
    finally:
        execute(dsn, f"ALTER ROLE CURRENT_USER SET TimeZone = '{zone}'")


def test_a_vacuum_against_wraparound(server):
    with ThrowawayServer(installation(server.major), {"autovacuum_naptime": "1s"}) as process:
        dsn = prepare(process.dsn())
        slow = "autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100"
        execute(dsn, f"ALTER TABLE t SET (autovacuum_freeze_max_age = 100000, {slow})", "CREATE TABLE burnt (n int)")
        burn = "FOR i IN 1..101000 LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP"
        execute(dsn, f"DO $$ BEGIN {burn}; END $$")
        with closing(connect(dsn, "throttle", environment={})) as session:
            until(lambda: Wraparound(("public.t",)).read(session).share >= 1)
        holds(dsn, Wraparound(("public.t",)), "public.t is being vacuumed against wraparound", lambda: None)


def test_a_slot_that_keeps_too_much(dsn: str):
    execute(dsn, "SELECT pg_create_logical_replication_slot('forgotten', 'test_decoding')")
    execute(dsn, "INSERT INTO t SELECT g, g FROM generate_series(3000, 12000) g")
    drop = "SELECT pg_drop_replication_slot('forgotten')"
    holds(dsn, Slots(unlimited=500_000), "replication slot forgotten, which nobody reads, keeps", lambda: execute(dsn, drop))


def test_a_session_that_waits_for_us_costs_the_batch_its_time(dsn: str):
    with psycopg.connect(dsn) as ours, psycopg.connect(dsn, autocommit=True) as other:
        ours.execute("UPDATE t SET a = 0 WHERE id = 1")
        signal = WaitingOnUs(lambda: [ours.info.backend_pid])
        waiting = threading.Thread(target=lambda: other.execute("UPDATE t SET a = 1 WHERE id = 1"))
        waiting.start()
        with closing(connect(dsn, "throttle", environment={})) as session:
            until(lambda: signal.read(session).share >= 1)
            assert "1 sessions wait for us" in signal.read(session).says
            ours.rollback()
            waiting.join()
            assert signal.read(session).share == 0


@pytest.mark.parametrize("signal", ["wal", "active", "commit"])
def test_what_only_slows_it_down(dsn: str, signal: str):
    execute(dsn, f"INSERT INTO t SELECT g, g FROM generate_series({ROWS + 1}, 30000) g")
    over = threading.Event()

    def busy() -> None:
        with psycopg.connect(dsn, autocommit=True) as application:
            while not over.is_set():
                application.execute("SELECT pg_sleep(0.2); UPDATE pgsluice.version SET installed_by = installed_by")

    thread = threading.Thread(target=busy)
    thread.start()
    probe = "SELECT pg_sleep(0.05)"
    made: dict[str, tuple[Signal, str]] = {
        "wal": (WalRate(1.0), "of WAL a second"),
        "active": (ActiveSessions(1), "sessions are active"),
        "commit": (CommitLatency(probe, limit_s=0.010), "a commit takes"),
    }
    one, why = made[signal]
    try:
        with closing(connect(dsn, "throttle", environment={})) as session, Throttle(lambda: session, [one], lent=True) as throttle:
            until(lambda: throttle.verdict.ease <= SLOWEST)
            assert throttle.verdict.held is None and why in str(throttle.verdict.slowed)
    finally:
        over.set()
        thread.join()


def test_what_cannot_be_read_is_said_and_one_that_is_lost_stops_the_work(owner_dsn: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pgsluice.execution.throttle.throttle.LOST_S", 0.5)
    execute(owner_dsn, "CREATE TABLE hold (it boolean); INSERT INTO hold VALUES (false)")
    said: list[str] = []
    signals = [Query("SELECT it FROM hold"), Query("SELECT missing", name="another query")]
    with Throttle(lambda: connect(owner_dsn, "throttle", environment={}), signals, said.append) as throttle:
        assert len(said) == 1 and said[0].startswith("not watched: another query: it fails: ") and throttle.verdict.held is None
        execute(owner_dsn, "DROP TABLE hold")
        until(lambda: throttle.verdict.held is not None)
        assert "your query cannot be read any more" in str(throttle.verdict.held)
        execute(owner_dsn, "CREATE TABLE hold (it boolean); INSERT INTO hold VALUES (false)")
        until(lambda: throttle.verdict.held is None)


def test_a_lost_session_is_made_anew(dsn: str):
    with Throttle(lambda: connect(dsn, "throttle", environment={}), [Query("SELECT false")]) as throttle:
        execute(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice throttle'")
        until(lambda: value(dsn, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgsluice throttle'") == 1)
        assert throttle.verdict.held is None


@pytest.fixture
def archiving(server):
    """A server whose archive_command fails until a table of ours says otherwise."""
    settings = {"archive_mode": "on", "archive_command": "false", "wal_level": "replica"}
    with ThrowawayServer(installation(server.major), settings) as process:
        yield process


def test_an_archive_that_does_not_keep_up(archiving: ThrowawayServer):
    dsn = prepare(archiving.dsn())

    def repair() -> None:
        execute(dsn, "ALTER SYSTEM SET archive_command = 'true'", "SELECT pg_reload_conf()")

    with closing(connect(dsn, "throttle", environment={})) as session:
        signal = Archive(limit=2)
        assert signal.read(session).share == 0
        for _ in range(3):
            execute(dsn, "CREATE TABLE IF NOT EXISTS w (); DROP TABLE w", "SELECT pg_switch_wal()")
    holds(dsn, signal, "files of WAL wait to be archived (limit 2)", repair)


@pytest.mark.pg(">= 18")  # only this installation has pg_basebackup
@pytest.mark.parametrize("kind", ["late", "far", "gone"])
def test_a_standby(kind: str):
    with ThrowawayServer() as primary:
        dsn = prepare(primary.dsn())
        with StandbyServer(primary) as standby:
            until(lambda: value(dsn, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1)
            signal: Signal = ReplicaBytes(limit=200_000) if kind == "far" else ReplicaLag(limit_s=1.0)
            with closing(connect(dsn, "throttle", environment={})) as session:
                signal.read(session)
            release: Callable[[], object]
            if kind == "gone":
                standby.stop()
                release, why = standby.start, "standby standby has gone"
            else:
                execute(standby.dsn(), "SELECT pg_wal_replay_pause()")
                execute(dsn, "CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
                why = "replays what is" if kind == "late" else "of WAL behind"

                with closing(connect(dsn, "throttle", environment={})) as session:
                    until(lambda: signal.read(session).share >= 1)

                def release() -> None:
                    execute(standby.dsn(), "SELECT pg_wal_replay_resume()")

            holds(dsn, signal, why, release)
