"""CREATE INDEX as written, and said again with another name or CONCURRENTLY."""

import pytest

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.surgery import concurrently, index_named, without_if_exists

BIG = (
    'CREATE UNIQUE INDEX IF NOT EXISTS "I" ON ONLY s.t USING gist (a COLLATE "C" s.text_ops (x = 1) DESC NULLS LAST, lower(b) desc, '
    "(c || ')') text_ops, CURRENT_USER) INCLUDE (d, \"E\") NULLS NOT DISTINCT WITH (fillfactor = 70) TABLESPACE x WHERE f(a, 1) IS NULL"
)


def test_everything_that_an_index_can_say():
    found = index_definition(action_of(BIG))
    assert (found.name, found.table, found.unique, found.concurrent, found.if_not_exists, found.only, found.method) == (
        "I",
        ("s", "t"),
        True,
        False,
        True,
        True,
        "gist",
    )
    assert found.columns == ("a", None, None, None) and found.has_expressions
    assert [(k.descending, k.nulls_first) for k in found.keys[:2]] == [(True, False), (True, True)]
    assert [k.expression.sql for k in found.keys if k.expression] == ["lower(b)", "c || ')'", "CURRENT_USER"]
    assert (found.keys[0].collation, found.keys[0].operator_class) == ((None, "C"), ("s", "text_ops"))
    assert (found.include, found.nulls_not_distinct, found.tablespace, found.parameters) == (("d", "E"), True, "x", "fillfactor = 70")
    assert (found.where_sql, found.where.functions, found.where.columns) == ("f(a, 1) IS NULL", ((None, "f"),), ("a",))


def test_a_plain_index():
    found = index_definition(action_of("create index on t (a, b)"))
    assert (found.name, found.table, found.method, found.columns, found.key_names) == (None, (None, "t"), "btree", ("a", "b"), ("a", "b"))
    assert not (found.unique or found.only or found.where or found.parameters or found.has_expressions)
    assert index_definition(action_of("DROP INDEX i")) is None


def test_the_names_that_an_unnamed_index_is_named_from():
    found = index_definition(action_of("CREATE INDEX ON t (a, lower(b), (a + b), (data->>'x'), (c::date)) INCLUDE (d)"))
    assert found.key_names == ("a", "lower", "expr", "expr", "c", "d")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("create unique index i on t (a)", "create unique index CONCURRENTLY i on t (a)"),
        ("CREATE INDEX ON t (a)", "CREATE INDEX CONCURRENTLY ON t (a)"),
        ("CREATE INDEX IF NOT EXISTS i ON t (a)", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX CONCURRENTLY i ON t (a)"),
        ('CREATE INDEX "INDEX" ON t (a)', 'CREATE INDEX CONCURRENTLY "INDEX" ON t (a)'),
        ("DROP INDEX IF EXISTS a", "DROP INDEX CONCURRENTLY IF EXISTS a"),
        ("REINDEX (VERBOSE) TABLE t", "REINDEX (VERBOSE) TABLE CONCURRENTLY t"),
        ("REINDEX INDEX i", "REINDEX INDEX CONCURRENTLY i"),
        ("REFRESH MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW CONCURRENTLY v"),
        ("ALTER TABLE t DETACH PARTITION p", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY"),
    ],
)
def test_the_same_concurrently(sql, expected):
    assert concurrently(action_of(sql)) == expected
    assert action_of(expected).kind == action_of(sql).kind


def test_there_is_no_concurrently_for_others():
    with pytest.raises(ValueError, match="DROP TABLE"):
        concurrently(action_of("DROP TABLE t"))


def test_an_index_by_another_name():
    action = action_of('CREATE UNIQUE INDEX /* x */ i\n ON t (a) WHERE "ON" IS NULL')
    assert index_named(action, "J") == 'CREATE UNIQUE INDEX "J" ON t (a) WHERE "ON" IS NULL'
    assert index_named(action, "j", if_not_exists=True, concurrent=True) == (
        'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS j ON t (a) WHERE "ON" IS NULL'
    )
    action = action_of("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)")
    assert index_named(action, "i") == action.sql
    assert index_named(action, "i", if_not_exists=False, concurrent=False) == "CREATE INDEX i ON t (a)"
    assert index_named(action_of("CREATE INDEX ON t (a)"), "i") == "CREATE INDEX i ON t (a)"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE INDEX IF NOT EXISTS i ON t (a)", "CREATE INDEX i ON t (a)"),
        ("DROP TABLE IF EXISTS if", "DROP TABLE if"),
        ("DROP TABLE if", "DROP TABLE if"),
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", "ALTER TABLE t ADD COLUMN a int"),
        ("ALTER TABLE t DROP CONSTRAINT IF EXISTS a", "ALTER TABLE t DROP CONSTRAINT a"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int)"),
    ],
)
def test_without_if_exists(sql, expected):
    assert without_if_exists(action_of(sql)) == expected
