"""A key's type in a partitioned table: the end of the plain statement, and the way back; and clients meanwhile."""

import time
from collections.abc import Callable

import pytest
from psycopg import IsolationLevel

from pgsluice import api
from pgsluice.model.errors import RefusedError, StepFailedError
from pgsluice.model.events import Event, StepStarted
from tests.server.twins.clients import Client, Load
from tests.server.twins.scene import Scene
from tests.support.oracle import differences
from tests.support.sql import execute, value

pytestmark = pytest.mark.newest("seconds for each case")

SCHEMA = """
CREATE TABLE events (id serial, day date NOT NULL, kind text NOT NULL, note text DEFAULT 'x', CONSTRAINT positive CHECK (id > 0),
    PRIMARY KEY (id, day, kind)) PARTITION BY RANGE (day);
CREATE TABLE "Events 24" PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_25 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_25_a PARTITION OF events_25 FOR VALUES IN ('a');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX by_id ON events (id DESC, note) WHERE id > 10;
CREATE INDEX only_there ON events_25_a (id);
ALTER TABLE events ADD CONSTRAINT once UNIQUE (day, kind, id);
"""
ROWS = "INSERT INTO events (day, kind) SELECT '2024-01-01'::date + g, 'a' FROM generate_series(1, 900) g"
CHANGE = "ALTER TABLE events ALTER COLUMN id TYPE bigint"


def test_a_key_of_a_partitioned_table(scene: Scene):
    scene.before(SCHEMA, ROWS)
    before = scene.picture()
    scene.write(CHANGE)
    scene.run()
    execute(scene.dsn, "UPDATE events SET id = 3000000000 WHERE id = 7", "UPDATE events SET id = 7 WHERE id = 3000000000")
    scene.roll_back()
    assert differences(before, scene.picture()) == ""
    scene.run()
    execute(scene.dsn, "INSERT INTO events (id, day, kind) VALUES (3000000001, '2024-02-02', 'a')")
    execute(scene.dsn, "UPDATE events SET day = '2025-02-02' WHERE id = 3000000001")
    assert value(scene.dsn, "DELETE FROM events_25_a WHERE id = 3000000001 RETURNING id") == 3000000001
    scene.contract()
    assert scene.differences_to_plain() == ""


def test_a_partition_that_came_meanwhile(scene: Scene):
    """The swap would leave it without its key; so would the way back."""
    scene.before(SCHEMA, ROWS)
    scene.write(CHANGE)

    def attach(event: Event) -> None:
        if isinstance(event, StepStarted) and "wait_idx" in event.sql:
            execute(scene.dsn, "CREATE TABLE events_25_b PARTITION OF events_25 FOR VALUES IN ('b')")

    said = _failure(lambda: api.run([scene.folder], scene.settings, attach))
    assert "not those any more that the plan was made for" in said
    execute(scene.dsn, "DROP TABLE events_25_b")
    scene.run()
    execute(scene.dsn, "CREATE TABLE events_25_b PARTITION OF events_25 FOR VALUES IN ('b')")
    assert "not those any more" in _failure(scene.roll_back)
    scene.run()
    scene.contract()
    execute(scene.dsn, "DROP TABLE events_25_b")
    assert scene.differences_to_plain() == ""


def _failure(act: Callable[[], object]) -> str:
    try:
        act()
    except StepFailedError as error:
        return str(error)
    return ""


def test_what_a_partition_has_of_its_own(scene: Scene):
    scene.before(SCHEMA, "CREATE VIEW seen AS SELECT id FROM events_rest")
    scene.write(CHANGE)
    with pytest.raises(RefusedError, match="seen"):
        scene.run()
    execute(scene.dsn, "DROP VIEW seen", "ALTER TABLE events_rest ALTER id SET DEFAULT 8")
    with pytest.raises(RefusedError, match="of its own"):
        scene.plan()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("ALTER TABLE events ALTER COLUMN day TYPE timestamp", "is in a partition key"),
        ("ALTER TABLE events ALTER COLUMN note TYPE int USING 1", "only one integer type becomes another"),
        ("ALTER TABLE events_rest ALTER COLUMN id TYPE bigint", "is a partition itself|has partitions, children or a parent"),
    ],
)
def test_what_is_refused(scene: Scene, change: str, why: str):
    scene.before(SCHEMA)
    scene.write(change)
    with pytest.raises(RefusedError, match=why):
        scene.plan()


@pytest.mark.newest("seconds of load")
def test_under_load(scene: Scene):
    """Rows change their partitions meanwhile, too: the clients' keys are not the partition's."""
    scene.before(
        "CREATE TABLE t (k bigint PRIMARY KEY, a int, note text NOT NULL DEFAULT 'none') PARTITION BY HASH (k);"
        "CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1); CREATE INDEX ON t (a);",
        "INSERT INTO t SELECT -i, i FROM generate_series(1, 5000) i",
    )
    scene.write("ALTER TABLE t ALTER COLUMN a TYPE bigint")
    clients = [Client(scene.dsn, 1, "t", "a"), Client(scene.dsn, 2, "t", "a", IsolationLevel.REPEATABLE_READ)]
    with Load(*clients):
        scene.run()
        time.sleep(0.3)
        scene.roll_back()
        scene.run()
        scene.contract()
    assert value(scene.dsn, "SELECT count(*) FROM t WHERE k < 0 AND a <> -k") == 0
    assert sum(len(c.rows) for c in clients) == value(scene.dsn, "SELECT count(*) FROM t WHERE k > 0")
