"""The journal's tables: made once, by whoever may, never over a newer one."""

import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.execution.journal.installation import install, installed_version, schema_parts
from pgsluice.model.errors import ConnectionFailedError
from tests.support.sql import execute, rows, value

TABLES = {"version", "lease", "migration", "step", "backfill", "backfill_worker", "backfill_bad_row", "job"}


@pytest.fixture
def session(owner_dsn):
    opened = connect(owner_dsn, "control", environment={})
    yield opened
    opened.close()


def test_made_on_first_use_by_an_ordinary_role(session, owner_dsn):
    assert installed_version(session) is None
    install(session)
    install(session)
    found = rows(owner_dsn, "SELECT relname, relpersistence FROM pg_class WHERE relnamespace = 'pgsluice'::regnamespace AND relkind = 'r'")
    assert dict(found) == dict.fromkeys(TABLES, "p")
    assert installed_version(session) == max(schema_parts())


def test_every_table_has_a_primary_key(session, owner_dsn):
    """Else a publication FOR ALL TABLES makes our own UPDATE fail."""
    install(session)
    keyed = rows(
        owner_dsn, "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p' AND connamespace = 'pgsluice'::regnamespace"
    )
    assert {name.removeprefix("pgsluice.") for (name,) in keyed} == TABLES


def test_it_takes_no_lock_on_the_users_tables(session, owner_dsn):
    execute(owner_dsn, "CREATE TABLE t (id int)")
    blocker = connect(owner_dsn, "blocker", environment={})
    blocker.run("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    session.run("SET lock_timeout = 100")
    install(session)
    blocker.close()


def test_a_newer_journal_is_not_touched(session, owner_dsn):
    install(session)
    execute(owner_dsn, "INSERT INTO pgsluice.version (version) VALUES (99)")
    with pytest.raises(ConnectionFailedError) as refusal:
        install(session)
    assert refusal.value.code == "journal-newer" and "99" in refusal.value.what


def test_a_role_that_may_not_make_it_is_told_what_to_grant(session, database, owner_dsn):
    execute(database, "CREATE ROLE \"odd guest\" LOGIN PASSWORD 'x'", 'GRANT "odd guest" TO "shop owner"')
    try:
        session.run('SET ROLE "odd guest"')
        with pytest.raises(ConnectionFailedError) as refusal:
            install(session)
        assert refusal.value.code == "journal-not-permitted" and refusal.value.exit_code == 3
        assert 'TO "odd guest"' in refusal.value.next
        assert not session.in_transaction
        session.run("RESET ROLE")
        session.run(refusal.value.next)
        session.run('SET ROLE "odd guest"')
        install(session)
    finally:
        session.close()
        execute(database, 'DROP OWNED BY "odd guest"', 'DROP ROLE "odd guest"')


def test_a_role_that_may_not_use_it_is_told_what_to_grant(session, database, owner_dsn):
    install(session)
    execute(database, "CREATE ROLE guest LOGIN PASSWORD 'x'", 'GRANT guest TO "shop owner"')
    try:
        session.run("SET ROLE guest")
        with pytest.raises(ConnectionFailedError) as refusal:
            installed_version(session)
        assert refusal.value.code == "journal-not-permitted" and "GRANT" in refusal.value.next
        session.run("RESET ROLE")
        session.run(refusal.value.next.partition(": ")[2])
        session.run("SET ROLE guest")
        assert installed_version(session) == max(schema_parts())
    finally:
        session.close()
        execute(database, "DROP OWNED BY guest", "DROP ROLE guest")


def test_what_half_of_a_failed_installation_leaves(session, owner_dsn):
    """A schema of that name without our tables is taken; an installation that fails leaves nothing."""
    execute(owner_dsn, "CREATE SCHEMA pgsluice", "CREATE TABLE pgsluice.step (mine int)")
    with pytest.raises(Exception, match="already exists"):
        install(session)
    assert value(owner_dsn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'pgsluice'::regnamespace AND relkind = 'r'") == 1
    execute(owner_dsn, "DROP TABLE pgsluice.step")
    install(session)
    assert installed_version(session) == max(schema_parts())
