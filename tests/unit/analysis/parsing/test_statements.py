"""Files to statements: places, what stands between statements, and errors that cost only themselves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsluice.analysis.parsing import native
from pgsluice.analysis.parsing.statements import BROKEN_PIECES, parse_file, parse_statement
from pgsluice.model.errors import InputError, Place


def read(text: str):
    return parse_file(text, "f.sql")


def summary(text: str) -> list[tuple[int, int, str, str | None]]:
    """(line, column, kind or '', problem code) of each statement."""
    return [(s.place.line, s.place.column, s.kind, s.problem_code) for s in read(text)]


def test_statements_have_their_text_and_place():
    found = read("-- first\n  SELECT 1 ; /* a /* nested */ */ UPDATE t\nSET a = ';' -- end\n;\n\nDELETE FROM t")
    assert [(s.sql, s.place.line, s.place.column) for s in found] == [
        ("SELECT 1", 2, 3),
        ("UPDATE t\nSET a = ';'", 2, 35),
        ("DELETE FROM t", 6, 1),
    ]


def test_columns_and_locations_count_characters():
    (first, second) = read("SELECT 'ééé'; ALTER TABLE \"日本\" ADD COLUMN ü int DEFAULT 1")
    assert second.place.column == 15
    column = second.node["cmds"][0]["AlterTableCmd"]["def"]["ColumnDef"]
    assert second.sql[column["location"] :].startswith("ü int")
    assert first.sql == "SELECT 'ééé'"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_the_byte_order_mark_do_not_matter(line_end):
    text = "\ufeffSELECT 1;" + line_end + "SELECT 2;" + line_end
    assert [(s.place.line, s.place.column, s.sql) for s in read(text)] == [(1, 1, "SELECT 1"), (2, 1, "SELECT 2")]


@pytest.mark.parametrize("text", ["", "\n", ";", " ; ;\n-- x\n;/* y */", "\ufeff", "-- only a comment", "/* only a comment */"])
def test_a_file_without_statements_has_none(text):
    assert read(text) == ()


@pytest.mark.parametrize(
    "hiding",
    [
        "SELECT 'a;b'",
        "SELECT 'it''s; fine'",
        "SELECT E'it\\'s; fine'",
        "SELECT e'a'\n  'b\\';'",
        'SELECT ";"',
        "SELECT $$;$$",
        "SELECT $a$ $b$ ; $$ $a$",
        "SELECT U&'a;'",
        "SELECT 1 /* ; /* ; */ ; */",
        "SELECT 1 -- ;\n",
        "SELECT a$b$c, 1",
        "DO $do$ BEGIN PERFORM ';'; END; $do$",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT (2); SELECT 3)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "CREATE OR REPLACE PROCEDURE f() BEGIN ATOMIC INSERT INTO t VALUES (1); END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'begin; end'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN CASE WHEN true THEN 1 END",
        "CREATE FUNCTION f(a int DEFAULT CASE WHEN true THEN 1 END) RETURNS int LANGUAGE sql RETURN 1",
    ],
)
def test_semicolons_inside_of_a_statement_do_not_end_it(hiding):
    found = read(f"{hiding};\nDELETE FROM after_it;")
    assert [s.problem for s in found] == [None, None]
    assert [s.kind for s in found][1] == "DeleteStmt"


def test_a_syntax_error_costs_only_its_own_statement():
    found = read("ALTER TABLE a ADD COLUMN b int;\nALTER TABEL a\n  ADD c int;\nDROP TABLE d;")
    assert [s.kind for s in found] == ["AlterTableStmt", "", "DropStmt"]
    broken = found[1]
    assert (broken.problem, broken.problem_code) == ('syntax error at or near "TABEL"', "syntax")
    assert (broken.place.line, broken.problem_place.line, broken.problem_place.column) == (2, 2, 7)


@pytest.mark.parametrize(
    ("broken", "kinds"),
    [
        ("create table a (x int;\n", ["", "DeleteStmt"]),
        ("select 'abc;\n", ["", "DeleteStmt"]),
        ('select "abc;\n', ["", "DeleteStmt"]),
        ("select $a$abc;\n", ["", "DeleteStmt"]),
        ("select 1 /* abc;\n", ["", "DeleteStmt"]),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;\n", ["", "DeleteStmt"]),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1;\n", ["", "DeleteStmt"]),
        ("select )1;\n", ["", "DeleteStmt"]),
    ],
)
def test_what_has_no_end_does_not_hide_the_rest(broken, kinds):
    found = read(broken + "DELETE FROM t;\n")
    assert [s.kind for s in found] == kinds
    assert found[0].problem and found[0].place.line == 1


def test_an_unterminated_quote_is_named_at_its_place():
    (broken,) = read("SELECT 1,\n  'abc\n")
    assert (broken.problem_place.line, broken.problem_place.column) == (2, 3)
    assert "unterminated quoted string" in broken.problem


def test_broken_quotes_without_number_end_the_reading_not_the_patience():
    found = read("".join(f"$a{i}$ ;\n" for i in range(1000)))
    assert len(found) == BROKEN_PIECES


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE {{ table }} ADD COLUMN a int",
        "ALTER TABLE ${table} ADD COLUMN a int",
        "INSERT INTO t VALUES (:name)",
        "INSERT INTO t VALUES (:'name')",
        "INSERT INTO t VALUES (%(name)s)",
        "INSERT INTO t VALUES (?)",
        "INSERT INTO t VALUES (#{name})",
        "ALTER TABLE <%= table %> ADD COLUMN a int",
    ],
)
def test_a_placeholder_costs_only_its_own_statement_and_is_called_so(text):
    found = read(f"SELECT 1;\n{text};\nDELETE FROM t;")
    assert [s.kind for s in found] == ["SelectStmt", "", "DeleteStmt"]
    assert found[1].problem_code == "placeholder"


def test_a_placeholder_in_a_comment_costs_nothing():
    assert [s.problem for s in read("CREATE TABLE /* TEMPLATE: schema */river_job (id int);")] == [None]


def test_template_tags_stand_for_themselves():
    found = summary("{% if x %}\n{# why #}\nALTER TABLE t ADD c int;\n{% endif %}\nSELECT 1;")
    assert found == [
        (1, 1, "", "placeholder"),
        (2, 1, "", "placeholder"),
        (3, 1, "AlterTableStmt", None),
        (4, 1, "", "placeholder"),
        (5, 1, "SelectStmt", None),
    ]


def test_psql_commands_do_not_hide_the_rest():
    text = (
        "\\set ON_ERROR_STOP on\n\\restrict abc\nSELECT 1;\n\\i other.sql\nSELECT 2 \\gset\n"
        "  \\echo it's\nSELECT 3\\; SELECT 4;\n\\connect x\n"
    )
    assert summary(text) == [
        (3, 1, "SelectStmt", None),
        (4, 1, "", "psql"),
        (5, 1, "SelectStmt", None),
        (5, 10, "", "psql"),
        (7, 1, "SelectStmt", None),
        (7, 12, "SelectStmt", None),
        (8, 1, "", "psql"),
    ]
    assert "\\i" in read(text)[1].problem


def test_a_backslash_in_a_string_is_no_command():
    assert summary("SELECT 'a\n\\i b\n';\nDO $$\n\\x\n$$;") == [(1, 1, "SelectStmt", None), (4, 1, "DoStmt", None)]


def test_copy_data_does_not_hide_the_rest():
    text = "COPY t (a, b) FROM stdin; -- data\n1;\t'\n-- x\n\\.\nSELECT 1;\n\\copy u from stdin\n'\n\\.\nSELECT 2;"
    assert summary(text) == [
        (1, 1, "CopyStmt", None),
        (5, 1, "SelectStmt", None),
        (6, 1, "", "psql"),
        (9, 1, "SelectStmt", None),
    ]
    assert read(text)[0].data == "1;\t'\n-- x\n"


def test_empty_copy_data_and_copy_without_data():
    found = read("COPY t FROM stdin;\n\\.\nCOPY t FROM '/f';\nCOPY t TO stdout;\nSELECT 1;")
    assert [(s.kind, s.data) for s in found] == [("CopyStmt", ""), ("CopyStmt", None), ("CopyStmt", None), ("SelectStmt", None)]


def test_copy_whose_data_has_no_end_hides_nothing():
    assert summary("COPY t FROM stdin;\nDELETE FROM t;") == [(1, 1, "CopyStmt", None), (2, 1, "DeleteStmt", None)]


def test_transaction_commands_are_statements():
    assert [s.kind for s in read("BEGIN; SELECT 1; COMMIT;")] == ["TransactionStmt", "SelectStmt", "TransactionStmt"]


def test_nul_costs_only_its_statement():
    found = read("SELECT 1;\nSELECT '\0';\nSELECT 2;")
    assert [(s.kind, s.problem_code) for s in found] == [("SelectStmt", None), ("", "nul"), ("SelectStmt", None)]
    assert (found[1].problem_place.line, found[1].problem_place.column) == (2, 9)


def test_parse_statement_takes_exactly_one():
    assert parse_statement("SELECT 1;").kind == "SelectStmt"
    for text, code in (("SELECT 1; SELECT 2", "not-one-statement"), ("", "not-one-statement"), ("SELEC 1", "syntax-error")):
        with pytest.raises(InputError) as error:
            parse_statement(text)
        assert error.value.code == code


_WORDS = st.sampled_from(
    [
        *(
            "select",
            "1",
            "'a'",
            "'",
            '"',
            '"b"',
            "$$",
            "$x$",
            ";",
            ";\n",
            "\n",
            "\r\n",
            "(",
            ")",
            ",",
            "--",
            "/*",
            "*/",
            "E'",
            "\\",
            "\\'",
            "e",
        ),
        *("é", "日本", "\0", "\ud800", "\ufeff", "{{", "}}", "{%", "%}", ":x", "copy t from stdin;\n", "\\.\n", "\\copy t from stdin\n"),
        *("create function f()", "begin atomic", "case", "end", "create rule r as on insert to t do", "alter table t", "add a int"),
        *("-- x\n", "do", "$1", "U&'", "::", "drop table", "a", " "),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(_WORDS, max_size=30).map(" ".join) | st.lists(_WORDS, max_size=30).map("".join) | st.text(max_size=80))
def test_no_text_raises_and_every_place_is_right(text):
    for statement in read(text):
        before = text[: statement.offset].removeprefix("\ufeff")
        assert text[statement.offset :].startswith(statement.sql)
        assert statement.place.line == before.count("\n") + 1
        assert statement.place.column == len(before) - (before.rfind("\n") + 1) + 1
        assert bool(statement.kind) is (statement.problem is None)


_PARTS = st.sampled_from(
    [
        "select 1",
        "select 'a;''b'",
        "select e'\\';'",
        'select ";"',
        "select $$;$$, $a$;$b$;$a$",
        "/* ; /* ' */ */ select 2",
        "select 3 -- ;'\n",
        "do $$begin end$$",
        "create rule r as on insert to t do (select 1; select 2)",
        "create function f() returns int begin atomic select case 1 when 1 then 2 end; select 1; end",
        "select a[1:2], x.y",
        "é",
        "selec",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_PARTS, st.sampled_from([";", " ;\n", ";;", "\n;\t-- c\n"])), max_size=8))
def test_statements_end_where_the_parser_ends_them(parts):
    """Of a text that PostgreSQL's own parser takes as a whole, each statement is found as it finds it."""
    text = "".join(f"{sql}{end}" for sql, end in parts)
    try:
        whole = native.parse(text)
    except native.ParserError:
        assert any(s.problem for s in read(text))
    else:
        assert [s.kind for s in read(text)] == [next(iter(node)) for node, _, _ in whole]


def test_too_many_statements_are_one_clear_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pgsluice.analysis.parsing.statements.STATEMENTS", 2)
    assert len(parse_file("SELECT 1;\nSELECT 2;\n", "f.sql")) == 2
    with pytest.raises(InputError) as raised:
        parse_file("SELECT 1;\nSELECT 2;\nSELECT 3;\n", "f.sql")
    assert (raised.value.code, raised.value.where) == ("file-size", Place("f.sql", 3))
