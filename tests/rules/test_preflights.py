"""Rows that would make a change fail are counted before anything runs, and the message says how to see them."""

import psycopg
import pytest

from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.model.steps import Preflight
from tests.rules.composing import planned
from tests.rules.spec import Case

COMPOSITES = """
CREATE TYPE plain AS (x int); CREATE TYPE arrayed AS (x int); CREATE TYPE nested AS (x int); CREATE TYPE outermost AS (n nested[]);
CREATE TYPE ranged AS (x int); CREATE TYPE span AS RANGE (subtype = ranged); CREATE TYPE free AS (x int); CREATE TYPE typed AS (x int);
CREATE DOMAIN lines AS plain CHECK (true); CREATE TABLE typed_table OF typed; CREATE VIEW seen AS SELECT ROW (1)::free AS f;
CREATE TABLE uses (d lines, "A" arrayed[], n outermost, r span); CREATE FUNCTION f(free) RETURNS int LANGUAGE sql AS 'SELECT 1';
"""

USED: dict[str, list[tuple[str, ...]]] = {
    "ALTER TYPE plain ALTER ATTRIBUTE x TYPE bigint": [("uses", "d")],
    "ALTER TYPE arrayed ALTER ATTRIBUTE x TYPE bigint": [("uses", "A")],
    "ALTER TYPE nested ALTER ATTRIBUTE x TYPE bigint": [("uses", "n")],
    "ALTER TYPE ranged ALTER ATTRIBUTE x TYPE bigint": [("uses", "r")],
    "ALTER TYPE free ALTER ATTRIBUTE x TYPE bigint": [],
    "ALTER TYPE plain ADD ATTRIBUTE y int": [],
    "ALTER TYPE typed ADD ATTRIBUTE y int": [("typed_table",)],
    "ALTER TYPE typed DROP ATTRIBUTE x": [("typed_table",)],
    "ALTER TYPE typed RENAME ATTRIBUTE x TO y": [("typed_table",)],
    "ALTER TYPE typed ALTER ATTRIBUTE x TYPE bigint": [("typed_table",)],
    "ALTER TYPE typed ALTER ATTRIBUTE x TYPE bigint CASCADE": [],
    "ALTER TABLE uses ADD COLUMN y int; ALTER TYPE plain ALTER ATTRIBUTE x TYPE bigint": [("uses", "d")],
}
"""Changes of composite types, and what keeps the server from them."""

BROKEN = (psycopg.errors.IntegrityError, psycopg.errors.DataException)

SCHEMA = """
CREATE TABLE p (id int PRIMARY KEY, x int, y int, UNIQUE (x, y));
CREATE TABLE t (a int, "B b" int, c int);
CREATE TABLE watched (a int, b int);
CREATE TRIGGER watch BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
INSERT INTO watched VALUES (NULL, 1), (NULL, 2);
CREATE TABLE cascading (id int PRIMARY KEY);
CREATE TABLE cascaded (id int REFERENCES cascading ON UPDATE CASCADE);
CREATE TYPE mood AS ENUM ('ok', 'sad');
CREATE TABLE w (id int PRIMARY KEY, s text, m mood, n bigint);
INSERT INTO w VALUES (1, 'x', 'sad', 1), (2, 'y', 'sad', 2), (3, '1000', 'ok', 3), (4, '-1000', 'ok', 4), (5, '7', 'ok', 40000);
INSERT INTO p SELECT g, g, g FROM generate_series(1, 5) g;
INSERT INTO t VALUES (1, 1, 1), (1, NULL, 2), (1, NULL, 3), (77, 5, 4), (NULL, 5, 5);
"""

