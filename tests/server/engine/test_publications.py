"""A publication with a subscriber: noticed before anything is made, and the subscriber comes first."""

import pytest

from pgsluice.model.errors import RefusedError
from tests.support.plans import migration, plan, strike, transaction
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
