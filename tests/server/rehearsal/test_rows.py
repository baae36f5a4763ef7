"""Made-up rows obey whatever the catalog demands, on every server version, and what cannot be filled is named."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.rehearsal.rows.filling import Filled, fill, qualified_shapes
from pgsluice.rehearsal.rows.habits import Habit, read_habits
from pgsluice.rehearsal.rows.shape import Shapes, read_shapes
from pgsluice.rehearsal.rows.sizes import read_sizes, scaled
from pgsluice.rehearsal.rows.styles import constants
from tests.support.contents import all_rows
from tests.support.servers import TestServer
from tests.support.sql import execute, value

SCENE = Path(__file__).with_name("rows.sql").read_text()

TYPES = """
SELECT format_type(oid, NULL) FROM pg_type
WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typelem = 0
  AND typname !~ '^(_|pg_(?!lsn)|gtsvector|txid|refcursor|acl)'
  AND typname NOT IN ('regcollation', 'regconfig', 'regdictionary', 'regoper', 'regoperator', 'xml', 'oidvector', 'int2vector')
"""
"""Base types that an application may have columns of; not those that only the server's own catalogs use."""


@contextmanager
def opened(dsn: str) -> Iterator[Session]:
    with closing(connect(dsn, "test", environment={})) as session:
        yield session


def filled(dsn: str, rows: int = 200, **how) -> Filled:
    with opened(dsn) as session:
        return fill(session, rows, **how)


def broken_foreign_keys(dsn: str) -> list[str]:
    """Those that the rows violate: each is added once more under another name, which checks every row."""
    broken = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        keys = connection.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"
        ).fetchall()
        for table, definition in keys:
            try:
                connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT again {definition}; ALTER TABLE {table} DROP CONSTRAINT again")
            except psycopg.errors.ForeignKeyViolation as error:
                broken.append(str(error))
    return broken


def test_every_table_gets_rows_that_its_constraints_allow(database: str):
    execute(database, SCENE)
    done = filled(database, seed=3)
    assert [u.what for u in done.unfilled] == ["public.impossible"]
    assert "impossible_id_check" in done.unfilled[0].reason
    assert broken_foreign_keys(database) == []
    few = {str(t): n for t, n in done.rows.items() if n < 60}
    assert few == {"public.one": 1}
    for what in ('"Shop 1"."Groups" WHERE parent IS NOT NULL', "tasks WHERE person IS NOT NULL", "moods", "tree WHERE up IS NOT NULL"):
        assert value(database, f"SELECT count(*) FROM {what}") > 0, what


def test_rows_may_be_added_to_those_that_are_there(database: str):
    execute(database, SCENE)
    filled(database, 50)
    again = filled(database, 50)
    assert {str(t) for t, n in again.rows.items() if n < 5} <= {"public.one"}
    assert broken_foreign_keys(database) == []


def test_a_row_for_each_row_of_another_table_where_a_check_leaves_some_out(database: str):
    execute(
        database,
        "CREATE TABLE p (id int PRIMARY KEY)",
        "CREATE TABLE c (p int NOT NULL UNIQUE REFERENCES p, kind text CHECK (kind <> 'value 3' AND length(kind) <> 8))",
    )
    for _ in range(2):
        assert filled(database, 100).unfilled == ()
    assert value(database, "SELECT count(*) FROM c") > 100


def test_each_partition_by_hash_gets_rows_however_few(database: str):
    execute(database, "CREATE TABLE h (id int, kind text, PRIMARY KEY (id, kind)) PARTITION BY HASH (id, kind)")
    for n in range(24):
        execute(database, f"CREATE TABLE h_{n} PARTITION OF h FOR VALUES WITH (MODULUS 24, REMAINDER {n})")
    done = filled(database, 72)
    assert done.unfilled == () and min(done.rows.values()) >= 72 // 24 and sum(done.rows.values()) < 150


def test_the_application_can_go_on_inserting(database: str):
    execute(database, "CREATE TABLE t (id serial PRIMARY KEY, i bigint GENERATED ALWAYS AS IDENTITY UNIQUE)")
    filled(database, 50)
    execute(database, "INSERT INTO t DEFAULT VALUES")
    assert value(database, "SELECT max(id)::text || max(i) FROM t") == "5151"


def test_the_same_seed_makes_the_same_rows(database: str, other_database: str):
    for dsn in (database, other_database):
        execute(dsn, SCENE)
        filled(dsn, seed=11)
    assert all_rows(database) == all_rows(other_database)
    execute(database, "TRUNCATE tasks")
    filled(database, seed=12)
    assert all_rows(database)["public.tasks"] != all_rows(other_database)["public.tasks"]


def test_without_nulls_every_column_that_has_values_is_full(database: str):
    execute(database, SCENE)
    filled(database, nulls=0)
    assert value(database, "SELECT count(*) FROM users WHERE p IS NULL OR tags IS NULL OR r IS NULL OR j IS NULL OR born IS NULL") == 0