FAILING = {
    'ALTER TABLE t ALTER "B b" SET NOT NULL': (2, 'rows of public.t have NULL in "B b"'),
    "ALTER TABLE t ADD CHECK (a < 50)": (1, "rows of public.t violate CHECK (a < 50)"),
    "ALTER TABLE t ADD UNIQUE (a)": (1, "values of (a) occur more than once in public.t"),
    'ALTER TABLE t ADD UNIQUE ("B b")': (1, 'values of ("B b") occur more than once'),
    "CREATE UNIQUE INDEX ON t (a) WHERE c < 3": (1, "values of (a) occur more than once"),
    "CREATE UNIQUE INDEX ON t (abs(a - 1), (c % 1))": (1, "values of ((abs(a - 1)), (c % 1)) occur more than once"),
    "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p": (1, "rows of public.t reference no row of public.p"),
    'ALTER TABLE t ADD FOREIGN KEY (a, "B b") REFERENCES p (x, y)': (1, "rows of public.t reference no row of public.p"),
    "ALTER TABLE t ADD COLUMN d int NOT NULL": (1, "d would be NULL in them"),
}

MISFITS = {
    "ALTER TABLE w ALTER s TYPE int USING s::int": (2, {1, 2}, 16),
    "ALTER TABLE w ALTER s TYPE numeric(3) USING s::numeric(3)": (4, {1, 2, 3, 4}, 16),
    "ALTER TABLE w ALTER s TYPE mood USING s::mood": (5, {1, 2, 3, 4, 5}, 14),
    "CREATE TYPE m2 AS ENUM ('x', 'y'); ALTER TABLE w ALTER s TYPE m2 USING s::m2": (3, {3, 4, 5}, 14),
    "ALTER TYPE mood RENAME TO was; CREATE TYPE mood AS ENUM ('ok'); ALTER TABLE w ALTER m TYPE mood USING m::text::mood": (2, {1, 2}, 14),
    "ALTER TABLE w ALTER s TYPE varchar(3)": (2, {3, 4}, 14),
    "ALTER TABLE w ALTER n TYPE smallint": (1, {5}, 14),
}
"""Type changes: rows whose value does not fit, their keys, and from which major on that is counted."""

EXCLUDED: dict[str, tuple[int, set[int | str], int]] = {
    "ALTER TABLE stay ADD EXCLUDE USING gist (during WITH &&)": (4, {1, 2, 3, 4}, 14),
    "ALTER TABLE stay ADD EXCLUDE USING gist (int4range(room, room, '[]') WITH =, during WITH &&)": (2, {1, 2}, 14),
    "ALTER TABLE stay ADD EXCLUDE (room WITH =) WHERE (room > 1)": (0, set(), 14),
    'ALTER TABLE stay ADD CONSTRAINT x EXCLUDE (lower("Guest") COLLATE "C" WITH OPERATOR(pg_catalog.=))': (2, {1, 4}, 14),
    "CREATE EXTENSION pg_trgm; ALTER TABLE stay ADD EXCLUDE (room WITH =)": (2, {1, 2}, 14),
    "UPDATE stay SET room = 2; ALTER TABLE stay ADD EXCLUDE (room WITH =)": (5, {1, 2, 3, 4, 5}, 14),
    "ALTER TABLE parted ADD EXCLUDE (id WITH =, a WITH =)": (2, {7}, 17),
    "ALTER TABLE periods ADD UNIQUE (place, during WITHOUT OVERLAPS)": (2, {"[1, 2)"}, 18),
}
"""Exclusion constraints: rows that another one excludes, what shows them first, and from which major on the statement is possible."""

