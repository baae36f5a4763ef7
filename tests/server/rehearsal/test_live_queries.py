"""A load made from the pg_stat_statements of a live database: real statements, parameters from made-up rows."""

from collections.abc import Iterator

import psycopg
import pytest

from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.rehearsal.load.asked import asked_by
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.draws import Draws
from pgsluice.rehearsal.load.live_queries import SAMPLE, LiveLoad, LiveQuery, live_load, read_live_queries
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.server import ThrowawayServer
from tests.support.sql import execute, rows, value

SCHEMA = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE, mood mood, tags text[], born date, data jsonb);
CREATE TABLE orders (
    user_id int REFERENCES users, number int, total numeric(10,2) CHECK (total > 0), at timestamptz DEFAULT now(),
    PRIMARY KEY (user_id, number));
INSERT INTO users SELECT i, 'u' || i || '@example.org', 'sad', ARRAY['a', 'b' || i], '2000-01-01', jsonb_build_object('n', i)
FROM generate_series(1, 500) i;
INSERT INTO orders SELECT i, n, i + n FROM generate_series(1, 500) i, generate_series(1, 3) n;
"""
ASKED = {
    "SELECT * FROM users WHERE id = $1": 700,
    "SELECT email, total FROM users u JOIN orders AS o ON user_id = u.id WHERE o.user_id = $1 AND number = $2 ORDER BY at LIMIT $3": 90,
    "SELECT * FROM orders WHERE (user_id, number) > ($1, $2) ORDER BY user_id, number LIMIT $3 OFFSET $4": 80,
    "SELECT count(*) FROM users WHERE id = ANY ($1) OR mood IN ($2, $3) OR tags @> $4 OR lower(email) = lower($5::text)": 70,
    "SELECT id FROM users WHERE born BETWEEN $1 AND $2 AND born > now() - $3::interval FOR UPDATE": 60,
    "INSERT INTO users (id, email, mood) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET email = excluded.email RETURNING id": 50,
    "INSERT INTO orders VALUES ($1, $2, $3)": 45,
    "UPDATE users SET mood = $1, data = jsonb_set(data, $2, $3) WHERE email = $4": 40,
    "DELETE FROM orders WHERE user_id = $1 AND number = $2": 30,
    "INSERT INTO orders SELECT id, $1, $2 FROM users WHERE id = $3 AND $4::regclass IS NOT NULL": 25,
    "WITH made AS (SELECT $1::int AS id) SELECT * FROM made JOIN users USING (id)": 20,
}
UNUSABLE = {
    "SELECT * FROM gone WHERE id = $1": None,  # names no table that is there: it is not ours
    "SELECT gone FROM users WHERE id = $1": 'column "gone" does not exist',
    "DELETE FROM users WHERE id = $1": "violates foreign key",
    "SELECT pg_sleep($1) FROM users": "statement timeout",
    "SELECT born + interval $1 FROM users": "syntax error",
    "BEGIN": None,
    "SELECT $1": None,
}


def loaded(dsn: str, texts: dict[str, int], seed: int = 1) -> LiveLoad:
    session = connect(dsn, "test", environment={})
    try:
        return live_load(session, read_catalog(session), [LiveQuery(text, calls) for text, calls in texts.items()], seed)
    finally:
        session.close()


def test_statements_become_requests_that_work_for_every_draw(owner_dsn: str):
    execute(owner_dsn, SCHEMA)
    load = loaded(owner_dsn, ASKED)
    assert load.notes == () and len(load.kinds) == len(ASKED)
    assert load.kinds[0].weight / load.kinds[-1].weight == pytest.approx(35)
    draws = Draws(load.kinds, 7)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        for number, kind in enumerate(load.kinds):
            connection.execute(f"PREPARE k{number} AS {kind.statements[0].sql}")
        for _ in range(300):
            number, values = draws.draw()
            given = f"({', '.join(v.decode() for v in values)})" if values else ""
            connection.execute(f"EXECUTE k{number}{given}")
    assert value(owner_dsn, "SELECT count(*) FROM users") > 500, "an INSERT met its keys"


def test_values_are_those_of_rows_that_are_there(owner_dsn: str):
    execute(owner_dsn, SCHEMA)
    by_key, by_two, *_ = loaded(owner_dsn, ASKED).kinds
    for row in range(0, 5 * SAMPLE, 97):
        assert len(rows(owner_dsn, by_key.statements[0].sql.replace("$1", str(row)))) == 1
        assert len(rows(owner_dsn, by_two.statements[0].sql.replace("$1", str(row)))) == 1, "both columns of a key from one row"


def test_what_cannot_be_used_is_named(owner_dsn: str):
    execute(owner_dsn, SCHEMA)
    load = loaded(owner_dsn, dict.fromkeys(UNUSABLE, 5))
    assert load.kinds == ()
    named = [why for why in UNUSABLE.values() if why is not None]
    assert len(load.notes) == len(named) and all(why in note for why, note in zip(named, load.notes, strict=True)), load.notes


def test_the_same_seed_makes_the_same_load(owner_dsn: str):
    execute(owner_dsn, SCHEMA)
    assert loaded(owner_dsn, ASKED).kinds == loaded(owner_dsn, ASKED).kinds != loaded(owner_dsn, ASKED, seed=2).kinds


@pytest.fixture(scope="module")
def live() -> Iterator[ThrowawayServer]:
    with ThrowawayServer(settings={"shared_preload_libraries": "pg_stat_statements"}) as server:
        execute(server.dsn(), SCHEMA)
        yield server


def test_a_live_database_says_what_it_is_asked(live: ThrowawayServer):
    execute(live.dsn(), "DROP EXTENSION IF EXISTS pg_stat_statements; CREATE SCHEMA IF NOT EXISTS stats")
    assert "not there" in read_live_queries(live.dsn())[1][0]
    execute(live.dsn(), "CREATE EXTENSION pg_stat_statements SCHEMA stats", "CREATE ROLE nobody_much LOGIN")
    execute(live.dsn(), "GRANT USAGE ON SCHEMA stats TO nobody_much")
    for number in range(30):
        execute(live.dsn(), f"SELECT email FROM users WHERE id IN ({number}, 2, 3)")
        execute(live.dsn(), f"UPDATE users SET born = '2001-01-01' WHERE id = {number}")
    queries, notes = read_live_queries(live.dsn())
    assert notes == ()
    session = connect(live.dsn(), "test", environment={})
    load = live_load(session, read_catalog(session), queries, 1)
    asked = {str(name) for name in asked_by(load.kinds, read_catalog(session))}
    session.close()
    assert "public.users" in asked and any("UPDATE users SET born" in kind.name for kind in load.kinds)
    with LoadProcess(live.dsn(), Load(load.kinds, 200.0, connections=2)) as process:
        recording = process.stop()
    assert {request.outcome for request in recording.requests()} <= {""}
    assert "hidden" in read_live_queries(live.dsn(user="nobody_much"))[1][0]


def test_where_it_cannot_be_read_that_is_said():
    with ThrowawayServer() as server:
        execute(server.dsn(), "CREATE EXTENSION pg_stat_statements")
        queries, (note,) = read_live_queries(server.dsn())
    assert queries == () and "shared_preload_libraries" in note
