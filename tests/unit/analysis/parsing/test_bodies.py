"""DO blocks and function bodies: what may run, and what nobody can read beforehand."""

import pytest

from pgsluice.analysis.parsing.bodies import body
from pgsluice.analysis.parsing.statements import parse_file, parse_statement


def read(sql: str):
    found = body(parse_statement(sql, "f.sql"))
    assert found is not None
    return found


def test_the_statements_of_a_do_block_with_their_lines():
    text = """SELECT 1;

DO LANGUAGE plpgsql $x$
DECLARE r record; n int := (SELECT count(*) FROM counted);
BEGIN
  UPDATE t SET a = 1;
  IF EXISTS (SELECT 1 FROM asked) THEN
    ALTER TABLE t ADD COLUMN x int;
  ELSE
    DELETE FROM u;
  END IF;
  FOR r IN SELECT * FROM looped LOOP
    PERFORM f(r.id);
  END LOOP;
EXCEPTION WHEN others THEN
  INSERT INTO log VALUES (1);
END $x$;"""
    found = body(parse_file(text, "f.sql")[1])
    assert found.language == "plpgsql" and found.analysed
    assert [(s.place.line, s.kind) for s in found.statements] == [
        (4, "SelectStmt"),
        (6, "UpdateStmt"),
        (7, "SelectStmt"),
        (8, "AlterTableStmt"),
        (10, "DeleteStmt"),
        (12, "SelectStmt"),
        (13, "SelectStmt"),
        (16, "InsertStmt"),
    ]


@pytest.mark.parametrize(
    "statement",
    ["EXECUTE 'DROP TABLE ' || x", "EXECUTE format('DROP TABLE %I', x) INTO y", "FOR r IN EXECUTE x LOOP NULL; END LOOP"],
)
def test_dynamic_sql_is_never_analysed(statement):
    found = read(f"DO $$ DECLARE x text; y int; r record;\nBEGIN\n{statement};\nEND $$")
    assert not found.analysed
    assert [(p.path, p.line) for p in found.dynamic] == [("f.sql", 3)]


def test_dynamic_return_query_and_cursors():
    inside = "DECLARE c refcursor; BEGIN RETURN QUERY EXECUTE 'x'; OPEN c FOR EXECUTE 'y'; END"
    assert len(read(f"CREATE FUNCTION f() RETURNS SETOF record LANGUAGE plpgsql AS $$ {inside} $$").dynamic) == 2


def test_sql_functions():
    found = read("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nSELECT 1;\nDELETE FROM t$$")
    assert [(s.kind, s.place.line, s.place.column) for s in found.statements] == [("SelectStmt", 2, 1), ("DeleteStmt", 3, 1)]
    found = read("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; DELETE FROM t'")
    assert [s.place.column for s in found.statements] == [50, 60]
    found = read("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; DELETE FROM t; END")
    assert [s.kind for s in found.statements] == ["SelectStmt", "DeleteStmt"]


def test_trigger_functions_are_read():
    inside = "BEGIN NEW.a := g(NEW.b); INSERT INTO log SELECT NEW.*; RETURN NEW; END"
    found = read(f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {inside} $$")
    assert [s.kind for s in found.statements] == ["SelectStmt", "InsertStmt"]
    assert found.analysed


_UPDATE = "UPDATE t SET x = 1"


@pytest.mark.parametrize(
    ("head", "inside"),
    [
        ("FUNCTION f(a s.jobs, b status[]) RETURNS SETOF s.jobs", f"DECLARE v s.jobs; BEGIN {_UPDATE}; RETURN NEXT v; END"),
        ("FUNCTION f(OUT a s.jobs, INOUT b int)", f"BEGIN {_UPDATE}; END"),
        ("FUNCTION f(VARIADIC a status[]) RETURNS TABLE (x int, y s.z)", f"BEGIN {_UPDATE}; END"),
        ("FUNCTION f(s.t) RETURNS void", f"DECLARE a status; b int; BEGIN {_UPDATE} RETURNING q, r INTO b, a; END"),
        ("PROCEDURE f()", f"DECLARE a CONSTANT s.t := 1; c CURSOR FOR SELECT 1; BEGIN {_UPDATE}; COMMIT; END"),
        ("FUNCTION f(a s.t) RETURNS s.t", f"DECLARE a s.t%TYPE; b s.\n t; BEGIN {_UPDATE}; RETURN b; END"),
    ],
)
def test_types_that_the_parser_does_not_know_do_not_matter(head, inside):
    found = read(f"CREATE {head} LANGUAGE plpgsql AS $_pgsluice_$ {inside} $_pgsluice_$")
    assert found.problem is None
    assert [s.kind for s in found.statements if s.kind != "SelectStmt"] == ["UpdateStmt"]


def test_what_cannot_be_read_says_so():
    found = read("CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ return 1 $$")
    assert (found.analysed, found.language) == (False, "plpython3u") and found.problem
    found = read("DO $$\nBEGIN\n  IF THEN;\nEND $$")
    assert not found.analysed and found.problem
    found = read("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql")
    assert not found.analysed and found.problem
    found = read("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELEC 1'")
    assert not found.analysed and found.statements[0].problem


def test_a_directive_in_a_body_belongs_to_nobody():
    found = read("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ -- pgsluice: nonsense\nSELECT 1 $$")
    assert found.problem and not found.analysed


def test_other_statements_have_none():
    assert body(parse_statement("SELECT 1")) is None