FORESEEN = {
    "UPDATE p SET y = 1; ALTER TABLE t ADD COLUMN p_id int REFERENCES p ON UPDATE CASCADE; ALTER TABLE t ALTER a SET NOT NULL": 1,
    "ALTER TABLE t ADD COLUMN d int; UPDATE t u SET d = p.x FROM p WHERE p.id = u.c AND p.id > 1; ALTER TABLE t ALTER d SET NOT NULL": 1,
    "ALTER TABLE t ADD COLUMN d int; UPDATE t u SET d = 1 FROM (SELECT c FROM t WHERE c < 4) s WHERE s.c = u.c;"
    " ALTER TABLE t ALTER d SET NOT NULL": 2,
    "UPDATE t SET c = c + 1; ALTER TABLE t ADD COLUMN d int; UPDATE t u SET d = 1 FROM (SELECT c FROM t WHERE c < 4) s WHERE s.c = u.c;"
    " ALTER TABLE t ALTER d SET NOT NULL": 3,
    "UPDATE t SET a = 77 WHERE a IS NULL; ALTER TABLE t ADD CHECK (a < 50)": 2,
    "UPDATE t SET a = 3 WHERE a IS NULL; ALTER TABLE t ALTER a SET NOT NULL": 0,
    'UPDATE t SET a = c, "B b" = a WHERE c > 3; ALTER TABLE t ALTER "B b" SET NOT NULL': 3,
    "UPDATE t SET a = 6 WHERE a IS NULL; UPDATE t SET a = a - 5 WHERE c > 3; ALTER TABLE t ADD CHECK (a < 50)": 1,
    "DELETE FROM t WHERE c > 3; ALTER TABLE t ADD CHECK (a < 50)": 0,
    "DELETE FROM t WHERE a < 50; ALTER TABLE t ALTER a SET NOT NULL": 1,
    "ALTER TABLE t ADD COLUMN d int DEFAULT 1; ALTER TABLE t ADD UNIQUE (d)": 1,
    "ALTER TABLE t ADD COLUMN d int; UPDATE t SET d = c; ALTER TABLE t ADD UNIQUE (d)": 0,
    "ALTER TABLE t ADD COLUMN d int; UPDATE t SET d = (SELECT x FROM p WHERE id = t.c); ALTER TABLE t ALTER d SET NOT NULL": 0,
    "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a int DEFAULT 9; ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p": 5,
    "UPDATE p SET x = NULL WHERE id = 2; ALTER TABLE p ALTER x SET NOT NULL": 1,
    "UPDATE watched SET a = 3 WHERE b = 1; ALTER TABLE watched ALTER a SET NOT NULL": 1,
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; UPDATE t SET a = f() WHERE c = 4; ALTER TABLE t ALTER a SET NOT NULL": 1,
    "ALTER TABLE t ALTER a SET DEFAULT 3; ALTER TABLE t ALTER a SET NOT NULL": 1,
    "SELECT max(a), now() FROM t; ALTER TABLE t ALTER a SET NOT NULL": 1,
}
"""What earlier statements of the file do to the rows is thought through: so many break what the last one asks for."""

PASSING = [
    "ALTER TABLE t ALTER c SET NOT NULL",
    "ALTER TABLE t ADD CHECK (a > 0)",
    "ALTER TABLE t ADD UNIQUE (c)",
    "CREATE UNIQUE INDEX ON t (a) WHERE a > 1",
    "CREATE UNIQUE INDEX ON t (abs(a), abs(c))",
    'ALTER TABLE t ADD FOREIGN KEY ("B b") REFERENCES p',
]

UNFORESEEABLE = [
    "INSERT INTO t VALUES (NULL); ALTER TABLE t ALTER a SET NOT NULL",
    "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone; ALTER TABLE t ALTER a SET NOT NULL",
    "SELECT setval('s', a) FROM t; ALTER TABLE t ALTER a SET NOT NULL",
    "DO $$ BEGIN EXECUTE 'DELETE FROM t'; END $$; ALTER TABLE t ALTER a SET NOT NULL",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; UPDATE t SET a = 1 WHERE f() = 1; ALTER TABLE t ALTER a SET NOT NULL",
    "UPDATE p SET x = 1; UPDATE t SET a = (SELECT max(x) FROM p); ALTER TABLE t ALTER a SET NOT NULL",
    "UPDATE cascading SET id = id + 100; ALTER TABLE cascaded ALTER id SET NOT NULL",
    "CREATE TABLE u (a int); INSERT INTO u VALUES (1); ALTER TABLE u ALTER a SET NOT NULL",
    "CREATE TABLE u (a int); INSERT INTO u VALUES (1); CREATE UNIQUE INDEX ON u (a)",
]


