"""Random tables, application writes and harm: after the end each row is converted as it must be, and nothing else has changed.

The application writes everything into a second table as well, in the same transaction: that is what the first must hold, but
for the column that is filled.
"""

import itertools
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from pg_matrix import installation
from pgsluice.model.postgres.versions import MAJORS
from pgsluice.rehearsal.server import ThrowawayServer
from tests.crash.proxy import Harm, Interference, Point, Proxy
from tests.support.command import COMMAND, environment, pgsluice
from tests.support.sql import execute, rows, value

ROWS = 6000
KEYS = {
    "bigint": "g::bigint",
    "uuid": "md5(g::text)::uuid",
    'text COLLATE "C"': "'é' || g || repeat('k', g % 9)",
    "numeric": "g / 7.0",
}
BY_PAGES = ("d = a * 2.50 + length(c)", "d IS DISTINCT FROM a * 2.50 + length(c)")
BY_KEY = ("d = coalesce(d, 0) + 1", "NOT coalesce(d = 1, NOT born)")
"""Rows that come meanwhile may be met or not, and never twice."""
NUMBERS = itertools.count(1)
"""Of new rows: no two are given the same key."""

HARMS = ("kill", "terminate", "restart", "cut")
"""`cut`: the connection of a batch that the server has committed, before its answer comes."""


@dataclass
class Application:
    """One session that writes at random into `t` and `twin` until it is stopped; `errors` are what the server said."""

    dsn: str
    dice: random.Random
    keys_may_change: bool
    errors: list[str] = field(default_factory=list)
    done: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def writing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._write)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _write(self) -> None:
        try:
            with psycopg.connect(self.dsn) as connection:
                while not self._over.is_set():
                    for change in [self._change() for _ in range(self.dice.randint(1, 3))]:
                        for table in ("t", "twin"):
                            connection.execute(change.replace("TABLE", table))
                    connection.commit()
                    self.done += 1
                    time.sleep(0.002)
        except psycopg.Error as error:
            self.errors.append(f"{error.sqlstate} {error}")

    def _change(self) -> str:
        """Rows that were there at the beginning are deleted only where a key does not have to hold them."""
        number, text = self.dice.randint(1, ROWS), "x" * self.dice.randint(0, 60)
        old = [f"UPDATE TABLE SET c = '{text}' WHERE s = {number}", f"UPDATE TABLE SET a = a + 1 WHERE s BETWEEN {number} AND {number + 3}"]
        if self.keys_may_change:
            old += [f"DELETE FROM TABLE WHERE s = {number}", f"UPDATE TABLE SET s = s + {10 * ROWS} WHERE s = {number}"]
        new = ROWS + next(NUMBERS)
        more = [f"INSERT INTO TABLE (k, s, a, c) SELECT {{key}}, {new}, {new}, '{text}' FROM (SELECT {new + 10**6} AS g) x"]
        return self.dice.choice(old * 3 + more).replace("{key}", self.key)

    key: str = ""


def make(dsn: str, dice: random.Random) -> str:
    """Two tables of the same rows; returns how a key is made of g."""
    kind, key = dice.choice(sorted(KEYS.items()))
    parted = dice.random() < 0.4
    partition = "PARTITION BY HASH (k)" if parted else f"WITH (fillfactor = {dice.choice((50, 80, 100))})"
    text = f"repeat('y', g % {dice.choice((5, 50, 300))})"
    for table in ("t", "twin"):
        columns = f"k {kind}, s bigint NOT NULL, a numeric(20, 2), c text, d numeric, born boolean DEFAULT false"
        execute(dsn, f"CREATE TABLE {table} ({columns}, PRIMARY KEY (k)) {partition}")
        for part in range(3) if parted else ():
            execute(dsn, f"CREATE TABLE {table}_{part} PARTITION OF {table} FOR VALUES WITH (MODULUS 3, REMAINDER {part})")
        execute(dsn, f"INSERT INTO {table} SELECT {key}, g, g, {text}, NULL, true FROM generate_series(1, {ROWS}) g")
        for column in dice.sample(("s", "a", "born"), dice.randint(0, 2)):
            execute(dsn, f"CREATE INDEX ON {table} ({column})")
        execute(dsn, f"ALTER TABLE {table} ALTER k SET NOT NULL; CREATE INDEX ON {table} (s); ANALYZE {table}")
    return key


