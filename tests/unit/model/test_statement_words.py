"""What kind of statement a text is, told by its words: also where it was cut off, or dressed up as another."""

import pytest

from pgsluice.model.postgres.statement_words import data_definition, locks_explicitly


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("ALTER TABLE t ADD c int", "ALTER TABLE"),
        ('  alter\n table only "T" add c int', "ALTER TABLE"),
        ("/* a /* nested */ comment */ -- and a line\nDROP INDEX CONCURRENTLY i", "DROP INDEX CONCURRENTLY"),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "CREATE INDEX CONCURRENTLY"),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", "CREATE FUNCTION"),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE MATERIALIZED VIEW"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", "REFRESH MATERIALIZED VIEW CONCURRENTLY"),
        ("CREATE TEMP TABLE x ()", "CREATE TABLE"),
        ("BEGIN; SET LOCAL lock_timeout = '1s'; ALTER TABLE t ADD c int; COMMIT", "ALTER TABLE"),
        ("SELECT ';'; TRUNCATE t", "TRUNCATE"),
        ("SELECT $x$;DROP TABLE t;$x$; VACUUM FULL t", "VACUUM FULL"),
        ("VACUUM (FULL, ANALYZE) t", "VACUUM FULL"),
        ("COMMENT ON TABLE t IS 'x'", "COMMENT"),
        ("ALTER TABLE t ADD c text DEFAULT 'cut o", "ALTER TABLE"),
    ],
)
def test_definitions(query: str, said: str):
    assert data_definition(query) == said


@pytest.mark.parametrize(
    "query",
    [
        "",
        ";;",
        "SELECT 'ALTER TABLE t'",
        "SELECT 1 -- ALTER TABLE t\n",
        "/* ALTER TABLE t */ SELECT 1",
        "SELECT $$;ALTER TABLE t$$",
        "SELECT $a$;ALTER TABLE t$b$;ALTER TABLE t$a$",
        "SELECT E'it\\'s; ALTER TABLE t'",
        "SELECT 'it''s; ALTER TABLE t'",
        'SELECT 1 AS "; ALTER TABLE t"',
        "UPDATE alter SET drop = 1",
        "SELECT create FROM t",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
        "VACUUM t",
        "VACUUM (FREEZE) t",
        "ANALYZE",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD c int'; END $$",
        "EXPLAIN ALTER",
        "(SELECT 1)",
        "'",
        "$$",
        "/*",
    ],
)
def test_what_defines_nothing(query: str):
    assert data_definition(query) is None


def test_lock_is_told_from_words_that_look_like_it():
    assert locks_explicitly("BEGIN; LOCK t") and not locks_explicitly("SELECT 'LOCK t'") and not locks_explicitly("SELECT lock FROM t")
