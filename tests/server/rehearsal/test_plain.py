"""Migrations as plain SQL, with the locks that each statement took."""

from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.rehearsal.plain import PlainStatement, run_plainly
from tests.support.sql import execute

MIGRATION = """
ALTER TABLE t RENAME TO renamed;
CREATE TABLE fresh (id int);
DROP TABLE gone;
ALTER SEQUENCE s INCREMENT 5;
"""


def test_locks_have_the_names_of_before(database: str):
    """Also of what the migration renames or drops; what it makes is nobody's yet."""
    execute(database, "CREATE TABLE t (); CREATE TABLE gone (); CREATE SEQUENCE s")
    done: list[PlainStatement] = []
    run_plainly(database, migration_of("m.sql", "m.sql", MIGRATION), print, done.append)
    held = [{lock.relation: str(lock.mode) for lock in statement.locks} for statement in done]
    assert held[0] == held[1] == {"public.t": "ACCESS EXCLUSIVE"}
    assert held[2] == held[0] | {"public.gone": "ACCESS EXCLUSIVE"}
    assert held[3].keys() - held[2].keys() == {"public.s"}
