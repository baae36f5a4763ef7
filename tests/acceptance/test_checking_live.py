"""check and locks with a database at hand: what stands there, how large it is, and what has run already."""

import json
from pathlib import Path

import psycopg
import pytest

from pgsluice.execution.monitor.holders import LONG_S
from tests.support.command import pgsluice
from tests.support.sql import execute

pytestmark = pytest.mark.newest("the majors differ little here")


def test_the_live_catalog_says_what_is_small_and_what_is_there(database: str, tmp_path: Path):
    execute(database, "CREATE TABLE small (a int); CREATE TABLE large (a int, b int NOT NULL)")
    execute(database, "INSERT INTO large SELECT g, g FROM generate_series(1, 20000) g; ANALYZE large")
    (tmp_path / "1.sql").write_text("CREATE INDEX i ON small (a);\nCREATE INDEX j ON large (a);\nALTER TABLE large ALTER b SET NOT NULL;\n")
    outcome = pgsluice("check", "1.sql", "--database", database, "--format", "json", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (1, "")
    first, second = json.loads(outcome.out)["findings"]
    assert (first["line"], first["rule"]) == (2, "blocking-index-build")
    assert "rows" in first["message"]
    assert (second["line"], second["rewrite"]) == (3, [])


def test_notes_say_who_is_in_the_way_and_what_is_broken(database: str, tmp_path: Path):
    execute(database, "CREATE TABLE t (id serial, a int); SELECT setval('t_id_seq', 2147483000)")
    execute(database, "INSERT INTO t (a) VALUES (1), (1)")
    (tmp_path / "1.sql").write_text("ALTER TABLE t ADD COLUMN b int;")
    with psycopg.connect(database, autocommit=True) as reader:
        with pytest.raises(psycopg.errors.UniqueViolation):
            reader.execute("CREATE UNIQUE INDEX CONCURRENTLY twice ON t (a)")
        reader.execute("SET application_name = 'the report'; BEGIN; SELECT FROM t")
        reader.execute(f"SELECT pg_sleep({LONG_S})")
        notes = json.loads(pgsluice("check", "1.sql", "--database", database, "--format", "json", cwd=tmp_path).out)["notes"]
    assert any(note.startswith("in the way now: ") and "the report" in note and "public.t" in note for note in notes)
    assert any("public.twice is invalid" in note for note in notes)
    assert any("public.t_id_seq (public.t.id) has used 100%" in note for note in notes)


def test_functions_that_name_a_column_are_named(database: str, tmp_path: Path):
    execute(
        database,
        "CREATE TABLE t (id int, a int); CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(a) FROM t); END'",
    )
    (tmp_path / "1.sql").write_text("ALTER TABLE t DROP COLUMN a; ALTER TABLE t DROP COLUMN id;")
    found = json.loads(pgsluice("check", "1.sql", "--database", database, "--format", "json", cwd=tmp_path).out)["findings"]
    assert ["f() may use it" in finding["message"] for finding in found] == [True, False]


def test_a_database_goes_before_a_schema(database: str, tmp_path: Path):
    (tmp_path / "schema.sql").write_text("CREATE TABLE t (a int, b int);")
    execute(database, "CREATE TABLE t (a int)")
    (tmp_path / "1.sql").write_text("CREATE INDEX i ON t (a);")
    both = ("--database", database, "--schema", "schema.sql", "--pg-version", "14")
    assert pgsluice("check", "1.sql", *both, cwd=tmp_path).code == 0
    planned = json.loads(pgsluice("plan", "1.sql", *both, "--from-start", "--format", "json", cwd=tmp_path).out)
    assert planned["fingerprint"] and "CONCURRENTLY" not in json.dumps(planned)


def test_locks_of_what_is_there(database: str, tmp_path: Path):
    execute(database, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p)")
    (tmp_path / "1.sql").write_text("DROP TABLE c;")
    report = json.loads(pgsluice("locks", "1.sql", "--database", database, "--format", "json", cwd=tmp_path).out)
    locked = {lock["relation"]: lock["mode"] for lock in report["statements"][0]["locks"]}
    assert locked["public.c"] == locked["public.p"] == "ACCESS EXCLUSIVE"


def test_what_has_run_is_left_out(database: str, tmp_path: Path):
    (tmp_path / "1.sql").write_text("CREATE TABLE t (a int);")
    assert pgsluice("run", "1.sql", "--database", database, "--yes", cwd=tmp_path).code == 0
    (tmp_path / "2.sql").write_text("CREATE INDEX i ON t (a);")
    outcome = pgsluice("check", ".", "--database", database, "--treat-as-large", cwd=tmp_path)
    assert "2.sql:1:1" in outcome.out
    assert "note: not planned, because they have run already: 1" in outcome.out
    assert outcome.out.endswith("1 of 1 statements analysed\n")


def test_a_database_that_is_not_there_is_exit_3(tmp_path: Path):
    (tmp_path / "1.sql").write_text("SELECT 1;")
    outcome = pgsluice("check", "1.sql", "--database", "host=127.0.0.1 port=1", cwd=tmp_path)
    assert outcome.code == 3 and "[cannot-connect]" in outcome.err
