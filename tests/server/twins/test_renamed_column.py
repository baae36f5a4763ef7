"""A column's other name by a twin, where no view can show it under both: the end of the plain statement, and both names until then."""

import time

import psycopg
import pytest
from psycopg import IsolationLevel

from pgsluice.model.errors import RefusedError
from tests.server.twins.clients import Client, Load, Reader
from tests.server.twins.columns import COLUMNS
from tests.server.twins.scene import Scene
from tests.support.oracle import differences
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("seconds for each case")

NO_VIEW = "CREATE FUNCTION emptied() RETURNS void LANGUAGE sql AS 'TRUNCATE t';"
"""What no view takes: the column gets a twin."""

CASES = {
    "plain": (*COLUMNS["plain"], "ALTER TABLE t RENAME COLUMN a TO b"),
    "indexes": (*COLUMNS["indexes"], 'ALTER TABLE t RENAME COLUMN "A b" TO "select"'),
    "constraints": (*COLUMNS["constraints"], "ALTER TABLE t RENAME a TO c"),
    "key": (*COLUMNS["key"], "ALTER TABLE t RENAME COLUMN id TO number"),
    "serial": (*COLUMNS["serial"], "ALTER TABLE t RENAME COLUMN id TO number"),
    "identity": (
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5 CACHE 3) PRIMARY KEY, v text)",
        "INSERT INTO t (v) SELECT 'v' || i FROM generate_series(1, 100) i",
        "ALTER TABLE t RENAME COLUMN id TO number",
    ),
    "described": (
        """CREATE TABLE t (id bigint PRIMARY KEY, a varchar(50) COLLATE "C" NOT NULL DEFAULT 'x', at timestamptz(3) DEFAULT now());
        COMMENT ON COLUMN t.a IS 'it''s a'; ALTER TABLE t ALTER a SET STATISTICS 321; ALTER TABLE t ALTER a SET STORAGE MAIN;
        ALTER TABLE t ALTER a SET COMPRESSION pglz; GRANT SELECT (a), UPDATE (a) ON t TO PUBLIC""",
        "INSERT INTO t SELECT i, 'a' || i, '2024-01-01' FROM generate_series(1, 100) i",
        "ALTER TABLE t RENAME COLUMN a TO c;\nALTER TABLE t RENAME COLUMN at TO since",
    ),
    "long names": (
        f"""CREATE TABLE t ("{"c" * 63}" int PRIMARY KEY, "select" int UNIQUE);
        CREATE INDEX "{"i" * 63}" ON t ("{"c" * 63}", "select")""",
        "INSERT INTO t SELECT i, i FROM generate_series(1, 100) i",
        f"""ALTER TABLE t RENAME "{"c" * 63}" TO "{"d" * 63}"; ALTER TABLE t RENAME "select" TO "Odd ""é";""",
    ),
    "views": (
        """CREATE TABLE t (id bigint PRIMARY KEY, a int DEFAULT 3, n text); CREATE TABLE u (a int, a2 int);
        CREATE VIEW seen WITH (security_barrier = true) AS SELECT * FROM t WHERE a > 1;
        CREATE VIEW "Joined" (x, y) AS SELECT t.a, u.a FROM t JOIN u ON t.a = u.a WHERE EXISTS (SELECT FROM u AS t WHERE t.a2 = u.a);
        CREATE VIEW over_view AS SELECT a + 1 AS more FROM seen;
        GRANT SELECT ON seen TO PUBLIC; COMMENT ON VIEW "Joined" IS 'kept'; ALTER VIEW seen ALTER COLUMN n SET DEFAULT 'd'""",
        "INSERT INTO t SELECT i, i FROM generate_series(1, 100) i; INSERT INTO u SELECT i, i FROM generate_series(1, 100) i",
        "ALTER TABLE t RENAME COLUMN a TO b",
    ),
    "partitions": (
        """CREATE TABLE t (id int, day date NOT NULL, a int NOT NULL DEFAULT 4 CHECK (a > 0), PRIMARY KEY (id, day))
            PARTITION BY RANGE (day);
        CREATE TABLE t24 PARTITION OF t FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE rest PARTITION OF t DEFAULT; CREATE INDEX by_a ON t (a DESC)""",
        "INSERT INTO t SELECT i, '2024-01-01'::date + i, 1 + i FROM generate_series(1, 900) i",
        "ALTER TABLE t RENAME COLUMN id TO number;\nALTER TABLE t RENAME COLUMN a TO b",
    ),
    "empty": ("CREATE TABLE t (id int PRIMARY KEY)", "SELECT", "ALTER TABLE t RENAME COLUMN id TO b"),
}


@pytest.mark.parametrize("name", CASES)
def test_faithful(scene: Scene, name: str):
    schema, rows_, change = CASES[name]
    scene.before(schema, rows_, NO_VIEW)
    scene.walk(change)


