"""The names that PostgreSQL chooses for what has none: predicted on paper, compared with what the server really chose."""

import psycopg
import pytest

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.model.catalog import Catalog
from pgsluice.model.names import constraint_names

LONG = "l" + 58 * "o" + "ng"

SCHEMA = f"""
CREATE TYPE t_pair_idx AS (x int, y int);
CREATE TABLE t (id int, a int, b int, c text, expr int, pair int, "W x" int, arr int[], d timestamp, j jsonb, {LONG} int);
CREATE TABLE "{LONG}" ({LONG} int);
CREATE TABLE "été_é" ("{22 * "é_"}é" int);
CREATE TABLE taken (x int, CONSTRAINT t_a_key CHECK (x > 0), CONSTRAINT t_b_check CHECK (x > 1), CONSTRAINT t_b_fkey CHECK (x > 2));
CREATE TABLE t_id_seq (x int);
CREATE DOMAIN dom AS int CONSTRAINT t_d_check CHECK (VALUE > 0);
CREATE TABLE p (id int PRIMARY KEY, x int, y int, UNIQUE (x, y));
"""

CHANGES = [
    "CREATE INDEX ON t (a)",
    "CREATE INDEX ON t (a, a)",
    "CREATE INDEX ON t (pair)",
    "CREATE INDEX ON t (lower(c), upper(c)) INCLUDE (b)",
    "CREATE INDEX ON t ((a + b), (a - b), expr)",
    "CREATE INDEX ON t ((c::text))",
    "CREATE INDEX ON t (((a + 1)::text))",
    "CREATE INDEX ON t (coalesce(a, b), nullif(a, b), greatest(a, b), least(a, b))",
    "CREATE INDEX ON t ((CASE WHEN a > 1 THEN a ELSE b END))",
    "CREATE INDEX ON t ((CASE WHEN a > 1 THEN 1 END))",
    'CREATE INDEX ON t ("W x")',
    'CREATE INDEX ON t ((c COLLATE "C"))',
    "CREATE INDEX ON t ((arr[1]), (ARRAY[a, b]), (t.a))",
    "CREATE INDEX ON t (extract(year FROM d), substring(c FROM 1 FOR 2), trim(c))",
    "CREATE INDEX ON t ((j->>'a'), (j->'b'))",
    f"CREATE INDEX ON t (b, a, {LONG}, c)",
    f'CREATE UNIQUE INDEX ON "{LONG}" ({LONG})',
    f'CREATE INDEX ON "été_é" ("{22 * "é_"}é")',
    "ALTER TABLE t ADD UNIQUE (a)",
    "ALTER TABLE t ADD UNIQUE (a, b) INCLUDE (c)",
    "ALTER TABLE t ADD PRIMARY KEY (a)",
    "ALTER TABLE t ADD EXCLUDE USING btree (a WITH =, (b + 1) WITH =)",
    "ALTER TABLE t ADD CHECK (b > 0)",
    "ALTER TABLE t ADD CHECK (t.a > 0 AND a < 9)",
    "ALTER TABLE t ADD CHECK (a > b)",
    "ALTER TABLE t ADD CHECK (true)",
    f'ALTER TABLE "{LONG}" ADD CHECK ({LONG} > 0)',
    "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES p",
    "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES p (x, y)",
    "ALTER TABLE t ADD COLUMN n serial",
    "ALTER TABLE t DROP COLUMN id, ADD COLUMN id bigserial",
    "ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY UNIQUE CHECK (n > 0) REFERENCES p",
    "ALTER TABLE t ALTER a SET NOT NULL",
    "ALTER TABLE t ADD COLUMN d2 int NOT NULL",
]


def test_predicted_names_are_the_servers(database: str):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        before = _read(database)
        wrong = {}
        for change in CHANGES:
            catalog = before
            for action in actions(parse_statement(change)):
                catalog = after(action, catalog)
            connection.execute(change)
            there = _read(database)
            if _names(catalog) != _names(there):
                wrong[change] = (_names(catalog) - _names(there), _names(there) - _names(catalog))
            _restore(connection)
    assert wrong == {}


def _restore(connection: psycopg.Connection) -> None:
    connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.execute(SCHEMA)


def _read(dsn: str) -> Catalog:
    session = connect(dsn, "names", environment={})
    try:
        return read_catalog(session)
    finally:
        session.close()


def _names(catalog: Catalog) -> frozenset[str]:
    indexes = {f"index {i.name}" for i in catalog.indexes()}
    sequences = {f"sequence {n}" for n in catalog.sequences}
    constraints = {f"constraint {c} of {t.name}" for t in catalog.tables.values() for c in constraint_names(t)}
    return frozenset(indexes | sequences | constraints)


@pytest.mark.pg(">= 18")
def test_not_null_has_a_name(database: str):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int); ALTER TABLE t ALTER a SET NOT NULL")
    assert "constraint t_a_not_null of public.t" in _names(_read(database))
