"""A publication with a subscriber: noticed before anything is made, and the subscriber comes first."""

from dataclasses import replace
from pathlib import Path

import pytest

from pgsluice import api
from pgsluice.model.errors import RefusedError
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.settings import Settings
from tests.support.plans import migration, plan, strike, transaction
from tests.support.scenes import until
from tests.support.servers import TestServer
from tests.support.sql import execute, value

SLOT = "SELECT pg_create_logical_replication_slot(current_database() || '_sub', 'pgoutput')"

ADD_B = strike("add-b", "ALTER TABLE t ADD COLUMN b int", undo="ALTER TABLE t DROP COLUMN b")
CHECK = strike("check", "ALTER TABLE t ADD CONSTRAINT big CHECK (id > 0) NOT VALID")
MAKE = transaction("make", "CREATE TABLE fresh (id int)")


@pytest.fixture
def publish(runs, database):
    """Publishes, with a subscriber's slot."""

    def do(what: str) -> None:
        execute(database, f"CREATE PUBLICATION everything {what}", SLOT)

    return do


def _journal_stands(runs):
    return value(runs.dsn, "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgsluice'") == 1


def _apply(runs, *steps, **settings):
    with runs.run(**settings) as run:
        run.apply(plan(migration(*steps, name=f"{len(run.history()):04}_next")))


def _refused(runs, *steps) -> str:
    with pytest.raises(RefusedError) as refusal:
        _apply(runs, *steps)
    assert refusal.value.code == "publication-all-tables" and refusal.value.next
    return refusal.value.next


def test_the_journal_would_be_sent(runs, publish, other_database):
    publish("FOR ALL TABLES")
    script = _refused(runs, CHECK)
    assert not _journal_stands(runs)
    execute(other_database, script[script.index("CREATE SCHEMA") :])  # what is offered runs on a subscriber
    assert value(other_database, "SELECT count(*) FROM pgsluice.lease") == 0
    _apply(runs, CHECK, subscribers_ready=True)
    assert _journal_stands(runs)


def test_with_the_journal_there_only_new_shapes_are_refused(runs, publish):
    _apply(runs)
    publish("FOR ALL TABLES")
    _apply(runs, CHECK)
    assert ADD_B.sql in _refused(runs, ADD_B)
    assert MAKE.sql in _refused(runs, MAKE)


def test_one_published_table(runs, publish):
    publish("FOR TABLE t")
    assert ADD_B.sql in _refused(runs, CHECK, ADD_B)
    _apply(runs, CHECK, MAKE)


@pytest.mark.pg(">= 15")
def test_a_published_schema(runs, publish):
    publish("FOR TABLES IN SCHEMA public")
    assert MAKE.sql in _refused(runs, MAKE)
    execute(runs.dsn, "CREATE SCHEMA aside")
    _apply(runs, transaction("make", "CREATE TABLE aside.fresh (id int)"))


def test_without_a_subscriber_nobody_is_hurt(runs, database):
    execute(database, "CREATE PUBLICATION everything FOR ALL TABLES")
    _apply(runs, ADD_B, MAKE)
    assert _journal_stands(runs)


@pytest.mark.newest("seconds of replication")
def test_a_twin_of_a_published_column(server: TestServer, tmp_path: Path, runs, publish, database, other_database):
    """What is said to run on the subscriber is enough for it through the whole change, rows of each phase included."""
    execute(other_database, "CREATE TABLE t (id int PRIMARY KEY, a text)")
    publish("FOR TABLE t")
    name = f"{value(database, 'SELECT current_database()')}_sub"
    subscription = f"CREATE SUBSCRIPTION s CONNECTION {literal(server.process.dsn(name[:-4]))} PUBLICATION everything"
    (tmp_path / "0001_change.sql").write_text("ALTER TABLE t ALTER COLUMN id TYPE bigint")
    settings = Settings(database=runs.dsn, treat_as_large=True, from_start=True, look_for=0.1)
    with pytest.raises(RefusedError) as refusal:
        api.run([tmp_path], settings)
    script = (refusal.value.next or "").partition(":\n")[2]
    execute(other_database, script.replace("public.t", "t"))
    execute(other_database, f"{subscription} WITH (create_slot = false, slot_name = '{name}')")
    try:
        execute(runs.dsn, "INSERT INTO t (id, a) VALUES (4, 'before')")
        api.run([tmp_path], replace(settings, subscribers_ready=True))
        execute(runs.dsn, "INSERT INTO t (id, a) VALUES (3000000000, 'between')", "UPDATE t SET a = 'z' WHERE id = 4")
        api.contract(None, replace(settings, subscribers_ready=True))
        execute(runs.dsn, "INSERT INTO t (id, a) VALUES (3000000001, 'after')")
        wanted = value(database, "SELECT string_agg(id || a, ',' ORDER BY id) FROM t WHERE a IS NOT NULL")
        until(lambda: value(other_database, "SELECT string_agg(id || a, ',' ORDER BY id) FROM t WHERE a IS NOT NULL") == wanted, 60)
    finally:
        execute(other_database, "ALTER SUBSCRIPTION s DISABLE", "ALTER SUBSCRIPTION s SET (slot_name = NONE)", "DROP SUBSCRIPTION s")
