"""The ground that the other server tests stand on."""

import pytest

from tests.support.contents import all_rows, dump
from tests.support.servers import TestServer
from tests.support.sql import execute, rows, value


def test_the_server_is_of_the_major_it_claims(server: TestServer, database: str):
    assert value(database, "SELECT current_setting('server_version_num')::int / 10000") == server.major == server.version.major


def test_a_fresh_database_is_empty(database: str):
    execute(database, "CREATE TABLE left_over ()")
    assert len(rows(database, "SELECT FROM pg_tables WHERE schemaname = 'public'")) == 1


@pytest.mark.pg(">= 17")
def test_a_mark_keeps_older_majors_away(server: TestServer):
    assert server.major >= 17


def test_the_owner_is_an_ordinary_role(owner_dsn: str):
    execute(owner_dsn, "CREATE SCHEMA mine; CREATE TABLE public.t (a int)")
    assert value(owner_dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_a_database_in_use_goes_all_the_same(server: TestServer):
    with server.fresh_database() as name:
        execute(server.process.dsn(name), "SELECT pg_create_logical_replication_slot('left', 'pgoutput')")
        execute(server.process.dsn(name), "CREATE TABLE t (); BEGIN; INSERT INTO t DEFAULT VALUES; PREPARE TRANSACTION 'left'")
    assert value(server.dsn, "SELECT count(*) FROM pg_database WHERE datname = %s", [name]) == 0


def test_contents_are_equal_whatever_the_order_of_columns(database: str, other_database: str):
    execute(database, "CREATE TABLE t (a int NOT NULL, b text DEFAULT 'x'); INSERT INTO t VALUES (1, 'one'), (2, NULL)")
    execute(other_database, "CREATE TABLE t (b text, a int)")
    execute(other_database, "ALTER TABLE t ALTER a SET NOT NULL, ALTER b SET DEFAULT 'x', ADD _pgsluice_new int")
    execute(other_database, "CREATE SCHEMA pgsluice CREATE TABLE steps (); INSERT INTO t VALUES (NULL, 2), ('one', 1)")
    assert dump(database) == dump(other_database)
    assert all_rows(database) == all_rows(other_database) == {"public.t": ["(1,one)", "(2,)"]}


@pytest.mark.parametrize(
    "difference",
    [
        "ALTER TABLE t ADD b int",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
        "CREATE INDEX ON t (a)",
        "COMMENT ON TABLE t IS 'other'",
        "GRANT SELECT ON t TO public",
    ],
)
def test_dumps_show_every_difference(database: str, other_database: str, difference: str):
    for dsn in (database, other_database):
        execute(dsn, "CREATE TABLE t (a int)")
    execute(database, difference)
    assert dump(database) != dump(other_database)