NAMED = """
CREATE TABLE a (x int); CREATE TABLE b (x int, CONSTRAINT c CHECK (x > -5)); CREATE INDEX i ON a (x); CREATE SEQUENCE s;
CREATE SCHEMA aside; CREATE TABLE aside.a (x int); CREATE TYPE e AS ENUM ('one'); CREATE POLICY p ON b; CREATE VIEW v AS SELECT 1 AS one;
CREATE TRIGGER g BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE parent (x int, CONSTRAINT k CHECK (x > 0)); CREATE TABLE child () INHERITS (parent);
"""

TAKEN = {
    "CREATE TABLE a (y int)": "relation public.a",
    "CREATE TABLE i (y int)": "relation public.i",
    "CREATE VIEW s AS SELECT 1": "relation public.s",
    "CREATE SEQUENCE aside.a": "relation aside.a",
    "CREATE INDEX i ON b (x)": "relation public.i",
    "CREATE INDEX a ON b (x)": "relation public.a",
    "ALTER TABLE b RENAME TO v": "relation public.v",
    "ALTER INDEX i RENAME TO b": "relation public.b",
    "ALTER TABLE a SET SCHEMA aside": "relation aside.a",
    "ALTER TABLE b ADD COLUMN x text": "column x of public.b",
    "ALTER TABLE b ADD CONSTRAINT c CHECK (x > 0)": "constraint c of public.b",
    "ALTER TABLE b ADD CONSTRAINT i UNIQUE (x)": "relation public.i",
    "CREATE TRIGGER g BEFORE DELETE ON b FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()": "trigger g of public.b",
    "CREATE POLICY p ON b": "policy p of public.b",
    "CREATE TYPE e AS (x int)": "type public.e",
    "CREATE DOMAIN a AS int": "type public.a",
    "CREATE SCHEMA aside": "schema aside",
}

FREE = [
    "CREATE TABLE IF NOT EXISTS a (y int)",
    "CREATE OR REPLACE VIEW v AS SELECT 2 AS one",
    "DROP TABLE a; CREATE TABLE a (y int)",
    "DROP TABLE a; CREATE INDEX i ON b (x)",
    "ALTER TABLE a RENAME TO c; CREATE TABLE a (y int)",
    "ALTER TABLE b DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (x > 0)",
    "ALTER TABLE b DROP CONSTRAINT c; ALTER TABLE b ADD CONSTRAINT c CHECK (x > 0)",
    "DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$; CREATE TABLE a (y int)",
    "DROP SCHEMA aside CASCADE; CREATE TABLE aside (y int); CREATE SCHEMA aside",
    "DROP TYPE e CASCADE; CREATE TYPE e AS ENUM ('two')",
    "CREATE TEMPORARY TABLE a (y int)",
    "ALTER TABLE child ADD CONSTRAINT k CHECK (x > 0)",
    "ALTER TABLE parent ADD COLUMN y int; ALTER TABLE b ADD COLUMN y int",
    "CREATE TABLE aside.b (y int)",
]


def test_names_that_are_taken_are_told_first(connection, database: str):
    connection.execute(NAMED)
    for change, said in TAKEN.items():
        asked = next(p for p in _preflights(database, change) if p.expect == "false")
        assert (_answer(connection, asked), said in asked.message) == ("True", True), change
        assert _refused_by_server(database, change, (psycopg.errors.ProgrammingError,)), change


def test_names_that_the_file_frees_are_not_asked_about(connection, database: str):
    connection.execute(NAMED)
    assert {change: [p for p in _preflights(database, change) if p.expect == "false"] for change in FREE} == {change: [] for change in FREE}
    for change in FREE:
        assert not _refused_by_server(database, change, (psycopg.errors.ProgrammingError,)), change


@pytest.mark.newest("most of a minute")
def test_what_uses_a_composite_type_is_told_before_it_changes(connection, database: str):
    connection.execute(COMPOSITES)
    for change, users in USED.items():
        asked = _preflights(database, change)
        assert [_answer(connection, p) for p in asked if _answer(connection, p) != "0"] == [str(len(users))] * bool(users), change
        assert [row for p in asked for row in connection.execute(p.examples)] == users, change
        assert _refused_by_server(database, change, (psycopg.DatabaseError,)) == bool(users), change
    assert _preflights(database, "ALTER TABLE uses DROP COLUMN d; ALTER TYPE plain ALTER ATTRIBUTE x TYPE bigint") == ()


