"""Clients of both releases write the same table all the time, through run, rollback, run again and contract."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from psycopg import IsolationLevel

from pgsluice import api
from pgsluice.model.errors import StoppedError
from pgsluice.model.events import Event, StepStarted
from tests.server.twins.clients import Client, Load, Reader
from tests.server.twins.scene import Scene
from tests.support.servers import OWNER
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("seconds of load for each change")

SEED = 20261125

BEFORE = """
CREATE TABLE t (k bigint PRIMARY KEY, a int, note text NOT NULL DEFAULT 'none', at timestamptz);
CREATE INDEX t_a ON t (a);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := pg_catalog.now(); RETURN NEW; END';
CREATE TRIGGER "touch" BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO t SELECT -i, i, repeat('y', 20), '2020-01-01' FROM generate_series(1, 20000) i;
"""


def _clients(dsn: str, *, by_twin: bool = False) -> list[Client]:
    return [
        Client(dsn, 1, "t", "a", IsolationLevel.READ_COMMITTED, SEED, "public", by_twin=by_twin),
        Client(dsn, 2, "t", "a", IsolationLevel.REPEATABLE_READ, SEED, "nowhere,public", by_twin=by_twin),
    ]


def test_another_type_under_load(scene: Scene, reading_s: float):
    scene.before(BEFORE)
    scene.write("ALTER TABLE t ALTER COLUMN a TYPE bigint")
    with Load(*_clients(scene.dsn, by_twin=True)) as load:
        with Reader(scene.dsn, reading_s):
            scene.run()
        with Reader(scene.dsn, reading_s / 3):
            scene.roll_back()
        assert value(scene.dsn, "SELECT pg_typeof(a)::text FROM t LIMIT 1") == "integer"
        scene.run()
        with Reader(scene.dsn, reading_s / 3):
            scene.contract()
    assert value(scene.dsn, "SELECT pg_typeof(a)::text FROM t LIMIT 1") == "bigint"
    assert value(scene.dsn, "SELECT count(*) FROM t WHERE k < 0 AND (a <> -k OR at <> '2020-01-01')") == 0
    assert sum(len(c.rows) for c in load.clients) == value(scene.dsn, "SELECT count(*) FROM t WHERE k > 0")


def test_through_a_pooler_in_transaction_mode(scene: Scene, pooler: Callable[..., str]):
    """Each transaction of a client may run in another session than the one before; nothing of the sync rests on a session.
    Two columns of one table, whose triggers leave each other's work alone."""
    scene.before(BEFORE)
    scene.write(
        'ALTER TABLE t ALTER COLUMN a TYPE bigint;\n-- pgsluice: from "upper(note)" back "lower(loud)"\nALTER TABLE t ADD COLUMN loud text;'
    )
    pooled = pooler("transaction", str(value(scene.dsn, "SELECT current_database()")), OWNER)
    clients = [Client(pooled, n, "t", "a", seed=SEED) for n in (1, 2)]
    clients.append(Client(pooled, 3, "t", "a", IsolationLevel.REPEATABLE_READ, SEED))
    with Load(*clients):
        scene.run()
        scene.roll_back()
        scene.run()
        with pytest.raises(StoppedError, match="in use"):  # what the sessions run in the instant of one look is chance
            api.contract(None, replace(scene.settings, look_for=5.0))
    assert value(scene.dsn, "SELECT count(*) FROM t WHERE loud IS DISTINCT FROM upper(note)") == 0
    api.contract(None, replace(scene.settings, anyway=True))
    assert sum(len(c.rows) for c in clients) == value(scene.dsn, "SELECT count(*) FROM t WHERE k > 0")


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_an_old_snapshot_reads_right_values_after_the_swap(scene: Scene, level: str):
    """It has a snapshot, and touches the table only after the swap, which therefore waits for it."""
    scene.before(
        "CREATE TABLE t (k int PRIMARY KEY, a int); CREATE TABLE u (k int)", "INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i"
    )
    scene.write("ALTER TABLE t ALTER COLUMN a TYPE bigint")
    with psycopg.connect(scene.dsn) as old:
        old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        old.execute("SELECT count(*) FROM u")
        running = threading.Thread(target=scene.run)
        running.start()
        running.join(2.0 if level == "REPEATABLE READ" else 60.0)
        assert old.execute("SELECT count(*), count(a), sum(a) FROM t").fetchone() == (1000, 1000, 500500)
        assert running.is_alive() == (level == "REPEATABLE READ")
        old.rollback()
        running.join(60.0)
    assert not running.is_alive()
    assert value(scene.dsn, "SELECT pg_typeof(a)::text FROM t LIMIT 1") == "bigint"


