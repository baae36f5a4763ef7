"""Views that a file drops for another type of a column and makes anew: they go and come in the swap, there and back."""

import random
from dataclasses import replace

import psycopg
import pytest

from pgsluice import api
from pgsluice.model.errors import RefusedError
from tests.server.twins.clients import Client, Load
from tests.server.twins.scene import Scene
from tests.support.sql import execute, value

pytestmark = pytest.mark.newest("seconds for each case")

BEFORE = """
CREATE TABLE t (k bigint PRIMARY KEY, a int, note text NOT NULL DEFAULT 'none');
CREATE VIEW "V 1" WITH (security_barrier=true) AS SELECT k, a FROM t WHERE a > 0;
CREATE VIEW v2 AS SELECT a + 1 AS more FROM "V 1";
GRANT SELECT ON "V 1" TO PUBLIC; COMMENT ON VIEW v2 IS 'it''s v2';
INSERT INTO t SELECT -i, i FROM generate_series(1, 500) i;
"""
CHANGE = """
CREATE INDEX by_note ON t (note);
DROP VIEW v2;
DROP VIEW IF EXISTS public."V 1";
ALTER TABLE t ALTER COLUMN a TYPE bigint;
CREATE VIEW "V 1" AS SELECT k, a, note FROM t WHERE a > 1;
GRANT SELECT ON "V 1" TO PUBLIC;
CREATE VIEW v2 AS SELECT a + 2 AS more FROM "V 1";
COMMENT ON VIEW v2 IS 'new';
ALTER TABLE t ADD COLUMN z int;
"""


def test_there_and_back(scene: Scene):
    scene.before(BEFORE)
    scene.walk(CHANGE.replace("public.", "").replace("IF EXISTS ", ""))


def test_they_are_there_at_all_times(scene: Scene):
    """A reader of the views never misses them; from the swap on they show the new type."""
    scene.before(BEFORE)
    scene.write(CHANGE)
    with Load(Client(scene.dsn, 1, "t", "a"), Viewer(scene.dsn, 2, "t", "a")):
        scene.run()
        assert value(scene.dsn, "SELECT pg_typeof(more)::text FROM v2 LIMIT 1") == "bigint"
        execute(scene.dsn, "INSERT INTO t (k, a) VALUES (0, 3000000000)")
        assert value(scene.dsn, "SELECT max(more) FROM v2") == 3000000002
        execute(scene.dsn, "DELETE FROM t WHERE k = 0")
        scene.roll_back()
        assert value(scene.dsn, "SELECT pg_typeof(more)::text FROM v2 LIMIT 1") == "integer"
        scene.run()
        scene.contract()


class Viewer(Client):
    """Reads rows through the views, which nobody writes meanwhile."""

    def _once(self, connection: psycopg.Connection, chance: random.Random) -> None:
        self.requests += 1
        key = chance.randint(2, 500)
        found = self._run(connection, 'SELECT k, a FROM "V 1" WHERE k = %s', -key), self._run(connection, "SELECT count(*) > 400 FROM v2")
        if found != ([(-key, key)], [(True,)]):
            self.wrong.append(str(found))


def test_on_a_small_table_it_is_one_transaction(scene: Scene):
    """Nothing of it takes its time there: as it is written."""
    scene.before(BEFORE)
    scene.write(CHANGE)
    api.run([scene.folder], replace(scene.settings, treat_as_large=False))
    assert value(scene.dsn, "SELECT pg_typeof(more)::text FROM v2 LIMIT 1") == "bigint"
    assert scene.differences_to_plain() == ""


@pytest.mark.parametrize(
    ("made", "change", "why"),
    [
        ('ALTER VIEW "V 1" ALTER a SET DEFAULT 7', CHANGE, 'V 1" has triggers or rules, or columns with a default'),
        ("SELECT", CHANGE.replace("DROP VIEW v2;", "DROP VIEW v2; CREATE TABLE x ();"), "must share a transaction"),
        (
            "SELECT",
            CHANGE.replace("CREATE VIEW v2", "CREATE VIEW v3").replace("ON VIEW v2", "ON VIEW v3"),
            "must share a transaction",
        ),
        ("SELECT", CHANGE.replace("CREATE INDEX", "BEGIN; CREATE INDEX") + "COMMIT;", "must share a transaction"),
        ("CREATE VIEW v4 AS SELECT a FROM t", CHANGE, "v4 reads a"),
    ],
    ids=["more than a query", "something between", "another name", "one transaction", "another view"],
)
def test_what_is_refused(scene: Scene, made: str, change: str, why: str):
    scene.before(BEFORE, made)
    scene.write(change)
    with pytest.raises(RefusedError) as refused:
        scene.plan()
    assert why in str(refused.value)
