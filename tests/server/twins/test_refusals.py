"""What a twin could not keep, and what cannot be converted, is refused by name before anything changes."""

import pytest

from pgsluice.model.errors import RefusedError
from tests.server.twins.scene import Scene
from tests.support.oracle import differences
from tests.support.sql import execute

pytestmark = pytest.mark.newest("what is refused is seen in the plan")

TYPE = "ALTER TABLE t ALTER COLUMN a TYPE bigint"

HANGING = {
    "a view": ("CREATE VIEW v AS SELECT a FROM t", "v reads a"),
    "a materialised view": ("CREATE MATERIALIZED VIEW v AS SELECT a FROM t", "v reads a"),
    "a rule": ("CREATE RULE r AS ON UPDATE TO t DO ALSO INSERT INTO log VALUES (1)", "the rules r"),
    "a policy": ("CREATE POLICY p ON t USING (a > 0)", "policy p on table t"),
    "a generated column": ("ALTER TABLE t ADD g int GENERATED ALWAYS AS (a + 1) STORED", "column g of table t"),
    "statistics": ("CREATE STATISTICS s ON a, b FROM t", "statistics object"),
    "a trigger of the column": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "trigger tr on table t",
    ),
    "a trigger after each update": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE TRIGGER audit AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "audit",
    ),
    "a function": ("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN (SELECT sum(a) FROM t)", "function f()"),
    "a clustered index": ("CREATE INDEX i ON t (a); ALTER TABLE t CLUSTER ON i", "CLUSTER ON i"),
    "an index's comment": ("CREATE INDEX i ON t (a); COMMENT ON INDEX i IS 'mine'", "the comment on i"),
    "a constraint's comment": (
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0); COMMENT ON CONSTRAINT k ON t IS 'k'",
        "comment on constraint k",
    ),
    "options": ("ALTER TABLE t ALTER a SET (n_distinct = 5)", "options of column a"),
    "the row type": ("CREATE TABLE u (whole t)", "column whole of u"),
    "an exclusion constraint": ("ALTER TABLE t ADD CONSTRAINT ex EXCLUDE USING btree (a WITH =)", "ex"),
    "an exclusion constraint's condition": ("ALTER TABLE t ADD CONSTRAINT ex EXCLUDE USING btree (id WITH =) WHERE (a > 0)", "ex"),
    "partitions": ("CREATE TABLE child () INHERITS (t)", "children"),
    "a replica identity": (
        "CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ALTER a SET NOT NULL, REPLICA IDENTITY USING INDEX i",
        "replica identity",
    ),
}

ROWS = {
    "no number": ("ALTER TABLE t ALTER COLUMN c TYPE int USING c::int", "preflight-failed"),
    "too long": ("ALTER TABLE t ALTER COLUMN c TYPE varchar(2)", "SELECT * FROM ONLY public.t WHERE pg_catalog.char_length"),
    "NULL": (
        "-- pgsluice: back \"c\"\nALTER TABLE t ALTER COLUMN n TYPE text USING nullif(n, 'no')",
        "1 rows of public.t would become NULL",
    ),
    "a way back of another type": ('-- pgsluice: back "ARRAY[a]"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING a + 1', ""),
    "no such column": ('-- pgsluice: back "a::int"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING nowhere + 1', ""),
    "no such function": ('-- pgsluice: back "a::int"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING nowhere(a)', ""),
    "another type": ('-- pgsluice: back "1"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING ARRAY[a]', ""),
    "a division": ('-- pgsluice: back "1"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING 1 / (a - 1)', "division by zero"),
    "another value each time": (
        '-- pgsluice: back "1"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING a + (random() * 5)::int',
        "another value each time",
    ),
    "a way back that other columns know": ('-- pgsluice: back "c::int"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING a + 1', ""),
    "syntax": ('-- pgsluice: back "a::int +"\nALTER TABLE t ALTER COLUMN a TYPE bigint USING a + 1', ""),
    "no way back": ("ALTER TABLE t ALTER COLUMN c TYPE int USING length(c)", 'back "EXPRESSION"'),
}


@pytest.mark.parametrize("name", HANGING)
def test_what_hangs_on_the_column(scene: Scene, name: str):
    made, said = HANGING[name]
    execute(scene.dsn, "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, 2, 3); CREATE TABLE log (n int)", made)
    _refused(scene, TYPE, said)


@pytest.mark.parametrize("between", ["", "CREATE INDEX ON a (n);"])
def test_types_at_both_ends_of_foreign_keys_in_an_order_that_cannot_be_mended(scene: Scene, between: str):
    execute(scene.dsn, "CREATE TABLE a (id int PRIMARY KEY, b int, n int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)")
    execute(scene.dsn, "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b")
    circle = "ALTER TABLE a ALTER id TYPE bigint, ALTER b TYPE bigint; ALTER TABLE b ALTER id TYPE bigint, ALTER a TYPE bigint"
    change = f"ALTER TABLE b ALTER a TYPE bigint; {between} ALTER TABLE a ALTER id TYPE bigint" if between else circle
    _refused(scene, change, "referenced by one whose type was changed before")


@pytest.mark.parametrize("name", ROWS)
def test_rows_and_expressions(scene: Scene, name: str):
    execute(scene.dsn, "CREATE TABLE t (a int, c text, n text NOT NULL); INSERT INTO t VALUES (1, '12', 'yes'), (2, 'long one', 'no')")
    _refused(scene, *ROWS[name])


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t ALTER COLUMN a TYPE bigint",
        '-- pgsluice: from "a + 1" back "b - 1"\nALTER TABLE t ADD COLUMN b int',
        '-- pgsluice: from "5"\nALTER TABLE t ALTER COLUMN a SET NOT NULL',
    ],
)
def test_rows_that_nobody_shows_us(scene: Scene, change: str):
    """They would be left as they are, and lost with the old column."""
    execute(scene.dsn, "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 2), (2, NULL)")
    execute(scene.dsn, "CREATE POLICY p ON t USING (id = 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    _refused(scene, change, "row security is forced on public.t")


@pytest.mark.pg(">= 15")
def test_a_publication_that_lists_the_column(scene: Scene):
    """Made by a superuser, as only one may."""
    execute(scene.dsn, "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, 2, 3)")
    execute(scene.dsn, "CREATE PUBLICATION p FOR TABLE t (id, a)")
    _refused(scene, TYPE, "publication p")


def _refused(scene: Scene, change: str, said: str) -> None:
    before = scene.picture()
    scene.write(change)
    with pytest.raises(Exception) as caught:
        scene.run()
    assert said in str(caught.value)
    assert isinstance(caught.value, RefusedError) or not said, caught.value
    assert differences(before, scene.picture()) == ""
