"""What other tools recorded as done is taken over, and nothing runs twice."""

from pathlib import Path

import psycopg
import pytest

from pgsluice import api
from pgsluice.model.errors import RefusedError
from pgsluice.model.foreign_history import HISTORY_TOOLS
from pgsluice.model.settings import Settings
from tests.server.foreign.tables import FAILED, FILES, ROWS, SQL, TABLES

pytestmark = pytest.mark.newest("the tables of other tools are the same")


def laid_out(folder: Path, tool: str) -> Path:
    folder = folder / ("supabase/migrations" if tool == "supabase" else "migrations")
    for name, text in FILES[tool].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for sql in statements:
            connection.execute(sql)


def tables(dsn: str) -> list[str]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute("SELECT relname FROM pg_class WHERE relname ~ '^t[0-9]$' ORDER BY 1").fetchall()
    return [name for (name,) in found]


def half_done(database: str, tmp_path: Path, tool: str) -> Path:
    """Two of three migrations have run, as the tool's table says."""
    execute(database, *SQL[:2], TABLES[tool], ROWS[tool])
    return laid_out(tmp_path, tool)


def test_every_tool_has_its_table():
    assert set(HISTORY_TOOLS) == set(TABLES) == set(FILES) == set(ROWS)


@pytest.mark.parametrize("tool", HISTORY_TOOLS)
def test_what_is_done_is_taken_over_and_the_rest_runs(tool: str, database: str, tmp_path: Path):
    folder, chosen = half_done(database, tmp_path, tool), Settings(database=database)
    result = api.import_history([folder], chosen)
    assert (result.tool, len(result.adopted), len(result.left)) == (tool, 2, 1)
    again = api.import_history([folder], chosen)
    assert (again.adopted, again.known) == ((), result.adopted)
    assert api.run([folder], chosen).applied == result.left
    assert tables(database) == ["t1", "t2", "t3"]


@pytest.mark.pg(">= 18")
@pytest.mark.parametrize("tool", FAILED)
def test_what_failed_is_not_taken_over(tool: str, database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, tool)
    execute(database, FAILED[tool])
    with pytest.raises(RefusedError) as error:
        api.import_history([folder], Settings(database=database))
    assert error.value.code == "foreign-history-failed"
    assert api.status(Settings(database=database)).migrations == ()


@pytest.mark.pg(">= 18")
def test_edited_and_missing_and_late_ones_are_said(database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, "sqlx")
    execute(
        database,
        "INSERT INTO _sqlx_migrations SELECT 7, 'gone', now(), true, '', 1",
        "UPDATE _sqlx_migrations SET version = 11 WHERE version = 10",
    )
    (folder / "9_x.sql").write_text("SELECT 1;")
    result = api.import_history([folder], Settings(database=database, dry_run=True))
    assert (result.adopted, result.left) == (("9_x", "11_x"), ("10_x",))
    gone, skipped, edited = result.notes
    assert "7" in gone and "10_x" in skipped and "9_x" in edited and "11_x" in edited
    assert api.status(Settings(database=database)).migrations == ()


@pytest.mark.pg(">= 18")
def test_repeatable_ones_are_known_by_their_text(database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, "flyway")
    (folder / "R__v.sql").write_text("CREATE OR REPLACE VIEW v AS SELECT 1 AS a;\r\n")
    (folder / "R__w.sql").write_text("CREATE OR REPLACE VIEW w AS SELECT 2 AS a;")
    execute(
        database,
        "INSERT INTO flyway_schema_history SELECT 5 + n, NULL, s, 'SQL', 'R__' || s || '.sql', c, 'u', now(), 1, true"
        " FROM (VALUES (1, 'v', 1470134495), (2, 'w', 7)) AS r (n, s, c)",
    )
    assert api.import_history([folder], Settings(database=database)).adopted == ("V1_9__x", "V1_10__x", "R__v")
    assert api.run([folder], Settings(database=database)).applied == ("V1_11__x", "R__w")


@pytest.mark.pg(">= 18")
def test_a_baseline_covers_what_comes_before_it(database: str, tmp_path: Path):
    folder = half_done(database, tmp_path, "flyway")
    execute(
        database,
        "DELETE FROM flyway_schema_history WHERE installed_rank > 1",
        "UPDATE flyway_schema_history SET type = 'BASELINE', version = '1.10'",
    )
    assert api.import_history([folder], Settings(database=database)).adopted == ("V1_9__x", "V1_10__x")


@pytest.mark.pg(">= 18")
def test_whose_history_is_meant_where_there_are_several(database: str, tmp_path: Path):
    folder = laid_out(tmp_path, "alembic")
    execute(database, *SQL[:2], *(sql for tool in ("alembic", "goose") for sql in (TABLES[tool], ROWS[tool])))
    with pytest.raises(RefusedError) as error:
        api.import_history([folder], Settings(database=database))
    assert error.value.code == "foreign-history-unclear" and "goose" in error.value.what
    assert len(api.import_history([folder], Settings(database=database, history_of="alembic")).adopted) == 2


@pytest.mark.pg(">= 18")
def test_a_database_without_a_history_or_with_another_one(database: str, tmp_path: Path):
    folder = laid_out(tmp_path, "goose")
    with pytest.raises(RefusedError) as none:
        api.import_history([folder], Settings(database=database))
    execute(database, TABLES["goose"], "INSERT INTO goose_db_version (version_id, is_applied) VALUES (77, true)")
    with pytest.raises(RefusedError) as other:
        api.import_history([folder], Settings(database=database))
    assert (none.value.code, other.value.code) == ("no-foreign-history", "foreign-history-other")


@pytest.mark.pg(">= 18")
def test_the_table_is_found_in_another_schema_and_with_an_odd_name(database: str, tmp_path: Path):
    folder = laid_out(tmp_path, "goose")
    execute(database, 'CREATE SCHEMA "Odd ""one"', f'SET search_path = "Odd ""one"; {TABLES["goose"]}; {ROWS["goose"]}')
    result = api.import_history([folder], Settings(database=database))
    assert (result.table, result.adopted) == ('"Odd ""one".goose_db_version', ("9_x", "10_x"))