def test_the_choice_and_its_reason_are_in_the_plan(scene: Scene):
    scene.before("CREATE TABLE t (id bigint PRIMARY KEY, a int)", NO_VIEW)
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    first = scene.plan().migrations[0].phases[0].steps[0]
    assert first.reason.startswith("b beside a, as no view can show the column under both names: ")
    assert "emptied() names public.t and TRUNCATE" in first.reason


@pytest.mark.pg("< 15")
def test_row_security_before_15(scene: Scene):
    """A view would not ask who uses it; the table itself does, by both names."""
    scene.before(
        "CREATE TABLE t (id int PRIMARY KEY, a int, whose text DEFAULT CURRENT_USER)",
        "INSERT INTO t SELECT i, i, CASE WHEN i < 50 THEN 'pg_monitor' ELSE CURRENT_USER END FROM generate_series(1, 100) i",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON t USING (whose = CURRENT_USER)",
    )
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    scene.run()
    assert value(scene.dsn, "SELECT count(*) FROM t WHERE a IS DISTINCT FROM b") == 0
    scene.contract()
    assert scene.differences_to_plain() == ""


GIVEN = {
    "nothing": "a int",
    "a value": "a int DEFAULT 5",
    "the moment": "a timestamptz DEFAULT now()",
    "who": "a text DEFAULT CURRENT_USER",
    "another one each time": "a int NOT NULL DEFAULT nextval('numbers')",
    "its domain's": "a known",
    "identity": "a int GENERATED BY DEFAULT AS IDENTITY",
    "a rounded one": "a numeric(10, 2) DEFAULT 5",
}
"""The columns, by what they have for a default."""


@pytest.mark.parametrize("name", GIVEN)
def test_who_gives_a_value_gives_it_to_both(scene: Scene, name: str):
    """An INSERT without the column, with it under either name, with NULL; updates of either; and of both, where the new name wins."""
    scene.before(
        f"CREATE DOMAIN known AS int DEFAULT 5; CREATE SEQUENCE numbers; CREATE TABLE t (id int PRIMARY KEY, {GIVEN[name]})", NO_VIEW
    )
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    scene.run()
    one = {"the moment": "'2020-01-01'", "who": "'me'"}.get(name, "77")
    null = "another" not in name and name != "identity"
    with psycopg.connect(scene.dsn) as connection:
        connection.execute("INSERT INTO t (id) VALUES (1)")
        ((default,),) = connection.execute("SELECT a FROM t").fetchall()
        for number, column in enumerate("ab", 2):
            connection.execute(f"INSERT INTO t (id, {column}) VALUES ({number}, {one})")
            if null:
                connection.execute(f"INSERT INTO t (id, {column}) VALUES ({number + 2}, NULL)")
            connection.execute(f"INSERT INTO t (id) VALUES ({number + 4})")
            connection.execute(f"UPDATE t SET {column} = {one} WHERE id = {number + 4}")
        connection.execute("INSERT INTO t (id) VALUES (8)")
        connection.execute(f"UPDATE t SET a = NULL, b = {one} WHERE id = 8" if null else f"UPDATE t SET a = 1, b = {one} WHERE id = 8")
        found: dict[int, list[str | None]] = dict(connection.execute("SELECT id, ARRAY[a::text, b::text] FROM t").fetchall())
        ((text,),) = connection.execute(f"SELECT {one}::{_type(connection)}::text").fetchall()
    given: list[str | None] = [text, text]
    alone = found.pop(1)
    assert alone[0] == alone[1] and (alone[0] is None) == (default is None)
    assert found == dict.fromkeys((2, 3, 6, 7, 8), given) | ({n: [None, None] for n in (4, 5)} if null else {})
    scene.contract()
    assert (default is None) == (value(scene.dsn, "INSERT INTO t (id) VALUES (9) RETURNING b") is None)


def _type(connection: psycopg.Connection) -> str:
    query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'"
    ((type_,),) = connection.execute(query).fetchall()
    return str(type_)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("ALTER TABLE t ALTER a SET DEFAULT random() * 9", "another value each time"),
        ("CREATE MATERIALIZED VIEW m AS SELECT a FROM t", "materialized view"),
        (
            "CREATE FUNCTION low() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := 1; RETURN NEW; END'; "
            "CREATE TRIGGER low BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION low()",
            "trigger function",
        ),
        ("CREATE VIEW v AS SELECT x.p FROM t AS x (o, p)", "by their places"),
        ("CREATE TABLE u (a int); CREATE VIEW v AS SELECT id FROM t JOIN u USING (a)", "by USING"),
        ("CREATE POLICY p ON t USING (a > 0)", "policy p"),
        ("CREATE STATISTICS s ON a, id FROM t", "statistics object"),
        ("ALTER TABLE t ADD g int GENERATED ALWAYS AS (a + 1) STORED", "column g"),
        ("ALTER TABLE t ADD b int", "has a column b already"),
        ("CREATE TABLE child () INHERITS (t)", "has partitions, children or a parent"),
        ("CREATE DOMAIN few AS int CHECK (VALUE < 9); ALTER TABLE t ALTER a TYPE few", "domain with constraints"),
    ],
)
def test_what_is_refused(scene: Scene, made: str, why: str):
    scene.before("CREATE TABLE t (id int PRIMARY KEY, a int)", NO_VIEW, made)
    before = scene.picture()
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    with pytest.raises(RefusedError) as caught:
        scene.run()
    assert why in str(caught.value)
    assert differences(before, scene.picture()) == ""


