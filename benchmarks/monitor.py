"""What one look costs the server, beside the queries of pg_activity and PgHero, and who of them shows the ALTER at the head of the queue.

    python benchmarks/monitor.py [--runs N] [--looks N] [--pg-activity CHECKOUT] [--pghero CHECKOUT]

A throw-away PostgreSQL 18 with 200 idle and 50 active sessions; one is idle in transaction on a table, an ALTER TABLE waits for it, and
0, 50 or 400 readers wait behind that. Each way looks from a session of its own, in an order drawn anew for each run; what it costs
is the CPU time of its server process (/proc/PID/schedstat), a look. The rivals' queries are read from checkouts of their sources;
without a checkout a rival is left out, and that is said.
"""

import argparse
import random
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgsluice.execution.db.connect import connect
from pgsluice.execution.monitor.overview import Observer
from pgsluice.model.lock_forest import lock_forest
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer

WAITERS = (0, 50, 400)
IDLE, ACTIVE = 200, 50
LIMIT_MS = {0: 5.0, 50: 5.0}
"""What a look may cost with 50 sessions blocked at the most; beyond that the way is capped, not the cost."""

SETUP = "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 1000) i"
Blockers = set[int]


@dataclass
class Queue:
    """The pids of the scene: who is idle in transaction, the ALTER that waits for it, and the readers behind."""

    reader: int
    alter: int
    behind: set[int]


class Ours:
    """One look of `pgsluice watch`."""

    def __init__(self, dsn: str) -> None:
        self._session = connect(dsn, "watch", environment={}, read_only=True)
        self._observer = Observer(self._session)
        self.pid = self._session.pid

    def look(self, queue: Queue) -> bool:
        trees = lock_forest(self._observer.look().queues)
        return [(t.backend.pid, [c.backend.pid for c in t.children], t.children[0].behind) for t in trees] == [
            (queue.reader, [queue.alter], len(queue.behind))
        ]

    def close(self) -> None:
        self._session.close()


class Rival:
    """The queries of another program, as it sends them; `blockers` reads from the last one's rows whom it shows the readers to wait for."""

    def __init__(
        self, dsn: str, queries: list[tuple[str, dict[str, Any]]], blockers: Callable[[list[dict[str, Any]], Queue], Blockers]
    ) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self._queries, self._blockers = queries, blockers
        self.pid = self._connection.info.backend_pid

    def look(self, queue: Queue) -> bool:
        """Whether the readers are shown to wait for the ALTER, and not for each other."""
        for text, parameters in self._queries:
            rows = self._connection.execute(text, parameters or None).fetchall()
        shown = self._blockers(rows, queue)
        return queue.alter in shown and not shown & queue.behind

    def close(self) -> None:
        self._connection.close()


def pg_activity(dsn: str, checkout: Path) -> Rival:
    """What its main loop asks for each refresh: server, activity, waiting, blocking."""
    folder, filters = checkout / "pgactivity" / "queries", {"min_duration": 0, "dbname_filter": None}
    names = ("get_pg_activity_post_140000", "get_waiting_post_140000", "get_blocking_post_140000")
    parts = {"duration_column": "query_start", "min_duration": "%(min_duration)s", "dbname_filter": "%(dbname_filter)s::text"}
    queries = [((folder / f"{name}.sql").read_text().format(**parts), dict(filters)) for name in names]
    return Rival(dsn, queries, lambda rows, queue: {row["pid"] for row in rows})


def pghero(dsn: str, checkout: Path) -> Rival:
    """What its page of live queries asks: running and blocked queries."""
    source = (checkout / "lib" / "pghero" / "methods" / "queries.rb").read_text()
    queries: list[tuple[str, dict[str, Any]]] = [
        (re.sub(r"#\{.*?\}\n", "\n", text), {}) for text in re.findall(r"<<~SQL\n(.*?)\n\s+SQL\n", source, re.DOTALL)
    ]
    return Rival(
        dsn,
        queries,
        lambda rows, queue: {row["blocking_pid"] for row in rows if row["blocked_pid"] in queue.behind and row["blocking_pid"]},
    )


