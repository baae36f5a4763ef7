"""Who holds what, who waits for whom, and how far a build is: on real servers, as a role that may see little."""

from collections.abc import Iterator

import psycopg
import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.builds import index_state, invalid_indexes, possible_builders
from pgsluice.execution.monitor.holders import Sightings, conflicting_holders, end_idle
from pgsluice.execution.monitor.waiting import blockers_of, lockable, waiters_on
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock
from tests.support.scenes import AE, SUE, T, holding, in_background, make_shop, until
from tests.support.sql import execute

S = LockMode.SHARE
DDL = "COMMENT ON TABLE t IS 'by somebody else'"


@pytest.fixture
def session(owner_dsn: str) -> Iterator[Session]:
    make_shop(owner_dsn)
    session = connect(owner_dsn, "test", environment={})
    yield session
    session.close()


def test_only_conflicting_modes_count(session: Session, owner_dsn: str):
    with holding(owner_dsn, "SELECT FROM t LIMIT 1"):
        assert conflicting_holders(session, [Lock(T, S)]) == ()
        (reader,) = conflicting_holders(session, [Lock(T, AE)])
    assert reader.mode == "ACCESS SHARE" and reader.state == "idle in transaction" and reader.age_s >= 0.05
    assert reader.query is not None and "pg_sleep" in reader.query and reader.idle_s is not None


def test_one_row_for_each_transaction_with_its_strongest_mode(session: Session, owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE other ()")
    with holding(owner_dsn, "SELECT FROM t; LOCK TABLE other IN SHARE MODE"):
        (holder,) = conflicting_holders(session, [Lock(T, AE), Lock("public.other", AE)])
    assert (holder.relation, holder.mode) == ("public.other", "SHARE")


def test_what_does_not_exist_and_what_is_ours_is_left_out(session: Session, owner_dsn: str):
    assert conflicting_holders(session, [Lock("public.nowhere", AE)]) == () == conflicting_holders(session, [])
    with holding(owner_dsn) as ours:
        assert conflicting_holders(session, [Lock(T, AE)], ours=[ours.info.backend_pid]) == ()


def test_locks_of_another_database_are_not_ours(session: Session, other_database: str):
    """The same object number is another table there."""
    with psycopg.connect(other_database, autocommit=True) as there:
        there.execute("BEGIN; LOCK TABLE pg_class IN ACCESS SHARE MODE")
        assert conflicting_holders(session, [Lock("pg_catalog.pg_class", AE)], ours=[session.pid]) == ()


def test_hidden_ages_grow_with_what_we_see(session: Session, database: str):
    sightings, look = Sightings(), [Lock(T, AE)]
    with holding(database):
        (first,) = conflicting_holders(session, look, sightings=sightings)
        assert first.age_is_lower_bound and first.oldest_s == float("inf") and first.query is None and first.user == "postgres"
        until(lambda: conflicting_holders(session, look, sightings=sightings)[0].age_s > 0.1)
    assert conflicting_holders(session, look, sightings=sightings) == ()
    with holding(database):
        (later,) = conflicting_holders(session, look, sightings=sightings)
        assert later.age_s < 0.1 and later.oldest_s < 10, "we had looked shortly before"


def test_an_idle_session_is_ended_only_if_it_still_is_idle(session: Session, owner_dsn: str):
    with holding(owner_dsn) as idle:
        pid = idle.info.backend_pid
        assert not end_idle(session, pid, 100)
        until(lambda: end_idle(session, pid, 0.01))
        until(lambda: session.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid]) == 0)
        idle.close()


def test_application_sessions_that_wait_behind_us(session: Session, owner_dsn: str):
    with holding(owner_dsn, "LOCK TABLE t; INSERT INTO done VALUES ('x')") as us:
        waits = [in_background(lambda q=q: execute(owner_dsn, q)) for q in ("SELECT FROM t", "UPDATE t SET v = 1", DDL)]
        until(lambda: len(waiters_on(session, us.info.backend_pid)) == 2)
        found = waiters_on(session, us.info.backend_pid)
        assert {waiter.what for waiter in found} == {"t"} and found[0].waited_s >= found[1].waited_s >= 0
        assert waiters_on(session, us.info.backend_pid, ours=[waiter.pid for waiter in found]) == ()
        us.execute("ROLLBACK")
    for thread, _ in waits:
        thread.join()


def test_row_locks_and_the_queue_count_as_waiting_behind_us(session: Session, owner_dsn: str):
    with holding(owner_dsn, "UPDATE t SET v = 0 WHERE id = 1") as us:
        thread, _ = in_background(lambda: execute(owner_dsn, "UPDATE t SET v = 1 WHERE id = 1"))
        until(lambda: [waiter.what for waiter in waiters_on(session, us.info.backend_pid)] == ["a row"])
        us.execute("ROLLBACK")
        thread.join()
    with holding(owner_dsn), psycopg.connect(owner_dsn) as us:
        queued, _ = in_background(lambda: us.execute("LOCK TABLE t"))
        until(lambda: blockers_of(session, us.info.backend_pid))
        behind, _ = in_background(lambda: execute(owner_dsn, "SELECT FROM t"))
        until(lambda: [waiter.what for waiter in waiters_on(session, us.info.backend_pid)] == ["t"])
        us.cancel()
        queued.join()
        us.rollback()
        behind.join()


def test_whom_we_wait_for(session: Session, owner_dsn: str):
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE; PREPARE TRANSACTION 'the gid'")
    with holding(owner_dsn, name="reader"), psycopg.connect(owner_dsn) as us:
        assert blockers_of(session, us.info.backend_pid) == ()
        queued, _ = in_background(lambda: us.execute("LOCK TABLE t"))
        until(lambda: blockers_of(session, us.info.backend_pid))
        found = {(b.application, b.gid, b.relation, b.mode) for b in blockers_of(session, us.info.backend_pid)}
        us.cancel()
        queued.join()
        us.rollback()
    assert found == {("reader", None, "t", "ACCESS SHARE"), (None, "the gid", "t", "ACCESS SHARE")}
    execute(owner_dsn, "ROLLBACK PREPARED 'the gid'")


def test_a_build_waits_for_a_prepared_transaction_by_its_gid(session: Session, owner_dsn: str):
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute("BEGIN; UPDATE t SET v = v; PREPARE TRANSACTION 'the gid'")
    with psycopg.connect(owner_dsn, autocommit=True) as us:
        building, _ = in_background(lambda: us.execute("CREATE INDEX CONCURRENTLY of_v ON t (v)"))
        until(lambda: [b.gid for b in blockers_of(session, us.info.backend_pid)] == ["the gid"])
        state = index_state(session, "public.of_v")
        assert state is not None and not state.valid and not state.usable and list(invalid_indexes(session, T)) == ["public.of_v"]
        assert [b.pid for b in possible_builders(session, T)] == [us.info.backend_pid]
        execute(owner_dsn, "ROLLBACK PREPARED 'the gid'")
        building.join()
    state = index_state(session, "public.of_v")
    assert state is not None and state.usable and invalid_indexes(session, "public.of_v") == {}


def test_which_tables_may_be_locked(session: Session, database: str):
    execute(database, "CREATE TABLE not_ours (); CREATE VIEW a_view AS SELECT 1")
    asked = ["public.t_pkey", "public.not_ours", "public.nowhere", "public.done", "public.t", "public.a_view"]
    assert lockable(session, asked) == ("public.t", "public.done")
    assert SUE.blocks_application is False
