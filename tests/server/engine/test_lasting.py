"""What no patience outlasts is said before a migration begins, and not in the middle of it."""

import psycopg
import pytest

from pgsluice.execution.engine.preflight import lasting
from pgsluice.model.errors import PatienceError
from tests.support.plans import build_index, migration, plan, strike
from tests.support.sql import execute, value

MAKE = strike("make", "ALTER TABLE u ADD COLUMN made int", table="public.u")
ADD_B = strike("add-b", "ALTER TABLE t ADD COLUMN b int")
INDEX = build_index("index", "public.by_a", "CREATE INDEX CONCURRENTLY by_a ON u (id)", table="public.u")


@pytest.fixture
def left_behind(runs, monkeypatch):
    """A prepared transaction that has read t, and is old enough to have been left behind."""
    monkeypatch.setattr(lasting, "LEFT_BEHIND_S", 0.0)
    execute(runs.dsn, "CREATE TABLE u (id int)")
    with psycopg.connect(runs.dsn) as connection:
        gid = f"left behind {connection.info.dbname}"
        connection.execute("INSERT INTO t VALUES (9, 'z')")
        connection.execute(f"PREPARE TRANSACTION '{gid}'")
    yield gid
    execute(runs.dsn, f"ROLLBACK PREPARED '{gid}'")


@pytest.mark.parametrize("last", [ADD_B, INDEX])
def test_a_prepared_transaction_stops_a_migration_before_its_first_step(runs, left_behind, last):
    with runs.run() as run, pytest.raises(PatienceError) as blocked:
        run.apply(plan(migration(MAKE, last)))
    assert blocked.value.code == "blocked-for-long"
    assert left_behind in blocked.value.what and "ROLLBACK PREPARED" in blocked.value.next
    assert value(runs.dsn, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'u'::regclass AND attname = 'made'") == 0


def test_one_that_is_in_nobodys_way_stops_nothing(runs, left_behind):
    with runs.run() as run:
        run.apply(plan(migration(MAKE)))


def test_one_that_was_prepared_just_now_is_waited_for(runs, left_behind, monkeypatch):
    monkeypatch.setattr(lasting, "LEFT_BEHIND_S", 60.0)
    with runs.run(patience=1.0) as run, pytest.raises(PatienceError) as spent:
        run.apply(plan(migration(MAKE, ADD_B)))
    assert spent.value.code != "blocked-for-long"
