"""A load that is made from a schema: every request of it works, whatever the tables are called and keyed by."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.rehearsal.load.derived import MOST_TABLES, SAMPLE, DerivedLoad, derive
from pgsluice.rehearsal.load.draws import Draws
from pgsluice.rehearsal.load.weights import USUAL_WEIGHTS, Weights, weights_of
from tests.support.sql import execute, rows, value

SCHEMA = """
CREATE SCHEMA "Odd";
CREATE TYPE "Odd".mood AS ENUM ('it''s', 'back\\slash', '"');
CREATE TABLE "Odd"."Parent Table" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "Order" text NOT NULL UNIQUE, n int);
CREATE TABLE child (
    parent uuid REFERENCES "Odd"."Parent Table", kind "Odd".mood, at timestamptz NOT NULL, note text, PRIMARY KEY (parent, kind));
CREATE INDEX child_at ON child (at);
CREATE TABLE log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, line text NOT NULL, twice text GENERATED ALWAYS AS (line || line) STORED);
CREATE TABLE part (k text, day date, v numeric(8,2), PRIMARY KEY (k, day)) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
CREATE TABLE keyless (v int);
CREATE TABLE empty (id int PRIMARY KEY);
CREATE TABLE only_key AS SELECT 1 AS id;
ALTER TABLE only_key ADD PRIMARY KEY (id);
CREATE SEQUENCE "Odd".numbers;
CREATE TABLE numbered (id bigint DEFAULT nextval('"Odd".numbers'));
INSERT INTO "Odd"."Parent Table" ("Order", n) SELECT 'o''' || i || E'\\\\', i FROM generate_series(1, 300) i;
INSERT INTO child SELECT id, m, now(), 'x' FROM "Odd"."Parent Table", unnest(enum_range(NULL::"Odd".mood)) m;
INSERT INTO log (line) SELECT 'l' || i FROM generate_series(1, 300) i;
INSERT INTO part SELECT '{a,b}' || i, '2024-01-01', i FROM generate_series(1, 50) i;
INSERT INTO keyless SELECT 1;
INSERT INTO numbered DEFAULT VALUES;
CREATE MATERIALIZED VIEW seen AS SELECT "Order", n FROM "Odd"."Parent Table";
CREATE UNIQUE INDEX ON seen ("Order");
CREATE MATERIALIZED VIEW unseen AS SELECT 1 AS a WITH NO DATA;
"""


@pytest.fixture
def session(owner_dsn: str) -> Iterator[Session]:
    execute(owner_dsn, SCHEMA)
    found = connect(owner_dsn, "test", environment={})
    yield found
    found.close()


def derived(session: Session, *focus: QualifiedName, seed: int = 1, weights: Weights = USUAL_WEIGHTS) -> DerivedLoad:
    return derive(session, read_catalog(session), frozenset(focus), seed, weights)


def test_every_request_works_for_every_draw(session: Session, owner_dsn: str):
    load = derived(session)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    draws = Draws(load.kinds, seed)
    for number, kind in enumerate(load.kinds):
        given = f"({kind.variables[0].high})" if kind.variables else ""
        execute(owner_dsn, f"PREPARE k{number} AS {kind.statements[0].sql}", f"EXECUTE k{number}{given}")
    for _ in range(50):
        chosen, values = draws.draw()
        given = f"({values[0].decode()})" if values else ""
        execute(owner_dsn, f"PREPARE k AS {load.kinds[chosen].statements[0].sql}", f"EXECUTE k{given}")


def test_what_is_asked(session: Session):
    names = {kind.name for kind in derived(session).kinds}
    assert names == {
        'read "Odd"."Parent Table"',
        'update "Odd"."Parent Table"',
        'range by "Order" of "Odd"."Parent Table"',
        "read public.child",
        "update public.child",
        "range by at of public.child",
        'join "Odd"."Parent Table" to public.child',
        "read public.log",
        "update public.log",
        "insert public.log",
        "read public.part",
        "update public.part",
        "read some of public.keyless",
        "update some of public.keyless",
        "insert public.keyless",
        "read public.only_key",
        "update public.only_key",
        "read some of public.numbered",
        "update some of public.numbered",
        "insert public.numbered",
        "read some of public.seen",
    }


def test_what_is_not_asked_is_said(session: Session):
    notes = derived(session).notes
    assert [note.split()[0] for note in notes] == ["public.empty", "public.unseen"]


def test_reads_meet_rows_and_inserts_add_them(session: Session, owner_dsn: str):
    kinds = {kind.name: kind for kind in derived(session).kinds}
    read, insert = kinds["read public.child"], kinds["insert public.log"]
    assert read.variables[0].high == SAMPLE
    sql = read.statements[0].sql.replace("$1", "7")
    assert len(rows(owner_dsn, sql)) == 1
    before = value(owner_dsn, "SELECT count(*) FROM log")
    execute(owner_dsn, insert.statements[0].sql.replace("$1", "7"))
    assert value(owner_dsn, "SELECT count(*) FROM log") == before + 1


def test_the_same_seed_makes_the_same_load(session: Session):
    assert derived(session).kinds == derived(session).kinds != derived(session, seed=2).kinds


def test_tables_that_the_migrations_touch_are_asked_first_and_more_often(session: Session, owner_dsn: str):
    execute(owner_dsn, *(f"CREATE TABLE a{n:02} AS SELECT 1 AS id; ALTER TABLE a{n:02} ADD PRIMARY KEY (id)" for n in range(MOST_TABLES)))
    log = QualifiedName("public", "log")
    weights = {kind.name: kind.weight for kind in derived(session, log).kinds}
    assert weights["read public.log"] > weights["read public.a00"] and "read public.child" not in weights
    (reader,) = derived(session, log).slow_readers
    assert "public.log" in reader.sql and "child" not in reader.sql


def test_weights(session: Session):
    given = {
        kind.name.split()[0]: kind.weight for kind in derived(session, weights=weights_of(["updates=7.5", "joins=0", "reads=1"])).kinds
    }
    assert given == {"read": 1.0, "update": 7.5, "range": 1.0, "insert": 1.0}


def test_inserts_keep_to_a_key_that_comes(session: Session):
    catalog, keys = (
        read_catalog(session),
        {QualifiedName("public", name): [frozenset({column})] for name, column in [("keyless", "v"), ("log", "id")]},
    )
    names = {kind.name for kind in derive(session, catalog, frozenset(), 1, keys=keys).kinds}
    assert "insert public.keyless" not in names and "insert public.log" in names


def test_the_slow_job_holds_what_one_that_inserted_holds(session: Session, owner_dsn: str):
    """The sequences, too; a materialised view is only read."""
    names = [QualifiedName("public", name) for name in ("log", "numbered", "seen")]
    (reader,) = derived(session, *names).slow_readers
    held = (
        "SELECT array_agg(DISTINCT relation::regclass::text || mode) FROM pg_locks WHERE locktype = 'relation' AND pid = pg_backend_pid()"
    )
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(reader.sql)
        ((locks,),) = connection.execute(held).fetchall()
    assert {f"{name}RowExclusiveLock" for name in ("log", "numbered", "log_id_seq", '"Odd".numbers')} <= {*locks}
    assert "seenAccessShareLock" in locks and "seenRowExclusiveLock" not in locks
