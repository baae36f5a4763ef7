"""The queue behind a waiting DDL, whoever is at its head: each kind of blocker on real servers."""

import psycopg
import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.execution.monitor.overview import Observer
from pgsluice.model.lock_forest import lock_forest, waiters_behind
from pgsluice.report.activity_sentences import alarms
from pgsluice.report.activity_text import snapshot_text
from pgsluice.report.style import Style
from tests.server.monitor.looking import ALTER, READ, WAITING, ddl_with_readers_behind, look, running, tree
from tests.support.scenes import holding, make_shop, until
from tests.support.servers import TestServer
from tests.support.sql import execute, value


@pytest.fixture
def shop(owner_dsn: str) -> str:
    """The connection string of an ordinary role, which owns public.t."""
    make_shop(owner_dsn)
    return owner_dsn


def test_an_idle_reader_a_waiting_ddl_and_its_queue(shop: str):
    with holding(shop, READ, "report"), ddl_with_readers_behind(shop, 12) as deploy:
        seen = look(shop)
    reader = tree(seen)
    assert (reader.backend.application, reader.backend.state, reader.behind) == ("report", "idle in transaction", 13)
    assert reader.holding is not None and (reader.holding.mode, reader.holding.object) == ("ACCESS SHARE", "public.t")
    (alter,) = reader.children
    assert (alter.backend.pid, alter.backend.definition, alter.behind) == (deploy, "ALTER TABLE", 12)
    assert alter.wait is not None and (alter.wait.mode, alter.wait.object, alter.wait.inferred) == ("ACCESS EXCLUSIVE", "public.t", False)
    assert {child.wait.mode for child in alter.children if child.wait} == {"ACCESS SHARE"}
    assert sum(child.wait.inferred for child in alter.children if child.wait) == 10, "most were not asked about"
    assert len(waiters_behind(seen.queues, str(deploy))) == 12
    said = alarms(lock_forest(seen.queues))
    assert any("ALTER TABLE of pid" in s and "behind pid" in s and "12 sessions wait behind it" in s for s in said)
    assert "└─ 12 sessions wait for ACCESS SHARE on public.t" in snapshot_text(seen, Style())


def test_a_long_query(shop: str):
    with running(shop, "SELECT count(*), pg_sleep(60) FROM t", application="report"):
        until(lambda: value(shop, "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND granted") == 1)
        with ddl_with_readers_behind(shop):
            reader = tree(look(shop))
    assert (reader.backend.application, reader.backend.state, reader.children[0].behind) == ("report", "active", 5)


def test_a_prepared_transaction(shop: str):
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("BEGIN; UPDATE t SET v = v WHERE id = 1; PREPARE TRANSACTION 'it''s prepared'")
    with ddl_with_readers_behind(shop):
        seen = look(shop)
    execute(shop, "ROLLBACK PREPARED 'it''s prepared'")
    prepared = tree(seen)
    assert (prepared.backend.pid, prepared.backend.gid, prepared.children[0].behind) == (None, "it's prepared", 5)
    assert prepared.holding is not None and prepared.holding.mode == "ROW EXCLUSIVE"
    assert prepared.backend.age_s is not None and "prepared transaction" in snapshot_text(seen, Style())


def test_another_migration(shop: str):
    with holding(shop, "ALTER TABLE t ADD COLUMN early int", "other deploy"), ddl_with_readers_behind(shop):
        other = tree(look(shop))
    assert (other.backend.application, other.backend.definition) == ("other deploy", None), "it runs none at this moment"
    assert other.holding is not None and other.holding.mode == "ACCESS EXCLUSIVE"
    assert other.behind == 6
    assert [len(child.children) for child in other.children] == [5], "the readers wait behind both; it is the second that stays"


def test_a_concurrent_build_that_waits_for_a_snapshot(shop: str):
    with psycopg.connect(shop, autocommit=True, application_name="old snapshot") as old:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        with running(shop, "CREATE INDEX CONCURRENTLY of_v ON t (v)", application="deploy") as (deploy,):
            until(lambda: value(shop, WAITING) == 1)
            seen = look(shop)
            pids = (deploy.info.backend_pid, old.info.backend_pid)
    waits = tree(seen)
    assert (waits.backend.application, waits.children[0].backend.definition) == ("old snapshot", "CREATE INDEX CONCURRENTLY")
    assert waits.children[0].wait is not None and waits.children[0].wait.kind == "virtualxid"
    (operation,) = seen.operations
    assert (operation.command, operation.relation) == ("CREATE INDEX CONCURRENTLY", "public.t")
    assert (operation.pid, operation.waits_for) == pids and operation.phase.startswith("waiting")


