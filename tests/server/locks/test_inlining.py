"""Whether a default that calls a function in SQL rewrites the table: what we read of its body, and what the server does."""

import pytest

from pgsluice.analysis.locks.inlining import inlined
from tests.server.locks.rewriting import rewrites
from tests.support.sql import execute, value

NOW = "extract(epoch FROM now())::bigint"
FREE = {
    "a SELECT": f"AS 'SELECT {NOW}'",
    "a comment behind it": f"AS ' SELECT {NOW}; -- now'",
    "RETURN": f"RETURN {NOW}",
    "ATOMIC": f"BEGIN ATOMIC SELECT {NOW}; END",
    "stable": f"STABLE PARALLEL SAFE COST 7 AS 'SELECT {NOW}'",
}
CALLED = {
    "SECURITY DEFINER": f"SECURITY DEFINER AS 'SELECT {NOW}'",
    "SET": f"SET search_path = pg_catalog AS 'SELECT {NOW}'",
    "FROM": f"AS 'SELECT {NOW} FROM (VALUES (1)) v'",
    "WHERE": f"AS 'SELECT {NOW} WHERE true'",
    "LIMIT": f"AS 'SELECT {NOW} LIMIT 1'",
    "ORDER BY": f"AS 'SELECT {NOW} ORDER BY 1'",
    "two statements": f"AS 'SELECT 1; SELECT {NOW}'",
    "a subquery": f"AS 'SELECT (SELECT {NOW})'",
    "WITH": f"AS 'WITH a AS (SELECT 1) SELECT {NOW}'",
    "VALUES": f"AS 'VALUES ({NOW})'",
}


@pytest.mark.parametrize("how", [*FREE, *CALLED])
def test_a_default_by_a_function_in_sql(database: str, how: str):
    definition = f"CREATE FUNCTION micros() RETURNS bigint LANGUAGE sql {(FREE | CALLED)[how]}"
    execute(database, definition, "CREATE TABLE t (a int)")
    assert rewrites(database, "ALTER TABLE t ADD COLUMN at bigint DEFAULT micros()") == (how in CALLED)
    kept = value(database, "SELECT pg_get_functiondef('micros'::regproc)")
    assert (inlined(definition) is not None, inlined(kept) is not None) == (how in FREE,) * 2