def test_under_load(scene: Scene, reading_s: float):
    """The old release throughout, the new one from the gate on, each checked by both names; then the new one alone."""
    scene.before(
        "CREATE TABLE t (k bigint PRIMARY KEY, a int DEFAULT 3, note text NOT NULL DEFAULT 'none', at timestamptz);"
        "CREATE UNIQUE INDEX by_a ON t (k, a); CREATE VIEW seen AS SELECT k, a FROM t;"
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := pg_catalog.now(); RETURN NEW; END';"
        'CREATE TRIGGER "touch" BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();',
        "INSERT INTO t SELECT -i, i, 'x', '2020-01-01' FROM generate_series(1, 5000) i",
        NO_VIEW,
    )
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    again = IsolationLevel.REPEATABLE_READ
    old = [Client(scene.dsn, 1, "t", "a", by_twin=True), Client(scene.dsn, 2, "t", "a", again, search_path="nowhere,public", by_twin=True)]
    with Load(*old):
        with Reader(scene.dsn, reading_s):
            scene.run()
        both = [Client(scene.dsn, 3, "t", "b", by_twin=True), Client(scene.dsn, 4, "t", "b", again, by_twin=True)]
        for client in old:
            client.other = ("t", "b")
        for client in both:
            client.other = ("t", "a")
        with Load(*both):
            time.sleep(1.0)
        assert value(scene.dsn, "SELECT count(*) FROM t WHERE a IS DISTINCT FROM b") == 0
        for client in old:
            client.other = None
        time.sleep(0.5)
        scene.roll_back()
        time.sleep(0.5)
        scene.run()
        time.sleep(0.5)
    with Load(Client(scene.dsn, 5, "t", "b", by_twin=True)):
        time.sleep(0.3)
        scene.contract()
        time.sleep(0.3)
    execute(scene.dsn, "DELETE FROM t WHERE k > 0")
    assert scene.differences_to_plain() == ""


def test_later_migrations_of_the_table_go_on(scene: Scene):
    """Those of other columns, and of the new name; what rests on the old one waits for its contract."""
    scene.before(
        "CREATE TABLE t (id serial PRIMARY KEY, a int NOT NULL DEFAULT 3 CONSTRAINT pos CHECK (a > 0)); CREATE INDEX by_a ON t (a)",
        "INSERT INTO t (a) SELECT i FROM generate_series(1, 50) i",
        NO_VIEW,
    )
    scene.write("ALTER TABLE t RENAME COLUMN a TO b;\nALTER TABLE t RENAME COLUMN id TO number")
    scene.run()
    assert rows(scene.dsn, "INSERT INTO t (a) VALUES (77) RETURNING b, number = id") == [(77, True)]
    execute(scene.dsn, "DELETE FROM t WHERE b = 77", "SELECT setval('t_id_seq', 50)")
    later = "ALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 5;\nCREATE INDEX b_z ON t (b, z);\nALTER TABLE t ADD CHECK (b < 999)"
    (scene.folder / "0002_later.sql").write_text(later)
    scene.run()
    for change in ("CREATE INDEX again ON t (a)", "ALTER TABLE t DROP CONSTRAINT pos", "ALTER TABLE t ALTER COLUMN a TYPE bigint"):
        (scene.folder / "0003_no.sql").write_text(change)
        with pytest.raises(RefusedError) as refused:
            scene.run()
        assert refused.value.code == "contract-first", change
    (scene.folder / "0003_no.sql").unlink()
    scene.contract()
    scene.change += ";\n" + later
    assert scene.differences_to_plain() == ""


def test_a_view_made_meanwhile_goes_along(scene: Scene):
    """At the swap and on the way back what reads the column is looked for at that time."""
    scene.before("CREATE TABLE t (id int PRIMARY KEY, a int); CREATE VIEW seen AS SELECT a FROM t", "INSERT INTO t VALUES (1, 2)", NO_VIEW)
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    scene.run()
    execute(scene.dsn, "CREATE VIEW later AS SELECT b AS x FROM t WHERE a > 0", "UPDATE t SET b = 3")
    with pytest.raises(Exception, match="view later"):
        scene.contract()
    execute(scene.dsn, "CREATE OR REPLACE VIEW later AS SELECT b AS x FROM t")
    scene.roll_back()
    assert rows(scene.dsn, "SELECT x FROM later") == [(3,)]
    scene.run()
    scene.contract()
    assert rows(scene.dsn, "SELECT a, x FROM seen, later") == [(3, 3)]