@pytest.fixture
def connection(database: str):
    with psycopg.connect(database, autocommit=True) as opened:
        opened.execute(SCHEMA)
        yield opened


def test_failing_rows_are_counted(connection, database: str):
    for change, (count, said) in FAILING.items():
        preflight = _only(_preflights(database, change))
        assert _answer(connection, preflight) == str(count), change
        assert said in preflight.message, change


def test_rows_that_exclude_one_another_are_counted(connection, database: str):
    connection.execute(
        """CREATE TABLE stay (id int PRIMARY KEY, room int, during int4range, "Guest" text);
        INSERT INTO stay VALUES (1, 1, '[1,5)', 'Ann'), (2, 1, '[4,7)', 'Bob'), (3, 2, '[4,5)', NULL), (4, 3, '[6,9)', 'ann'),
            (5, NULL, NULL, NULL);
        CREATE TABLE parted (id int, a int) PARTITION BY LIST (a);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1); CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
        INSERT INTO parted VALUES (7, 1), (7, 2), (7, 1), (8, 1), (8, 2);
        CREATE TABLE periods (place int4range, during int4range NOT NULL);
        INSERT INTO periods VALUES ('[1,2)', '[1,9)'), ('[1,2)', '[3,5)'), ('[1,2)', '[10,11)'), ('[2,3)', '[1,2)')"""
    )
    for change, (count, shown, since) in EXCLUDED.items():
        if connection.info.server_version // 10000 < since:
            continue
        asked = _preflights(database, change)[-1]
        assert _answer(connection, asked) == str(count), change
        assert {str(row[0]) for row in connection.execute(asked.message.split(" see them with ")[1])} == {str(s) for s in shown}, change
        assert _refused_by_server(database, change) == bool(count), change


def _refused_by_server(dsn: str, change: str, why: tuple[type[psycopg.Error], ...] = BROKEN) -> bool:
    """Whether the last of the statements fails in one of these ways; nothing is kept."""
    before, _, last = change.rpartition("; ")
    with psycopg.connect(dsn) as trial:
        if before:
            trial.execute(before)
        try:
            trial.execute(last)
        except why:
            return True
        finally:
            trial.rollback()
    return False


def test_an_operator_that_the_file_brings_is_not_asked_for(connection, database: str):
    assert _preflights(database, "CREATE EXTENSION cube; ALTER TABLE p ADD EXCLUDE USING gist (x WITH <->)") == ()


@pytest.mark.parametrize("small", [True, False])
def test_values_that_do_not_fit_are_counted(connection, database: str, small: bool):
    for change, (count, keys, since) in MISFITS.items():
        if connection.info.server_version // 10000 < since:
            continue
        asked = next(p for p in _preflights(database, change, small) if _answer(connection, p) != p.expect)
        assert _answer(connection, asked) == str(count), change
        assert {row[0] for row in connection.execute(asked.examples)} == keys, change
        assert len(connection.execute(asked.message.split(" see them with ")[1]).fetchall()) == count, change


def test_a_small_table_that_is_changed_as_it_is_gets_the_same_questions(connection, database: str):
    for change, (count, _) in FAILING.items():
        assert _answer(connection, _only(_preflights(database, change, small=True))) == str(count), change
    connection.execute("ALTER TABLE t ADD CONSTRAINT late CHECK (a < 50) NOT VALID")
    validated = _only(_preflights(database, "ALTER TABLE t VALIDATE CONSTRAINT late", small=True))
    assert _answer(connection, validated) == "1"


