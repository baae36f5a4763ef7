"""Partitioned tables through the command line: to the end, and back."""

from pathlib import Path

import psycopg
import pytest

from tests.support.command import pgsluice
from tests.support.oracle import differences, picture
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute, value

SCENE = """
CREATE TABLE events (id int NOT NULL, day date NOT NULL, kind text NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_2025_a PARTITION OF events_2025 FOR VALUES IN ('a');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events SELECT g, '2024-01-01'::date + g, 'a' FROM generate_series(1, 900) g;
"""


def run(folder: Path, dsn: str, sql: str, *options: str) -> None:
    (folder / "0001_change.sql").write_text(sql)
    done = pgsluice("run", folder, "--database", dsn, "--from-start", "--treat-as-large", "--yes", "--stall-budget", "1s", *options)
    assert done.code == 0, done.err


def test_an_index_and_back(owner_dsn: str, tmp_path: Path):
    execute(owner_dsn, SCENE)
    before = picture(owner_dsn)
    run(tmp_path, owner_dsn, "CREATE INDEX ON events (id);")
    assert value(owner_dsn, "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid::regclass::text LIKE 'events%id_idx'") == 5
    back = pgsluice("rollback", "0001_change", "--database", owner_dsn, "--yes", "--stall-budget", "1s")
    assert back.code == 0, back.err
    assert differences(before, picture(owner_dsn)) == ""


ATTACHED = """
CREATE TABLE o (id int PRIMARY KEY);
CREATE TABLE t (a int, b text, c int REFERENCES o, PRIMARY KEY (a)) PARTITION BY LIST (a);
CREATE TABLE "Rest" PARTITION OF t DEFAULT;
CREATE INDEX by_b ON t (b DESC);
CREATE TABLE u (a int NOT NULL, b text, c int);
INSERT INTO o VALUES (1);
INSERT INTO t SELECT g, g::text, 1 FROM generate_series(3, 50) g;
INSERT INTO u SELECT 1, 'x', 1;
"""
ATTACH = "ALTER TABLE t ATTACH PARTITION u FOR VALUES IN (1, 2);\nCREATE TABLE t99 PARTITION OF t FOR VALUES IN (99);"


def test_a_table_is_attached_with_all_that_its_parent_has(owner_dsn: str, server: TestServer, tmp_path: Path):
    with server.fresh_database() as name:
        plain = server.process.dsn(name, OWNER)
        execute(plain, ATTACHED)
        execute(plain, ATTACH)
        execute(owner_dsn, ATTACHED)
        run(tmp_path, owner_dsn, ATTACH)
        assert differences(picture(plain), picture(owner_dsn)) == ""


def test_rows_of_the_default_partition_are_seen_before(owner_dsn: str, tmp_path: Path):
    execute(owner_dsn, ATTACHED)
    before = picture(owner_dsn)
    (tmp_path / "0001_change.sql").write_text("CREATE TABLE t3 PARTITION OF t FOR VALUES IN (3, 4, 99);")
    done = pgsluice("run", tmp_path, "--database", owner_dsn, "--from-start", "--treat-as-large", "--yes")
    assert (done.code, "2 rows of" in done.err, "preflight-failed" in done.err) == (2, True, True), done.err
    assert differences(before, picture(owner_dsn)) == ""


def test_a_partition_that_is_half_detached_is_finalized(owner_dsn: str, tmp_path: Path):
    """As a crash in the middle of DETACH CONCURRENTLY leaves it: its wait for an old reader was cut off."""
    execute(owner_dsn, SCENE, "ALTER TABLE events DETACH PARTITION events_rest")
    change = "ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY"
    with psycopg.connect(owner_dsn) as reader, psycopg.connect(owner_dsn, autocommit=True) as crashing:
        reader.execute("SELECT count(*) FROM events")
        crashing.execute("SET statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            crashing.execute(change)
    assert value(owner_dsn, "SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == 1
    run(tmp_path, owner_dsn, f"{change};", "--through", "contract")
    assert value(owner_dsn, "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'events_2024'::regclass") == 0
    assert value(owner_dsn, "SELECT count(*) FROM events_2024") == 365