@contextmanager
def sessions(dsn: str, number: int, query: str = "") -> Iterator[set[int]]:
    """So many sessions, each with this query under way; their pids."""
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(psycopg.connect(dsn, autocommit=True))) for _ in range(number)]
        for one in opened if query else ():
            one.pgconn.send_query(query.encode())
        yield {one.info.backend_pid for one in opened}
        for one in opened if query else ():
            one.cancel()


@contextmanager
def scene(dsn: str, waiters: int) -> Iterator[Queue]:
    with psycopg.connect(dsn) as reader:
        reader.execute("SELECT count(*) FROM orders")
        with sessions(dsn, 1, "ALTER TABLE orders ADD COLUMN late int") as alter:
            _until_waiting(reader, 1)
            with sessions(dsn, waiters, "SELECT * FROM orders WHERE id = 1") as behind:
                _until_waiting(reader, 1 + waiters)
                yield Queue(reader.info.backend_pid, alter.pop(), behind)


def _until_waiting(connection: psycopg.Connection, number: int) -> None:
    while connection.execute("SELECT count(*) < %s FROM pg_locks WHERE NOT granted", [number]).fetchone() == (True,):
        connection.execute("SELECT pg_sleep(0.05)")


def cpu_ms(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def cost(way: Ours | Rival, queue: Queue, looks: int) -> tuple[float, bool]:
    """Server CPU in ms of one look, the first few left out because plans are made in them; whether each showed the ALTER at the head."""
    for _ in range(8):
        way.look(queue)
    before = cpu_ms(way.pid)
    shown = [way.look(queue) for _ in range(looks)]
    return (cpu_ms(way.pid) - before) / looks, all(shown)


def ways(dsn: str, chosen: argparse.Namespace) -> dict[str, Ours | Rival]:
    found: dict[str, Ours | Rival] = {"pgsluice": Ours(dsn)}
    for name, make, checkout in (("pg_activity", pg_activity, chosen.pg_activity), ("PgHero", pghero, chosen.pghero)):
        if checkout:
            found[name] = make(dsn, checkout)
        else:
            print(f"{name} is left out: give a checkout of its source")
    return found


def measured(dsn: str, chosen: argparse.Namespace) -> dict[tuple[int, str], list[tuple[float, bool]]]:
    found: dict[tuple[int, str], list[tuple[float, bool]]] = {}
    tried = ways(dsn, chosen)
    with sessions(dsn, IDLE), sessions(dsn, ACTIVE, "SELECT pg_sleep(3600)"):
        for run in range(chosen.runs):
            for waiters in WAITERS:
                with scene(dsn, waiters) as queue:
                    for name in random.Random(run).sample(list(tried), len(tried)):
                        found.setdefault((waiters, name), []).append(cost(tried[name], queue, chosen.looks))
    for way in tried.values():
        way.close()
    return found


def printed(found: dict[tuple[int, str], list[tuple[float, bool]]]) -> bool:
    """Prints a line for each way and number of waiters; whether the limits are kept."""
    medians = {key: statistics.median(ms for ms, _ in tries) for key, tries in found.items()}
    kept = True
    for (waiters, name), ms in medians.items():
        shown = "the ALTER at the head" if all(s for _, s in found[waiters, name]) else "not the ALTER at the head" if waiters else ""
        print(f"{waiters:>4} behind it  {name:<12}{ms:>9.2f} ms a look {ms / medians[waiters, 'pgsluice']:>8.1f}x  {shown}")
        if name == "pgsluice" and waiters in LIMIT_MS:
            kept = kept and ms <= LIMIT_MS[waiters]
    print(f"{'met' if kept else 'NOT MET'}: a look costs at most 5 ms of server time with 200 idle, 50 active and 50 blocked sessions")
    return kept and all(s for (_, name), tries in found.items() if name == "pgsluice" for _, s in tries)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--looks", type=int, default=20)
    parser.add_argument("--pg-activity", type=Path, metavar="CHECKOUT")
    parser.add_argument("--pghero", type=Path, metavar="CHECKOUT")
    chosen = parser.parse_args()
    with ThrowawayServer(settings={**MEASURING_SETTINGS, "max_connections": "800"}) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(SETUP)
        return 0 if printed(measured(server.dsn(), chosen)) else 1


if __name__ == "__main__":
    sys.exit(main())
