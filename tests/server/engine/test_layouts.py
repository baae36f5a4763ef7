"""Layouts of other tools, run: their order, their marks, and files that run again."""

from pathlib import Path

import psycopg

from pgsluice import api
from pgsluice.model.errors import RefusedError
from pgsluice.model.settings import Settings
from pgsluice.model.steps import StepKind


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


def value(dsn: str, sql: str):
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(sql).fetchall()[0][0]


def test_only_the_up_side_runs_in_the_tools_order(database: str, tmp_path: Path):
    folder = write(
        tmp_path / "m",
        **{
            "10_b": "-- +goose Up\nINSERT INTO a VALUES (10);\n-- +goose Down\nDROP TABLE a;\n",
            "9_a": "-- +goose Up\nCREATE TABLE a (i int);\nINSERT INTO a VALUES (9);\n-- +goose Down\nDROP TABLE a;\n",
        },
    )
    result = api.run([folder], Settings(database=database, from_start=True))
    assert result.applied == ("9_a", "10_b")
    assert value(database, "SELECT array_agg(i ORDER BY i) FROM a") == [9, 10]
    (folder / "9_a.sql").write_text((folder / "9_a.sql").read_text().replace("DROP TABLE a", "DROP TABLE a CASCADE"))
    assert api.run([folder], Settings(database=database)).applied == ()


def test_a_mark_for_no_transaction_makes_each_statement_a_step(database: str, tmp_path: Path):
    text = "CREATE TABLE {0} (i int);\nCREATE INDEX CONCURRENTLY {0}i ON {0} (i);\nCREATE TABLE {0}2 (i int);\nCREATE TABLE {0}3 (i int);\n"
    folder = write(
        tmp_path / "m",
        **{
            "1": "-- +goose NO TRANSACTION\n-- +goose Up\n" + text.format("a"),
            "2": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE c (i int);\nCREATE TABLE d (i int);\n",
            "3": "-- +goose Up\nCREATE TABLE e (i int);\nCREATE TABLE f (i int);\n",
        },
    )
    plan = api.run([folder], Settings(database=database, from_start=True)).plan
    assert plan is not None
    assert [len(list(m.steps())) for m in plan.migrations] == [4, 2, 1]
    assert StepKind.BUILD_INDEX in {step.kind for _, step in plan.migrations[0].steps()}


def test_repeatable_migrations_run_again_when_edited(database: str, tmp_path: Path):
    view = "CREATE OR REPLACE VIEW v AS SELECT {0}::int AS a;"
    folder = write(tmp_path / "m", V1__t="CREATE TABLE t (i int);", R__v=view.format(1))
    chosen = Settings(database=database, from_start=True)
    assert api.run([folder], chosen).applied == ("V1__t", "R__v")
    assert api.run([folder], chosen).applied == ()
    write(folder, V2__u="CREATE TABLE u (i int);", R__v=view.format(2))
    assert api.plan([folder], chosen).migrations[-1].name == "R__v"
    assert api.run([folder], chosen).applied == ("V2__u", "R__v")
    write(folder, R__v=view.format(1))
    assert api.run([folder], chosen).applied == ("R__v",)
    assert value(database, "SELECT a FROM v") == 1


def test_versioned_files_that_were_edited_or_come_too_late_are_refused(database: str, tmp_path: Path):
    folder = write(tmp_path / "m", V1__t="CREATE TABLE t (i int);", V2__u="CREATE TABLE u (i int);")
    chosen = Settings(database=database, from_start=True)
    api.run([folder], chosen)
    for changed, code in (({"V1_5__x": "SELECT 1;"}, "out-of-order"), ({"V1__t": "CREATE TABLE t (i bigint);"}, "migration-changed")):
        write(folder, **changed)
        try:
            api.run([folder], chosen)
        except RefusedError as error:
            assert error.code == code
        else:
            raise AssertionError(f"{changed} was not refused")
        write(folder, V1__t="CREATE TABLE t (i int);")
        (folder / "V1_5__x.sql").unlink(missing_ok=True)


def test_a_changelog_that_grows(database: str, tmp_path: Path):
    head = "--liquibase formatted sql\n"
    first, second = "--changeset me:1\nCREATE TABLE t (i int);\n--rollback DROP TABLE t;\n", "--changeset me:2\nCREATE TABLE u (i int);\n"
    chosen = Settings(database=database, from_start=True)
    folder = write(tmp_path / "m", log=head + first)
    assert api.run([folder], chosen).applied == ("log::1::me",)
    write(folder, log=head + first + second)
    assert api.run([folder], chosen).applied == ("log::2::me",)


def test_a_concurrent_build_without_a_name(database: str, tmp_path: Path):
    """What an interrupted one leaves behind is known by its name."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute('CREATE TABLE t (a int, "B" int)')
    folder = write(tmp_path / "m", **{"1": 'CREATE INDEX CONCURRENTLY ON t (a, "B");\nCREATE INDEX CONCURRENTLY ON t (a, "B");'})
    api.run([folder], Settings(database=database, from_start=True))
    assert value(database, "SELECT array_agg(indexrelid::regclass::text ORDER BY 1) FROM pg_index WHERE indrelid = 't'::regclass") == [
        '"t_a_B_idx"',
        '"t_a_B_idx1"',
    ]