def at_work(dsn: str, process: subprocess.Popen[str], rows_more: int) -> None:
    """Returns when it has recorded so many rows more, or has ended."""
    table = "SELECT to_regclass('pgsluice.backfill_worker') IS NOT NULL"
    count = "SELECT coalesce(sum(rows_done), 0) FROM pgsluice.backfill_worker"
    before = value(dsn, count) if value(dsn, table) else 0
    while process.poll() is None and not (value(dsn, table) and value(dsn, count) >= before + rows_more):
        time.sleep(0.02)


def harmed(process: subprocess.Popen[str], server: ThrowawayServer, harm: str, name: str) -> None:
    """The harm is done to a backfill at work."""
    if harm == "kill":
        process.kill()
    elif harm == "terminate":
        ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgsluice backfill'"
        execute(server.dsn(name), ours)
    elif harm == "restart":
        server.restart(immediate=True)
        process.kill()
    process.wait(60) if harm in ("kill", "restart") else None


@contextmanager
def reached(server: ThrowawayServer, harm: str, batch: int) -> Iterator[str]:
    """How the program gets to the server; for `cut` on a way that is cut at about that batch."""
    if harm != "cut":
        yield server.dsn()
        return
    proxy = Proxy(("127.0.0.1", server.port))
    proxy.interference = Interference(Point("backfill", batch), Harm.WITHHOLD, lambda: None, lambda pid: None)
    try:
        yield proxy.reaching(server.dsn(), server.password)
    finally:
        proxy.close()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", ["pages", "key"])
def test_each_row_is_converted_once_whatever_happens(server, request: pytest.FixtureRequest, order: str, seed: int):
    if (seed > 0 or server.major != MAJORS[-1]) and request.config.getoption("--pg-majors") != "all":
        pytest.skip("more tables and schedules, on every major: --pg-majors=all")
    print(f"seed {seed}")
    dice = random.Random(f"{order} {seed}")
    with ThrowawayServer(installation(server.major)) as process:
        _through(process, dice, order)


def _through(server: ThrowawayServer, dice: random.Random, order: str) -> None:
    key = make(server.dsn(), dice)
    assignment, wrong = BY_PAGES if order == "pages" else BY_KEY
    change = ["backfill", "t", "--set", assignment, "--workers", str(dice.randint(1, 3)), "--pace", "gentle"]
    restarts = 0
    for harm in dice.sample(HARMS, 3):
        application = Application(server.dsn(), dice, order == "pages", key=key)
        with application.writing(), reached(server, harm, dice.randint(10, 40)) as dsn:
            command = [*COMMAND, *change, "--database", dsn]
            process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
            at_work(server.dsn(), process, ROWS * 2 // 3 if harm == "cut" else dice.randint(1, 1000))
            harmed(process, server, harm, "postgres")
        process.kill()
        process.wait()
        restarts += harm == "restart"
        assert harm == "restart" or not application.errors, application.errors
    application = Application(server.dsn(), dice, order == "pages", key=key)
    with application.writing():
        outcome = pgsluice(*change[:-1], "full", "--database", server.dsn())
    assert outcome.code == 0 and not application.errors, (outcome.err, application.errors)
    if order == "pages":  # the application was there to the end, and wrote behind it
        assert pgsluice(*change[:-1], "full", "--database", server.dsn()).code == 0
    dsn = server.dsn()
    assert value(dsn, f"SELECT count(*) FROM t WHERE {wrong}") == 0
    both = "SELECT k, s, a, c, born FROM {0} EXCEPT ALL SELECT k, s, a, c, born FROM {1}"
    assert rows(dsn, both.format("t", "twin")) == rows(dsn, both.format("twin", "t")) == []
    if order == "key":
        assert value(dsn, "SELECT sum(rows_done) FROM pgsluice.backfill_worker") == value(dsn, "SELECT count(d) FROM t") >= ROWS