def test_the_values_of_a_domain_are_asked_about_in_each_table(connection, database: str):
    connection.execute(
        """CREATE DOMAIN d AS int; CREATE TABLE one (id int PRIMARY KEY, v d); CREATE TABLE two (value text, v d);
        INSERT INTO one VALUES (1, 5), (2, -5), (3, NULL); INSERT INTO two VALUES ('x', -1), ('y', -2)"""
    )
    asked = _preflights(database, "ALTER DOMAIN d ADD CHECK (VALUE > 0)", small=True)
    assert [_answer(connection, p) for p in asked] == ["1", "2"]
    assert [connection.execute(p.examples).fetchall() for p in asked] == [[(2, -5)], [(-1,), (-2,)]]
    connection.execute("ALTER DOMAIN d ADD CONSTRAINT late CHECK (VALUE > 0) NOT VALID")
    assert [_answer(connection, p) for p in _preflights(database, "ALTER DOMAIN d VALIDATE CONSTRAINT late", small=True)] == ["1", "2"]
    assert [_answer(connection, p) for p in _preflights(database, "ALTER DOMAIN d SET NOT NULL", small=True)] == ["1", "0"]


def test_examples_name_the_key_and_the_columns(connection, database: str):
    asked = _only(_preflights(database, "ALTER TABLE p ADD CHECK (x > 3)"))
    assert connection.execute(asked.examples).fetchall() == [(1, 1), (2, 2), (3, 3)]
    asked = _only(_preflights(database, "ALTER TABLE t ADD UNIQUE (a)"))
    assert connection.execute(asked.examples).fetchall() == [(1, 3)]


def test_a_column_that_the_file_adds_is_not_asked_about(connection, database: str):
    change = "ALTER TABLE t ADD COLUMN d int DEFAULT 1; ALTER TABLE t ALTER d TYPE text"
    assert [p for p in _preflights(database, change) if _answer(connection, p) != p.expect] == []


def test_a_message_shows_the_rows(connection, database: str):
    preflight = _only(_preflights(database, "ALTER TABLE t ADD CHECK (a < 50)"))
    assert connection.execute(preflight.message.split(" see them with ")[1]).fetchall() == [(77, 5, 4)]


def test_good_rows_pass(connection, database: str):
    for change in PASSING:
        preflight = _only(_preflights(database, change))
        assert _answer(connection, preflight) == preflight.expect, change


def test_what_the_run_itself_changes_is_not_asked_before(connection, database: str):
    assert {change: _preflights(database, change) for change in UNFORESEEABLE} == dict.fromkeys(UNFORESEEABLE, ())


def test_what_the_run_itself_changes_is_foreseen(connection, database: str):
    found = {}
    for change in FORESEEN:
        preflight = _only(_preflights(database, change))
        found[change] = int(_answer(connection, preflight))
        shown = connection.execute(preflight.message.split(" see them with ")[1]).fetchall()
        assert len(shown) == found[change], change
    assert found == FORESEEN


def test_what_is_foreseen_is_what_comes(connection, database: str):
    """The server itself, with the statements run: it refuses the last one just where rows were counted."""
    for change, count in FORESEEN.items():
        assert _refused_by_server(database, change) == bool(count), change


def _preflights(dsn: str, change: str, small: bool = False) -> tuple[Preflight, ...]:
    session = connect(dsn, "preflights", environment={})
    try:
        catalog = read_catalog(session)
    finally:
        session.close()
    rules = ["unbatched-write", "rename-object", "rename-table", "exclusion-build", "blocking-unique-build"]
    rules += ["type-change-rewrite"] * small
    allowed = "".join(f"-- pgsluice: file: allow {rule} because only the questions matter\n" for rule in rules)
    plan = planned(Case("", "", "", allowed + change, (), (), frozenset(), small=small), catalog)
    return tuple(p for _, step in plan.steps() for p in step.preflight)


def _only(preflights: tuple[Preflight, ...]) -> Preflight:
    assert len(preflights) == 1, preflights
    return preflights[0]


def _answer(connection: psycopg.Connection, preflight: Preflight) -> str:
    row = connection.execute(preflight.sql).fetchone()
    assert row is not None
    return str(row[0])