def test_numbers_that_need_not_differ_fit_a_smallint(database: str):
    execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, a int, b bigint, c numeric)")
    filled(database, 40_000)
    assert value(database, "SELECT max(greatest(a, b, c)) FROM t") <= 32_767 < value(database, "SELECT max(id) FROM t")


def test_every_type(server: TestServer, database: str):
    """As a column, a unique one where that can be, and an array; with the modifiers that types have."""
    with psycopg.connect(database, autocommit=True) as connection:
        types = [row[0] for row in connection.execute(TYPES)]
        sized = ["varchar(3)", "char(2)", "numeric(3,2)", "numeric(30,10)", "bit(3)", "bit(70)", "varbit(5)", "timestamp(0)"]
        sized.append("varchar(40)[]")
        for number, name in enumerate((*types, *sized)):
            connection.execute(f"CREATE TABLE t{number} (v {name} NOT NULL, a {name.removesuffix('[]')}[])")
            with psycopg.connect(database) as attempt:
                try:
                    attempt.execute(f"ALTER TABLE t{number} ADD UNIQUE (v)")
                except psycopg.errors.UndefinedObject:
                    attempt.rollback()
    done = filled(database, 5)
    assert done.unfilled == ()
    assert len(done.rows) == len(types) + len(sized)


def test_an_unknown_type_is_named(database: str):
    execute(database, "CREATE TABLE t (id int PRIMARY KEY, x pg_snapshot)")
    assert [(u.what, "pg_snapshot" in u.reason) for u in filled(database).unfilled] == [("public.t.x", True)]


def test_an_ordinary_role_fills_its_own_tables(owner_dsn: str):
    """Its triggers act: only a superuser may switch them off."""
    execute(owner_dsn, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int NOT NULL REFERENCES p)")
    done = filled(owner_dsn)
    assert sum(done.rows.values()) == 400


@pytest.mark.parametrize(
    ("condition", "texts", "numbers"),
    [
        ("(a > 5) AND (b < '-3'::integer)", ["-3"], ["5", "-3"]),
        ("c ~ '^it''s [0-9]$'::text", ["^it's [0-9]$"], []),
        ("col1 = 10.5", [], ["10.5"]),
    ],
)
def test_constants_of_a_condition(condition: str, texts: list[str], numbers: list[str]):
    assert constants(condition) == (texts, numbers)


def test_shapes_leave_out_what_belongs_to_an_extension(database: str):
    execute(database, "CREATE TABLE mine (id int); CREATE TABLE theirs (id int); ALTER EXTENSION plpgsql ADD TABLE theirs")
    with opened(database) as session:
        assert [t.name.name for t in read_shapes(session).tables.values()] == ["mine"]


def test_tables_get_their_own_sizes(database: str):
    execute(
        database,
        """CREATE TABLE users (id int PRIMARY KEY, best int NOT NULL);
        CREATE TABLE orders (id int PRIMARY KEY, owner int NOT NULL REFERENCES users, day date NOT NULL);
        ALTER TABLE users ADD FOREIGN KEY (best) REFERENCES orders DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE part (id int PRIMARY KEY) PARTITION BY HASH (id);
        CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE other (id int PRIMARY KEY)""",
    )
    sizes = {QualifiedName("public", name): size for name, size in {"users": 30, "orders": 900, "part_0": 50, "part_1": 400}.items()}
    done = filled(database, sizes=sizes)
    assert not done.unfilled and not broken_foreign_keys(database)
    counts = {name.name: count for name, count in done.rows.items()}
    assert (counts["users"], counts["orders"], counts["other"]) == (30, 900, 200)
    assert 50 <= counts["part_0"] < 80 and 400 <= counts["part_1"] < 500  # which of the rows fit a partition is not known before


def test_the_sizes_are_those_of_the_statistics(database: str):
    execute(database, "CREATE TABLE t AS SELECT generate_series(1, 5000); CREATE TABLE unknown (a int); CREATE TABLE nothing (a int)")
    execute(database, "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)")
    execute(database, "INSERT INTO p SELECT 1 FROM generate_series(1, 70)", "ANALYZE t, p_1, nothing")
    with opened(database) as session:
        sizes = {str(name): size for name, size in read_sizes(session).items()}
    assert sizes == {"public.t": 5000, "public.p": 70, "public.p_1": 70, "public.nothing": 0}
    assert scaled({QualifiedName("public", "t"): 5000, QualifiedName("public", "nothing"): 0, QualifiedName("public", "p"): 70}, 0.1) == {
        QualifiedName("public", "t"): 500,
        QualifiedName("public", "nothing"): 1,
        QualifiedName("public", "p"): 70,
    }


