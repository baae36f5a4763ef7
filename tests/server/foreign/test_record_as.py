"""What we run is recorded in another tool's own table, so that the tool takes it for its own work."""

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from pgsluice import api
from pgsluice.model.errors import ConnectionFailedError, RefusedError, StepFailedError
from pgsluice.model.foreign_history import RECORDING_TOOLS
from pgsluice.model.settings import Settings
from tests.server.foreign.tables import TABLES
from tests.server.foreign.test_import_history import execute, half_done, laid_out

pytestmark = pytest.mark.newest("the tables of other tools are the same")


def rows(dsn: str, sql: str) -> list[tuple]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("tool", RECORDING_TOOLS)
def test_what_is_run_is_recorded_as_the_tool_does(tool: str, database: str, tmp_path: Path):
    """Read back by what reads the tool's own rows, with the checksums that it would have kept."""
    folder = half_done(database, tmp_path, tool)
    chosen = Settings(database=database, record_as=tool)
    api.import_history([folder], chosen)
    (applied,) = api.run([folder], chosen).applied
    found = api.import_history([folder], chosen)
    assert (len(found.known), found.left) == (3, ())
    api.run([folder], chosen)
    api.rollback(applied, chosen)
    back = api.import_history([folder], Settings(database=database, dry_run=True))
    assert (len(back.known), back.left) == (2, (applied,))
    assert api.run([folder], chosen).applied == (applied,)


@pytest.mark.pg(">= 18")
def test_a_migration_that_waits_at_the_gate_is_recorded_once(database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, "goose")
    (folder / "11_x.sql").write_text("-- +goose Up\nCREATE TABLE t3 (a int);\nALTER TABLE t1 DROP COLUMN a;\n")
    chosen = Settings(database=database, record_as="goose")
    api.import_history([folder], chosen)
    assert api.run([folder], chosen).waiting == ("11_x",)
    recorded = rows(database, "SELECT count(*) FROM goose_db_version WHERE version_id = 11")
    api.contract(settings=chosen)
    assert recorded == rows(database, "SELECT count(*) FROM goose_db_version WHERE version_id = 11") == [(1,)]


@pytest.mark.pg(">= 18")
def test_a_record_that_cannot_be_written_is_written_by_the_next_run(database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, "sqlx")
    chosen = Settings(database=database, record_as="sqlx")
    api.import_history([folder], chosen)
    execute(database, "ALTER TABLE _sqlx_migrations ADD CONSTRAINT shut CHECK (version < 11)")
    with pytest.raises(StepFailedError):
        api.run([folder], chosen)
    execute(database, "ALTER TABLE _sqlx_migrations DROP CONSTRAINT shut")
    api.run([folder], chosen)
    assert rows(database, "SELECT version, success FROM _sqlx_migrations WHERE version = 11") == [(11, True)]


@pytest.mark.pg(">= 18")
def test_what_cannot_be_recorded_is_refused_before_anything_runs(database: str, tmp_path: Path):
    folder = laid_out(tmp_path, "golang-migrate")
    for_goose, for_migrate = (Settings(database=database, record_as=tool, from_start=True) for tool in ("goose", "golang-migrate"))
    execute(database, TABLES["golang-migrate"], "INSERT INTO schema_migrations VALUES (9, true)")
    for chosen, code in ((for_goose, "no-foreign-history"), (for_migrate, "foreign-history-failed")):
        with pytest.raises(RefusedError) as error:
            api.run([folder], chosen)
        assert error.value.code == code
    execute(database, "DELETE FROM schema_migrations")
    (folder / "x.up.sql").write_text("SELECT 1;")
    with pytest.raises(RefusedError) as unnamed:
        api.run([folder], for_migrate)
    assert unnamed.value.code == "not-recordable"
    assert api.status(Settings(database=database)).migrations == ()


@pytest.mark.pg(">= 18")
def test_a_role_that_may_not_write_there_is_told_so(database: str, tmp_path: Path):
    folder = laid_out(tmp_path, "goose")
    execute(database, TABLES["goose"], "CREATE ROLE reader LOGIN", "GRANT SELECT ON goose_db_version TO reader")
    try:
        with pytest.raises(ConnectionFailedError) as error:
            api.run([folder], Settings(database=database.replace("user='postgres'", "user='reader'"), record_as="goose", from_start=True))
        assert error.value.code == "foreign-history-read-only"
    finally:
        execute(database, "DROP OWNED BY reader", "DROP ROLE reader")


@pytest.mark.pg(">= 18")
@pytest.mark.skipif(shutil.which("goose") is None, reason="goose is not installed")
def test_goose_itself_takes_it_for_its_own(database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, "goose")
    chosen = Settings(database=database, record_as="goose")
    api.import_history([folder], chosen)
    api.run([folder], chosen)
    said = subprocess.run(["goose", "-dir", folder, "postgres", database, "up"], capture_output=True, text=True, check=True)
    assert "no migrations to run" in said.stderr + said.stdout
