"""A type changed under foreign keys that point at the column: of tables and of partitioned ones, to either; there and back."""

import random
from contextlib import suppress

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation

from pgsluice import api
from pgsluice.model.errors import RefusedError, StepFailedError
from pgsluice.model.events import Event, StepStarted
from tests.server.twins.clients import ROWS_EACH, Client, Load
from tests.server.twins.scene import Scene
from tests.support.oracle import differences
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("seconds for each case")

PARTITIONED = """
CREATE TABLE t (id int, day int, v text, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
CREATE TABLE t2 PARTITION OF t DEFAULT PARTITION BY LIST (day);
CREATE TABLE "T 2" PARTITION OF t2 DEFAULT;
INSERT INTO t SELECT i, 1 + i % 3, 'v' FROM generate_series(1, 300) i;
"""
ROWS = "SELECT i, i, 1 + i % 3 FROM generate_series(1, 300) i"

CASES = {
    "a unique column": (
        """CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL UNIQUE); CREATE TABLE c (x bigint REFERENCES t (a) ON DELETE CASCADE);
        INSERT INTO t SELECT i, i FROM generate_series(1, 50) i; INSERT INTO c SELECT i FROM generate_series(1, 50) i""",
        "ALTER TABLE t ALTER COLUMN a TYPE bigint",
    ),
    "from the far end": (
        """CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t);
        CREATE TABLE c (id int PRIMARY KEY REFERENCES t ON DELETE CASCADE); CREATE TABLE g (x int REFERENCES c);
        INSERT INTO t SELECT i, nullif(i - 1, 0) FROM generate_series(1, 50) i; INSERT INTO c SELECT i FROM generate_series(1, 50) i;
        INSERT INTO g SELECT i FROM generate_series(1, 50) i""",
        "ALTER TABLE g ALTER COLUMN x TYPE bigint;\nALTER TABLE c ALTER COLUMN id TYPE bigint;\n"
        "ALTER TABLE t ALTER COLUMN up TYPE bigint, ALTER COLUMN id TYPE bigint",
    ),
    "of a partitioned table": (
        """CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE);
        CREATE TABLE c (k int, x int CONSTRAINT "To T" REFERENCES t ON DELETE CASCADE, y int REFERENCES t (u)) PARTITION BY LIST (k);
        CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE TABLE c2 PARTITION OF c DEFAULT PARTITION BY LIST (k);
        CREATE TABLE c20 (y int, x int, k int, CONSTRAINT other_name FOREIGN KEY (x) REFERENCES t ON DELETE CASCADE);
        ALTER TABLE c2 ATTACH PARTITION c20 DEFAULT; CREATE TABLE empty (x int REFERENCES t) PARTITION BY LIST (x);
        INSERT INTO t SELECT i, i FROM generate_series(1, 50) i; INSERT INTO c SELECT i % 3, i, i FROM generate_series(1, 50) i""",
        "ALTER TABLE t ALTER COLUMN id TYPE bigint;\nALTER TABLE t ALTER COLUMN u TYPE bigint",
    ),
    "to a partitioned key": (
        f"""{PARTITIONED} CREATE TABLE c (k int, x int, y int,
            CONSTRAINT "To T" FOREIGN KEY (y, x) REFERENCES t (day, id) ON DELETE CASCADE);
        INSERT INTO c (k, x, y) {ROWS}; CREATE TABLE one (x int, y int, FOREIGN KEY (x, y) REFERENCES t MATCH FULL);
        INSERT INTO one SELECT i, 1 FROM generate_series(3, 300, 3) i; INSERT INTO one VALUES (NULL, NULL)""",
        "ALTER TABLE t ALTER COLUMN id TYPE bigint",
    ),
    "of a partitioned table to a partitioned key": (
        f"""{PARTITIONED} CREATE TABLE c (k int, x int, y int,
            CONSTRAINT "To T" FOREIGN KEY (x, y) REFERENCES t ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED) PARTITION BY HASH (k);
        CREATE TABLE c0 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE c1 (y int, x int, k int); ALTER TABLE c ATTACH PARTITION c1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO c (k, x, y) {ROWS}""",
        "ALTER TABLE t ALTER COLUMN id TYPE bigint;\nALTER TABLE c ALTER COLUMN x TYPE bigint",
    ),
    "of its own table": (
        f"""{PARTITIONED} ALTER TABLE t ADD up int; UPDATE t SET up = id - 3 WHERE id > 3;
        ALTER TABLE t ADD CONSTRAINT up FOREIGN KEY (up, day) REFERENCES t (id, day) ON DELETE CASCADE""",
        "ALTER TABLE t ALTER COLUMN id TYPE bigint;\nALTER TABLE t ALTER COLUMN up TYPE bigint",
    ),
    "under another name": (
        f"""{PARTITIONED} CREATE FUNCTION emptied() RETURNS void LANGUAGE sql AS 'TRUNCATE t, c';
        CREATE TABLE c (k int, x int, y int, FOREIGN KEY (x, y) REFERENCES t ON DELETE CASCADE) PARTITION BY LIST (k);
        CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE TABLE c2 PARTITION OF c DEFAULT; INSERT INTO c {ROWS};
        ALTER TABLE t ADD UNIQUE (day, id); CREATE TABLE d (x int, y int, FOREIGN KEY (y, x) REFERENCES t (day, id))""",
        "ALTER TABLE t RENAME COLUMN id TO number",
    ),
    "two columns of the key": (
        """CREATE TABLE t (id int, org int, day int, PRIMARY KEY (org, id, day), UNIQUE (day, id)) PARTITION BY LIST (day);
        CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t DEFAULT;
        CREATE TABLE c (id int, org int, day int, FOREIGN KEY (org, id, day) REFERENCES t, FOREIGN KEY (day, id) REFERENCES t (day, id))
            PARTITION BY LIST (day); CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE TABLE c2 PARTITION OF c DEFAULT;
        INSERT INTO t SELECT i, i % 5, 1 + i % 3 FROM generate_series(1, 99) i; INSERT INTO c SELECT id, org, day FROM t""",
        "ALTER TABLE t ALTER COLUMN id TYPE bigint;\nALTER TABLE t ALTER COLUMN org TYPE bigint;\n"
        "ALTER TABLE c ALTER COLUMN id TYPE bigint;\nALTER TABLE c ALTER COLUMN org TYPE bigint",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_there_and_back(scene: Scene, name: str):
    schema, change = CASES[name]
    scene.before(schema)
    scene.walk(change)


def test_a_partition_of_a_partitioned_table_referenced_by_itself(scene: Scene):
    """Which the plain statement cannot, on any major: "cannot drop desired object(s)"."""
    scene.before(f"{PARTITIONED} CREATE TABLE one (x int, y int, CONSTRAINT to_t1 FOREIGN KEY (x, y) REFERENCES t1 (id, day))")
    execute(scene.dsn, "INSERT INTO one SELECT id, day FROM t1")
    before = scene.picture()
    scene.write("ALTER TABLE t ALTER COLUMN id TYPE bigint")
    scene.run()
    scene.roll_back()
    assert differences(before, scene.picture()) == ""
    scene.run()
    scene.contract()
    kept = "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'one'::regclass AND contype = 'f'"
    assert rows(scene.dsn, kept) == [("to_t1", True, "FOREIGN KEY (x, y) REFERENCES t1(id, day)")]


@pytest.mark.pg(">= 18")
def test_one_that_was_never_validated_stays_so(scene: Scene):
    scene.before(
        f"{PARTITIONED} CREATE TABLE c (x int, y int) PARTITION BY LIST (y); CREATE TABLE c1 PARTITION OF c DEFAULT; "
        "CREATE TABLE d (x int, y int, FOREIGN KEY (x, y) REFERENCES t NOT ENFORCED)",
        "INSERT INTO c VALUES (-1, -1); ALTER TABLE c ADD FOREIGN KEY (x, y) REFERENCES t NOT VALID; INSERT INTO d VALUES (-1, -1)",
    )
    scene.walk("ALTER TABLE t ALTER COLUMN id TYPE bigint;\nALTER TABLE c ALTER COLUMN x TYPE bigint")


def test_rows_that_would_lose_what_they_reference(scene: Scene):
    """Said before the swap; nothing of the column has changed by then."""
    scene.before(f"{PARTITIONED} CREATE TABLE c (x int, y int, FOREIGN KEY (x, y) REFERENCES t); INSERT INTO c SELECT id, day FROM t")
    before = scene.picture()
    scene.write('-- pgsluice: back "(id - 1000)::int"\nALTER TABLE t ALTER COLUMN id TYPE bigint USING id + 1000')
    with pytest.raises(StepFailedError, match=r"rows of public\.c would reference no row of public\.t"):
        scene.run()
    scene.roll_back()
    assert differences(before, scene.picture()) == ""


def test_a_partition_that_came_meanwhile(scene: Scene):
    """To the table that references: it would be left without its foreign key."""
    scene.before(
        f"{PARTITIONED} CREATE TABLE c (k int, x int, y int, FOREIGN KEY (x, y) REFERENCES t) PARTITION BY LIST (k); "
        "CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); INSERT INTO c SELECT 1, id, day FROM t"
    )
    scene.write("ALTER TABLE t ALTER COLUMN id TYPE bigint")

    def attach(event: Event) -> None:
        if isinstance(event, StepStarted) and "wait_idx" in event.sql:
            execute(scene.dsn, "CREATE TABLE c2 PARTITION OF c FOR VALUES IN (2)")

    with pytest.raises(StepFailedError, match=r"the partitions of public\.c are not those any more"):
        api.run([scene.folder], scene.settings, attach)
    execute(scene.dsn, "DROP TABLE c2")
    scene.run()
    scene.contract()
    assert scene.differences_to_plain() == ""


@pytest.mark.parametrize("held", ["", " PARTITION BY HASH (x)"], ids=["table", "partitioned"])
def test_under_load(scene: Scene, reading_s: float, held: str):
    """Clients write rows and what references them, delete both in one, and try what has no partner: never taken, at no time."""
    scene.before(f"{PARTITIONED} CREATE TABLE c (x bigint, y int, FOREIGN KEY (x, y) REFERENCES t ON DELETE CASCADE){held}")
    if held:
        scene.before(*(f"CREATE TABLE c{n} PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER {n})" for n in (0, 1)))
    scene.before("CREATE INDEX ON c (x)", "INSERT INTO c SELECT id, day FROM t")
    scene.write("ALTER TABLE t ALTER COLUMN id TYPE bigint")
    families = [Family(scene.dsn, number) for number in (1, 2)]
    with Load(*families):
        scene.there_and_back(reading_s / 3)
        scene.contract()
    execute(scene.dsn, "INSERT INTO t (id, day) VALUES (3000000000, 1)", "INSERT INTO c VALUES (3000000000, 1)")
    left = sum(len(f.rows) for f in families)
    assert value(scene.dsn, "SELECT count(*) FROM c JOIN t ON t.id = c.x AND t.day = c.y") == left + 301
    assert value(scene.dsn, "SELECT count(*) FROM t") == left + 301


class Family(Client):
    """Rows of t with one of c each; `wrong` is what was taken or is gone against the foreign key."""

    def __init__(self, dsn: str, number: int) -> None:
        super().__init__(dsn, number, "t", "id")

    def _once(self, connection: psycopg.Connection, chance: random.Random) -> None:
        key, self.requests = self.number * ROWS_EACH + self.requests, self.requests + 1
        day = 1 + key % 3
        with connection.transaction():
            self._run(connection, "INSERT INTO t (id, day) VALUES (%s, %s)", key, day)
            self._run(connection, "INSERT INTO c VALUES (%s, %s)", key, day)
        self.rows[key] = (day, "")
        with suppress(ForeignKeyViolation):
            self._run(connection, "INSERT INTO c VALUES (%s, 0)", -key)
            self.wrong.append(f"{-key} references nothing")
        if chance.random() < 0.5:
            gone = chance.choice(list(self.rows))
            self._run(connection, "DELETE FROM t WHERE id = %s", gone)
            del self.rows[gone]
            if self._run(connection, "SELECT FROM c WHERE x = %s", gone):
                self.wrong.append(f"{gone} outlived what it references")


@pytest.mark.pg("< 18")
def test_more_than_fit_into_a_swap(scene: Scene):
    """From each partition to each partition: said before anything changes. One for all of them is enough from 18 on."""
    for table, columns in (("t", "id int, day int, PRIMARY KEY (id, day)"), ("c", "x int, day int, FOREIGN KEY (x, day) REFERENCES t")):
        scene.before(f"CREATE TABLE {table} ({columns}) PARTITION BY LIST (day)")
        scene.before(*(f"CREATE TABLE {table}{n} PARTITION OF {table} FOR VALUES IN ({n})" for n in range(16)))
    scene.write("ALTER TABLE t ALTER COLUMN id TYPE bigint")
    with pytest.raises(RefusedError, match="the swap would make 272 foreign keys"):
        scene.plan()