def test_columns_have_the_habits_of_production(database: str, other_database: str):
    """NULL, how many values differ, and how common the commonest is; the values themselves are not production's."""
    ddl = "CREATE TABLE t (id int PRIMARY KEY, often text, rare int, each text, never text, nothing int)"
    execute(database, ddl)
    execute(
        database,
        """INSERT INTO t SELECT i, CASE WHEN i % 2 = 0 THEN 'secret' WHEN i % 4 = 1 THEN 'other' || i % 7 END,
           CASE WHEN i % 10 = 0 THEN i % 3 END, 'own' || i, 'x' FROM generate_series(1, 4000) i""",
        "ANALYZE t",
    )
    with opened(database) as session:
        habits = read_habits(session)
    execute(other_database, ddl)
    assert not filled(other_database, 4000, habits=habits).unfilled
    assert value(other_database, "SELECT count(*) FROM t WHERE often LIKE '%secret%'") == 0
    commonest = "SELECT max(n) FROM (SELECT count(*) AS n FROM t WHERE often IS NOT NULL GROUP BY often) AS c"
    assert abs(value(other_database, commonest) - 2000) < 300
    assert abs(value(other_database, "SELECT count(*) FROM t WHERE often IS NULL") - 1000) < 150
    assert abs(value(other_database, "SELECT count(*) FROM t WHERE rare IS NOT NULL") - 400) < 100
    assert value(other_database, "SELECT count(DISTINCT rare) FROM t") == 3
    assert value(other_database, "SELECT count(*) FROM t WHERE each IS NULL OR never IS NULL") == 0
    assert value(other_database, "SELECT count(DISTINCT never) FROM t") == 1
    assert value(other_database, "SELECT count(nothing) FROM t") == 0
    assert value(other_database, "SELECT count(DISTINCT each) FROM t") > 2000


def shapes_after(dsn: str, sql: str) -> Shapes:
    """What a database looks like after some SQL, which is taken back."""
    with opened(dsn) as session:
        session.run("BEGIN")
        session.run(sql)
        return qualified_shapes(session)


def test_rows_meet_what_migrations_demand(database: str):
    """What they leave behind is read from a copy without rows: types, NOT NULL, keys, foreign keys, checks, bounds, generated columns."""
    execute(
        database,
        """CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE part (day date NOT NULL) PARTITION BY RANGE (day);
        CREATE TABLE old (day date); CREATE TABLE t (a int, b int, c text, d int, e int, f int, g text, h varchar(90), i text, j json)""",
    )
    migration = """
        ALTER TABLE t ALTER a SET NOT NULL, ADD UNIQUE (b), ADD CHECK (c LIKE 'x%'), ADD FOREIGN KEY (d) REFERENCES p,
            ADD COLUMN n int GENERATED ALWAYS AS (e + 1) STORED NOT NULL;
        CREATE TYPE mood AS ENUM ('sad', 'glad');
        ALTER TABLE t ALTER f TYPE smallint, ALTER g TYPE bigint USING g::bigint, ALTER h TYPE varchar(9), ALTER i TYPE mood USING i::mood,
            ALTER j TYPE text;
        ALTER TABLE old ALTER day SET NOT NULL;
        ALTER TABLE part ATTACH PARTITION old FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE other (id int PRIMARY KEY); ALTER TABLE t ADD COLUMN o int UNIQUE REFERENCES other"""
    filled(database)
    with pytest.raises((psycopg.errors.IntegrityError, psycopg.errors.DataError)):
        execute(database, migration)
    execute(database, "TRUNCATE p, old, t")
    then = shapes_after(database, migration)
    assert filled(database, then=then).unfilled == ()
    execute(database, migration)
    for table in ("p", "old", "t"):
        assert value(database, f"SELECT count(*) FROM {table}") > 100, table


def test_a_foreign_key_that_is_filled_late_has_the_habits_of_production(database: str):
    execute(database, "CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t, best int REFERENCES t)")
    habits = {QualifiedName("public", "t"): {"up": Habit(0.9, -0.1, 0), "best": Habit(1, 0, 0)}}
    filled(database, 2000, habits=habits)
    assert abs(value(database, "SELECT count(up) FROM t") - 200) < 60
    assert value(database, "SELECT count(best) FROM t") == 0


def test_what_production_has_is_not_put_right(database: str):
    """NULL and repeated values that statistics know of: the migration fails on them there, too."""
    execute(database, "CREATE TABLE t (a int, b int, c int, d int)")
    then = shapes_after(database, "ALTER TABLE t ALTER a SET NOT NULL, ADD UNIQUE (b), ADD UNIQUE (c), ALTER d SET NOT NULL")
    habits = {
        QualifiedName("public", "t"): {"a": Habit(0.5, -0.5, 0), "b": Habit(0, 20, 0.05), "c": Habit(0, -0.99, 0), "d": Habit(0, 9, 0)}
    }
    filled(database, 1000, habits=habits, then=then)
    assert value(database, "SELECT count(*) FROM t WHERE a IS NULL") > 300
    assert value(database, "SELECT count(DISTINCT b) FROM t") == 20
    assert value(database, "SELECT count(DISTINCT c) FROM t WHERE d IS NOT NULL") == 1000