def test_a_row_that_another_has_changed(shop: str):
    update = "UPDATE t SET v = v WHERE id = 1"
    with holding(shop, update, "first"), running(shop, update, update, update):
        until(lambda: value(shop, WAITING) == 3)
        found = tree(look(shop))
    assert (found.backend.application, found.behind) == ("first", 3)
    assert found.children[0].wait is not None and found.children[0].wait.row and found.children[0].wait.relation == "public.t"


def test_two_ddls_one_behind_the_other_and_strange_names(shop: str):
    name = '"tab\'le "" %s 1"'
    execute(shop, f"CREATE TABLE {name} ()")
    with holding(shop, f"SELECT FROM {name}", 'app "%s"'), running(shop, f"ALTER TABLE {name} ADD COLUMN a int", application="one"):
        until(lambda: value(shop, WAITING) == 1)
        with running(shop, f"ALTER TABLE {name} ADD COLUMN b int", application="two"):
            until(lambda: value(shop, WAITING) == 2)
            with running(shop, f"SELECT FROM {name}"):
                until(lambda: value(shop, WAITING) == 3)
                seen = look(shop)
    first = tree(seen)
    chain = [first.backend.application]
    while first.children:
        (first,) = first.children
        chain.append(first.backend.application)
    assert chain == ['app "%s"', "one", "two", "shop"]
    assert first.wait is not None and first.wait.object == f"public.{name}"


def test_parallel_workers_are_folded_into_their_leader(shop: str):
    eager = """SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
        SELECT count(*) FROM t WHERE pg_sleep(0.05) IS NOT NULL"""
    workers = "SELECT count(*) FROM pg_stat_activity WHERE leader_pid IS NOT NULL AND datname = current_database()"
    with running(shop, eager, application="report") as (report,):
        until(lambda: value(shop, workers) > 0)
        with ddl_with_readers_behind(shop, 1):
            found = tree(look(shop))
        pid = report.info.backend_pid
    assert found.backend.pid == pid and found.backend.workers >= 1


def test_queues_of_other_databases_are_not_shown(shop: str, other_database: str):
    execute(other_database, "CREATE TABLE t ()")
    with holding(other_database, READ), running(other_database, ALTER):
        until(lambda: value(other_database, WAITING) == 1)
        assert look(shop).queues.waits == ()


def test_what_an_ordinary_role_cannot_see_is_said(shop: str, database: str):
    with holding(database, READ, "secret report"), ddl_with_readers_behind(shop, 1):
        session = connect(shop, "watch", environment={}, read_only=True)
        observer = Observer(session)
        first = tree(observer.look())
        seen = observer.look()
        session.close()
    later = tree(seen)
    assert later.backend.state is None and later.backend.query is None and later.backend.user == "postgres"
    assert later.backend.age_is_lower_bound and (later.backend.age_s or 0) > (first.backend.age_s or 0)
    assert any("pg_monitor" in said for said in seen.unseen)
    assert later.children[0].behind == 1


def test_pg_monitor_is_enough_to_see_all(shop: str, database: str, server: TestServer):
    execute(database, "DROP ROLE IF EXISTS monitoring", "CREATE ROLE monitoring LOGIN IN ROLE pg_monitor")
    name = value(database, "SELECT current_database()")
    with holding(database, READ, "report"), ddl_with_readers_behind(shop, 1):
        seen = look(server.process.dsn(name, "monitoring"))
    found = tree(seen)
    assert found.backend.state == "idle in transaction" and found.backend.query is not None and seen.unseen == ()
    execute(database, "DROP ROLE monitoring")


def test_a_look_never_waits_for_a_locked_table(shop: str, database: str):
    """Neither for a table of the user's nor, for longer than its own timeout, for one of the catalog."""
    execute(shop, "CREATE INDEX of_v ON t (v)", "CREATE VIEW a_view AS SELECT * FROM t")
    with holding(shop, "LOCK TABLE t; ALTER INDEX of_v RENAME TO renamed"), running(shop, READ):
        until(lambda: value(shop, WAITING) == 1)
        assert tree(look(shop)).behind == 1
    session = connect(shop, "watch", environment={}, read_only=True)
    observer = Observer(session)
    observer.look()
    with holding(database, "LOCK TABLE pg_catalog.pg_prepared_xacts IN ACCESS EXCLUSIVE MODE"):
        seen = observer.look()
    session.close()
    assert any("lock timeout" in said for said in seen.unseen), seen.unseen
    assert seen.wal_bytes is not None, "the other parts were read"


def test_hundreds_of_waiters_are_counted_and_most_are_not_asked_about(shop: str):
    """Nor does a server process that is interrupted in the middle of a look tear the queue apart."""
    with holding(shop, READ, "report"), ddl_with_readers_behind(shop, 60):
        for _ in range(5):
            found = tree(look(shop))
            assert found.behind == 61 and found.children[0].behind == 60
