"""Whether a default rewrites the table: what we take its functions for, and what the server does."""

from contextlib import closing

import psycopg

from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.own_expression import expression_of
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from tests.server.locks.rewriting import rewrites
from tests.support.sql import execute

DEFAULTS = """
timestamptz now() + interval '1 day'
date CURRENT_DATE
timestamp LOCALTIMESTAMP
timestamp now() AT TIME ZONE 'utc'
timestamp timezone('utc', now())
timestamp CURRENT_TIMESTAMP(3) AT TIME ZONE 'Europe/Rome'
timetz CURRENT_TIME AT TIME ZONE 'utc'
timestamptz now() AT LOCAL
timestamptz date_trunc('day', now())
timestamptz to_timestamp(0)
timestamptz statement_timestamp()
timestamptz clock_timestamp()
timestamptz coalesce(pg_catalog.now(), transaction_timestamp())
timestamptz 'now'::timestamptz
timestamptz make_timestamptz(2020, 1, 1, 0, 0, 0)
bigint (date_part('epoch', now()) * 1000)::bigint
int extract(epoch FROM now())::int
interval age(now(), '2020-01-01')
tstzrange tstzrange(now(), NULL)
jsonb jsonb_build_object('a', 1)
jsonb '{}'::jsonb
text[] ARRAY[]::text[]
text md5('x') || lower('X') || format('%s', 1)
text md5(random()::text)
text substr(encode(sha256('a'), 'hex'), 0, 9)
text current_setting('a.b', true)
text to_char(now(), 'YYYY')
text concat(CURRENT_USER, current_database())
uuid gen_random_uuid()
uuid uuidv7()
float8 random()
float8 random_normal()
int random(1, 10)
int floor(random() * 100)::int
int CASE WHEN true THEN greatest(1, 2) END
bigint txid_current()
xid8 pg_current_xact_id()
tsvector to_tsvector('english', 'a')
inet inet_client_addr()
int pg_backend_pid()
int nextval('s')::int
"""


def test_each_default(database: str):
    """What a server does not know is none of it."""
    wrong, tried = [], 0
    execute(database, "CREATE SEQUENCE s")
    with closing(connect(database, "test", environment={})) as session:
        catalog = read_catalog(session)
    for type_, default in (line.split(" ", 1) for line in DEFAULTS.strip().splitlines()):
        execute(database, "DROP TABLE IF EXISTS t", "CREATE TABLE t (a int)")
        try:
            rewritten = rewrites(database, f"ALTER TABLE t ADD COLUMN c {type_} DEFAULT ({default})")
        except (psycopg.errors.SyntaxError, psycopg.errors.UndefinedFunction):
            continue
        tried += 1
        if is_volatile(expression_of(default), catalog) != rewritten:
            wrong.append((default, rewritten))
    assert wrong == [] and tried > 35