def test_a_trigger_of_the_table_that_changes_the_column(scene: Scene):
    """It fires before ours, which sees what it made of the row: while the rows are filled, from the swap on, and on the way back. The
    filling itself leaves the rows as they are. Values that are equal and look otherwise are others."""
    scene.before(
        """CREATE TABLE t (k int PRIMARY KEY, a numeric, note text);
        CREATE FUNCTION rounded() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := round(NEW.a::numeric, 2); RETURN NEW; END';""",
        "INSERT INTO t SELECT i, i * 1.0, 'x' FROM generate_series(1, 3000) i",
        "CREATE TRIGGER rounded BEFORE INSERT OR UPDATE OF note ON t FOR EACH ROW EXECUTE FUNCTION rounded()",
    )
    scene.write("ALTER TABLE t ALTER COLUMN a TYPE text")
    seen: list[str] = []

    def write(event: Event) -> None:
        if isinstance(event, StepStarted) and not seen and event.kind == "backfill":
            seen.append(event.sql)
            execute(scene.dsn, "UPDATE t SET a = 7.000 WHERE k = 7", "UPDATE t SET note = 'y' WHERE k IN (8, 3000)")

    api.run([scene.folder], scene.settings, write)
    read = "SELECT k, a::text FROM t WHERE k IN (5, 7, 8, 9, 3000, 3001) ORDER BY k"
    assert rows(scene.dsn, read) == [(5, "5.0"), (7, "7.000"), (8, "8.00"), (9, "9.0"), (3000, "3000.00")]
    execute(scene.dsn, "UPDATE t SET a = '9.129' WHERE k = 9", "INSERT INTO t (k, a) VALUES (3001, '1')")
    after = [(5, "5.0"), (7, "7.000"), (8, "8.00"), (9, "9.129"), (3000, "3000.00"), (3001, "1.00")]
    assert rows(scene.dsn, read) == after
    scene.roll_back()
    assert rows(scene.dsn, read) == after
    scene.run()
    scene.contract()
    assert rows(scene.dsn, read) == after


def test_what_goes_under_load(scene: Scene):
    """The old release writes the column that goes, the new one another; a default and a table wait with it."""
    scene.before(
        "CREATE TABLE t (k bigint PRIMARY KEY, a int, b int, note text NOT NULL DEFAULT 'none', flag boolean NOT NULL DEFAULT true);"
        "CREATE TABLE old (k int)",
        "INSERT INTO t SELECT -i, i FROM generate_series(1, 1000) i",
    )
    scene.write("ALTER TABLE t DROP COLUMN a;\nALTER TABLE t ALTER flag DROP DEFAULT, ALTER flag DROP NOT NULL;\nDROP TABLE old;")
    with Load(Client(scene.dsn, 4, "t", "b"), Client(scene.dsn, 5, "t", "b", IsolationLevel.REPEATABLE_READ)):
        with Load(*_clients(scene.dsn)):
            scene.there_and_back()
        scene.contract()
        time.sleep(0.3)
    execute(scene.dsn, "DELETE FROM t WHERE k > 0")
    assert scene.differences_to_plain() == ""


