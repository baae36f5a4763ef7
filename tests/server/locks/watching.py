"""What a server does with a statement that may not run inside a transaction block: watched from other sessions.

Such a statement takes its locks in several transactions, so nothing is left to look at when it is done. Therefore other
sessions hold a lock on each table, in one pass for each mode of `PASSES`. Whenever the statement waits for one of them,
the locks that it holds and the one that it asks for are read, and the holder gives way: for good where it was a lock on
the relation, to a new transaction of the same kind where the statement only waited for the transaction's end. Locks on an
index that is dead already are not counted: no query can come to wait for them, and only chance shows them.
What it reads and writes is taken from the cumulative statistics of a last run that nobody disturbs.
"""

import threading
import time

import psycopg
from psycopg import errors

from pgsluice.model.postgres.locks import LockMode, from_pg_locks
from tests.server.locks.observation import LOCKS, RELATIONS, SCHEMA, SESSION, Relation, Sight, prepare, relations, strongest
from tests.server.locks.specimen import Specimen

PASSES = ("ACCESS SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "ACCESS EXCLUSIVE")
ON_INDEX = {
    "ACCESS SHARE": "EXPLAIN SELECT 1 FROM ONLY {table}",
    "SHARE UPDATE EXCLUSIVE": "COMMENT ON INDEX {index} IS 'held'",
    "ACCESS EXCLUSIVE": "ALTER TABLE {index} RENAME TO held_{number}",
}
"""How to lock an index, which LOCK TABLE does not take; the planner locks all indexes of a table."""

MOST_WAITS = 1000
"""REINDEX of a partitioned table waits some ten times for each of its indexes; more than this is a loop of ours."""

CUMULATIVE = RELATIONS.replace("pg_stat_get_xact_blocks_fetched", "pg_stat_get_blocks_fetched")
LIVE_LOCKS = f"{LOCKS} AND relation NOT IN (SELECT indexrelid FROM pg_index WHERE NOT indislive)"
WAITS = "SELECT locktype, pg_blocking_pids(pid) FROM pg_locks WHERE pid = %s AND NOT granted"
MARK = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname = 'marker'"


def watch(dsn: str, specimen: Specimen) -> Sight:
    """Runs the specimen once for each pass and once alone; raises the server's error where it fails."""
    before, after = _alone(dsn, specimen)
    seen: set[tuple[str, LockMode]] = set()
    for mode in PASSES:
        seen |= _pass(dsn, specimen, mode)
    oids = {r.name: oid for oid, r in before.items()}
    return Sight(before, after, strongest({(oids[n], m) for n, m in seen if n in oids}), in_transaction=False)


class Statement:
    """The specimen's statement as it runs in a session and thread of its own."""

    def __init__(self, dsn: str, specimen: Specimen) -> None:
        self.session = _session(dsn, specimen)
        self.pid = self.session.info.backend_pid
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, args=(specimen.sql,))
        self.thread.start()

    def _run(self, sql: str) -> None:
        try:
            self.session.execute(sql)
        except Exception as error:
            self.error = error

    def finish(self) -> None:
        self.thread.join()
        self.session.close()
        if self.error:
            raise self.error


class Holder:
    """A transaction that holds one lock on one relation, and a snapshot."""

    def __init__(self, dsn: str, lock: str) -> None:
        self.lock = lock
        self.session = psycopg.connect(dsn, autocommit=True)
        self.pid = self.session.info.backend_pid
        self.session.execute(f"SET search_path = {SCHEMA}; SET lock_timeout = '50ms'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        try:
            self.session.execute(lock)
        except errors.LockNotAvailable:
            self.session.close()
            raise


def _session(dsn: str, specimen: Specimen) -> psycopg.Connection:
    session = psycopg.connect(dsn, autocommit=True)
    session.execute(SESSION)
    if specimen.session:
        session.execute(specimen.session)
    return session


def _pass(dsn: str, specimen: Specimen, mode: str) -> set[tuple[str, LockMode]]:
    with psycopg.connect(dsn, autocommit=True) as eye:
        prepare(eye, specimen)
        names = {r[0]: r[1] for r in eye.execute(RELATIONS, (SCHEMA,))}
        holders = [Holder(dsn, lock) for lock in _locks(relations(eye), mode)]
        statement = Statement(dsn, specimen)
        held: set[tuple[str, LockMode]] = set()
        try:
            for _ in range(MOST_WAITS):
                waits = _next_wait(eye, statement)
                if not waits:
                    break
                held |= {(names[o], from_pg_locks(m)) for o, m in eye.execute(LIVE_LOCKS, (statement.pid,)) if o in names}
                holders = _give_way(dsn, holders, waits)
            else:
                raise RuntimeError(f"{specimen.place}: still waiting after {MOST_WAITS} waits")
        finally:
            for holder in holders:
                holder.session.close()
            statement.finish()
    return held


def _locks(standing: dict[int, Relation], mode: str) -> list[str]:
    """The statements that lock every table, and every index as far as the mode allows."""
    found = [f"LOCK TABLE ONLY {r.name} IN {mode} MODE" for r in standing.values() if r.kind in "rp"]
    for number, index in enumerate(r for r in standing.values() if r.kind in "iI"):
        owner = standing[index.owner]
        if mode in ON_INDEX and owner.kind in "rp":
            found.append(ON_INDEX[mode].format(table=owner.name, index=index.name, number=number))
    return list(dict.fromkeys(found))


def _next_wait(eye: psycopg.Connection, statement: Statement) -> list[tuple[str, list[int]]]:
    """What the statement waits for, as (lock type, pids that are in the way); empty when it is done."""
    while statement.thread.is_alive():
        waits = eye.execute(WAITS, (statement.pid,)).fetchall()
        if waits and waits[0][1]:
            return waits
        time.sleep(0.002)
    return []


def _give_way(dsn: str, holders: list[Holder], waits: list[tuple[str, list[int]]]) -> list[Holder]:
    (kind, pids), staying = waits[0], []
    for holder in holders:
        if holder.pid not in pids:
            staying.append(holder)
            continue
        if kind != "relation":
            try:
                staying.append(Holder(dsn, holder.lock))
            except errors.LockNotAvailable:
                pass  # the statement holds a lock against it, which was read above
        holder.session.close()
    return staying


def _alone(dsn: str, specimen: Specimen) -> tuple[dict[int, Relation], dict[int, Relation]]:
    """The relations before and after an undisturbed run, with the blocks that were fetched of them."""
    with psycopg.connect(dsn, autocommit=True) as session:
        prepare(session, specimen)
        preparer = session.info.backend_pid
    before = _flushed(dsn, preparer)
    statement = Statement(dsn, specimen)
    statement.finish()
    return before, _flushed(dsn, statement.pid)


def _flushed(dsn: str, gone: int) -> dict[int, Relation]:
    """The relations with cumulative counts that the closed session `gone` has part in: it is away, and a mark that a later
    session made has arrived (14 collects the counts of all sessions in one queue)."""
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS public.marker ()")
        while session.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (gone,)).fetchone():
            time.sleep(0.002)
        seen = _mark(session)
    while True:
        with psycopg.connect(dsn, autocommit=True) as session:
            session.execute("SELECT FROM public.marker")
        with psycopg.connect(dsn, autocommit=True) as session:
            if _mark(session) > seen:
                return {r[0]: Relation(*r) for r in session.execute(CUMULATIVE, (SCHEMA,))}


def _mark(session: psycopg.Connection) -> int:
    row = session.execute(MARK).fetchone()
    return int(row[0]) if row else 0
