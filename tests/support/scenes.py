"""Scenes for steps: a rig that runs one step by its handler, sessions that are in its way, and clients that measure."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.context import Limits, StepContext, StepResult
from pgsluice.execution.engine.one_step import handler_of
from pgsluice.model.events import Event
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, Source, Step, StepKind
from tests.support.sql import execute, value

T = "public.t"
AE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE


STUBBORN = """CREATE FUNCTION stay() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
    END LOOP;
END $$;
CREATE EVENT TRIGGER stubborn ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION stay()"""
"""An event trigger of the user's that catches each cancel."""


def a_step(sql: str, *locks: tuple[str, LockMode], kind: StepKind = StepKind.STRIKE, **facts) -> Step:
    """A step on public.t under ACCESS EXCLUSIVE, unless `locks` say otherwise."""
    declared = tuple(Lock(*lock) for lock in locks or ((T, AE),))
    return Step("1", kind, sql, declared, "a test needs it", Source("0001.sql", 1), **facts)


@dataclass
class Rig:
    """Runs steps on one database and keeps what they report. The journal's row is a row in public.done."""

    dsn: str
    events: list[Event] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    def session(self, purpose: str, dsn: str | None = None) -> Session:
        self.sessions.append(connect(dsn or self.dsn, purpose, environment={}))
        return self.sessions[-1]

    def context(self, step: Step, *, patience_s: float = 20.0, budget_s: float = 0.1, cancel_idle_s: float | None = None, **facts):
        limits = Limits(budget_s, patience_s, cancel_idle_s)
        record = facts.pop("record_sql", lambda: f"INSERT INTO public.done VALUES ('{step.id}')")
        work, watch = self.session("work"), self.session("watch")
        return StepContext(work, watch, limits, self.events.append, "0001", step, record, **facts)

    def handle(self, step: Step, **facts) -> StepResult:
        context = self.context(step, **facts)
        try:
            return handler_of(step.kind)(context)
        finally:
            assert not context.work.in_transaction and not context.watch.in_transaction

    @property
    def recorded(self) -> bool:
        return bool(value(self.dsn, "SELECT count(*) FROM public.done"))

    def reported(self, kind: type[Event]) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def close(self) -> None:
        for session in self.sessions:
            session.close()


@dataclass
class Traffic:
    """What the clients measured: the longest time that one query took, in milliseconds, and how many there were."""

    longest_ms: float = 0.0
    queries: int = 0
    errors: list[str] = field(default_factory=list)


@contextmanager
def traffic(dsn: str, *queries: str, clients: int = 2) -> Iterator[Traffic]:
    """While the block runs, clients send each of the queries in turn, one after the other, each in its own transaction."""
    seen, stop, lock = Traffic(), threading.Event(), threading.Lock()

    def client() -> None:
        with psycopg.connect(dsn, autocommit=True, application_name="application") as connection:
            while not stop.is_set():
                for query in queries:
                    began = time.monotonic()
                    try:
                        connection.execute(query)
                    except psycopg.Error as error:
                        seen.errors.append(str(error))
                    with lock:
                        seen.longest_ms = max(seen.longest_ms, (time.monotonic() - began) * 1000)
                        seen.queries += 1
                stop.wait(0.002)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        print(f"longest application query {seen.longest_ms:.0f} ms of {seen.queries}")


@contextmanager
def holding(dsn: str, sql: str = "LOCK TABLE public.t IN ACCESS SHARE MODE", name: str = "holder") -> Iterator[psycopg.Connection]:
    """An open transaction in which `sql` has run, older than what a strike would outwait; rolled back after the block, where
    it still is open."""
    with psycopg.connect(dsn, autocommit=True, application_name=name) as connection:
        connection.execute("BEGIN")
        connection.execute(sql)
        connection.execute("SELECT pg_sleep(0.05)")
        yield connection
        if not connection.closed:
            connection.execute("ROLLBACK")


@contextmanager
def readers(dsn: str, number: int, seconds: float, gap: float = 0.0) -> Iterator[None]:
    """So many clients that read public.t in transactions of so many seconds, shifted against each other, one after the other."""
    stop = threading.Event()

    def read(shift: float) -> None:
        with psycopg.connect(dsn, autocommit=True, application_name="slow reader") as connection:
            stop.wait(shift)
            while not stop.is_set():
                connection.execute("BEGIN; SELECT count(*) FROM public.t")
                stop.wait(seconds)
                connection.execute("COMMIT")
                stop.wait(gap)

    threads = [threading.Thread(target=read, args=(seconds * n / number,), daemon=True) for n in range(number)]
    for thread in threads:
        thread.start()
    until(lambda: value(dsn, "SELECT count(*) FROM pg_locks WHERE relation = 'public.t'::regclass AND granted") >= number)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def until(condition, limit_s: float = 20.0) -> None:
    """Returns when the condition holds; fails after the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "the scene did not come about"
        time.sleep(0.01)


def in_background(work) -> tuple[threading.Thread, list]:
    """Runs `work` in a thread; the list holds what it returned or raised."""
    ended: list = []

    def run() -> None:
        try:
            ended.append(work())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def columns(dsn: str, table: str = T) -> list[str]:
    """The names of a table's columns."""
    query = "SELECT coalesce(string_agg(attname, ',' ORDER BY attnum), '') FROM pg_attribute WHERE attrelid = %s::regclass"
    return str(value(dsn, query + " AND attnum > 0 AND NOT attisdropped", [table])).split(",")


def make_shop(dsn: str) -> None:
    """public.t with 1,000 rows, and public.done for the journal's row."""
    execute(dsn, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g")
    execute(dsn, "CREATE TABLE done (step text)")