def test_not_null_under_load(scene: Scene, reading_s: float):
    """The old release goes on writing NULL, and reads what the directive says from the gate on; while it is brought in and taken back it
    reads the one or the other. What had NULL keeps its value then."""
    scene.before("CREATE TABLE t (k bigint PRIMARY KEY, a int, note text NOT NULL DEFAULT 'none')")
    scene.write('-- pgsluice: from "0"\nALTER TABLE t ALTER COLUMN a SET NOT NULL')
    execute(scene.dsn, "INSERT INTO t SELECT -i, nullif(i % 3, 0) FROM generate_series(1, 5000) i")
    clients = _clients(scene.dsn, by_twin=True)
    for client in clients:
        client.meanwhile = 0
    with Load(*clients):
        with Reader(scene.dsn, reading_s / 3):
            scene.run()
        with Reader(scene.dsn, reading_s / 3):
            scene.roll_back()
        assert value(scene.dsn, "SELECT count(*) FROM t WHERE k < 0 AND a IS DISTINCT FROM -k % 3") == 0
        assert value(scene.dsn, "INSERT INTO t (k) VALUES (0) RETURNING a") is None
        execute(scene.dsn, "DELETE FROM t WHERE k = 0")
        scene.run()
        for client in clients:
            client.writes_null = False
        time.sleep(0.3)
        scene.contract()
    assert value(scene.dsn, "SELECT count(*) FROM t WHERE a IS NULL OR k < 0 AND a <> -k % 3") == 0
    execute(scene.dsn, "DELETE FROM t WHERE k > 0")
    execute(scene.plain, "INSERT INTO t SELECT -i, i % 3 FROM generate_series(1, 5000) i")
    assert scene.differences_to_plain() == ""


def test_null_is_refused_once_contract_has_passed(scene: Scene):
    """Between the gate and contract the value of the directive stands for it, for every client and at every time."""
    scene.before("CREATE TABLE t (k bigint PRIMARY KEY, a int, note text NOT NULL DEFAULT 'none')")
    scene.write('-- pgsluice: from "0"\nALTER TABLE t ALTER COLUMN a SET NOT NULL')
    clients = _clients(scene.dsn, by_twin=True)
    scene.run()
    for client in clients:
        client.null = 0
    with Load(*clients):
        time.sleep(0.5)
    scene.contract()
    with pytest.raises(psycopg.errors.NotNullViolation):
        execute(scene.dsn, "INSERT INTO t (k) VALUES (0)")


RENAMED = """
CREATE TABLE t (k bigint PRIMARY KEY, a int DEFAULT NULL, note text NOT NULL DEFAULT 'none', n int GENERATED ALWAYS AS IDENTITY,
    twice int GENERATED ALWAYS AS (a * 2) STORED);
CREATE INDEX t_a ON t (a);
CREATE TABLE child (k bigint REFERENCES t ON DELETE CASCADE);
CREATE VIEW seen AS SELECT k, a FROM t;
INSERT INTO t (k, a) SELECT -i, i FROM generate_series(1, 1000) i;
INSERT INTO child SELECT -i FROM generate_series(1, 1000) i;
GRANT SELECT, INSERT ON t TO PUBLIC;
"""


@pytest.mark.parametrize(
    ("change", "new"),
    [("ALTER TABLE t RENAME TO u", ("u", "a")), ("ALTER TABLE t RENAME COLUMN a TO b", ("t", "b"))],
    ids=["table", "column"],
)
def test_another_name_under_load(scene: Scene, reading_s: float, change: str, new: tuple[str, str]):
    """The old release throughout, the new one from the gate on, each checked by both names; then the new one alone."""
    scene.before(RENAMED)
    before = scene.picture()
    scene.write(change)
    old = _clients(scene.dsn)
    with Load(*old):
        with Reader(scene.dsn, reading_s / 3):
            scene.run()
        both = [Client(scene.dsn, 3, *new, IsolationLevel.READ_COMMITTED, SEED), Client(scene.dsn, 4, *new, seed=SEED)]
        for client in old:
            client.other = new
        for client in both:
            client.other = ("t", "a")
        with Load(*both):
            time.sleep(1.0)
        for client in old:
            client.other = None
        time.sleep(0.5)
        scene.roll_back()
        time.sleep(0.5)
        scene.run()
        time.sleep(0.5)
    with Load(Client(scene.dsn, 5, *new, IsolationLevel.READ_COMMITTED, SEED)):
        time.sleep(0.3)
        scene.contract()
        time.sleep(0.3)
    execute(scene.dsn, f"DELETE FROM {new[0]} WHERE k > 0")
    _forget_numbers(scene.dsn, scene.plain)
    assert scene.differences_to_plain() == ""
    assert before != scene.picture()


def _forget_numbers(*dsns: str) -> None:
    """The identity has given as many numbers as there were inserts."""
    for dsn in dsns:
        execute(dsn, "SELECT setval('t_n_seq', 5000)")
