"""Directives: what is understood, and that nothing wrong passes in silence."""

import pytest

from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.model.errors import InputError


def read(text: str):
    return parse_file(text, "f.sql")


def test_an_allow_belongs_to_the_statement_below_it():
    first, second, third = read(
        "SELECT 1;\n-- why\n-- pgsluice: allow table-rewrite because the table is small\n"
        "--pgsluice:ignore other-1 because x\nSELECT 2;\nSELECT 3;"
    )
    assert first.directives == third.directives == ()
    assert [(d.word, d.rule, d.reason, d.place.line) for d in second.directives] == [
        ("allow", "table-rewrite", "the table is small", 3),
        ("ignore", "other-1", "x", 4),
    ]


def test_a_file_directive_belongs_to_all_statements():
    found = read("-- pgsluice: file: allow a-rule because b\n-- pgsluice: allow own because c\nSELECT 1;\nSELEC 2;\nSELECT 3;")
    assert [[(d.rule, d.whole_file) for d in s.directives] for s in found] == [
        [("own", False), ("a-rule", True)],
        [("a-rule", True)],
        [("a-rule", True)],
    ]


def test_expressions_are_quoted_and_a_quote_is_doubled():
    (found,) = read('-- pgsluice: from "upper(""Name"")" back "lower(b)"\nALTER TABLE t ADD b text;')
    assert found.directives[0].values == {"from": 'upper("Name")', "back": "lower(b)"}
    (found,) = read('-- pgsluice: from "a"\nALTER TABLE t ADD b text;')
    assert found.directives[0].values == {"from": "a"}


def test_split_may_say_why():
    (found,) = read("-- pgsluice: split because both are safe alone\nBEGIN;")
    assert (found.directives[0].word, found.directives[0].reason) == ("split", "both are safe alone")
    assert read("-- pgsluice: split\nBEGIN;")[0].directives[0].reason is None


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("-- pgsluice: alow a because b\nSELECT 1", "directive-unknown", 1, 1),
        ("-- pgsluice:\nSELECT 1", "directive-unknown", 1, 1),
        ("SELECT 1;\n  -- pgsluice: allow a-rule\nSELECT 1", "directive-form", 2, 3),
        ("-- pgsluice: allow a-rule because\nSELECT 1", "directive-form", 1, 1),
        ("-- pgsluice: allow a_rule because b\nSELECT 1", "directive-form", 1, 1),
        ("-- pgsluice: allow because b\nSELECT 1", "directive-form", 1, 1),
        ("-- pgsluice: from a back b\nSELECT 1", "directive-form", 1, 1),
        ("-- pgsluice: splitting\nSELECT 1", "directive-unknown", 1, 1),
        ("-- pgsluice: split now\nSELECT 1", "directive-form", 1, 1),
        ("SELECT 1; -- pgsluice: allow a because b\nSELECT 2", "directive-misplaced", 1, 11),
        ("SELECT 1\n-- pgsluice: allow a because b\n, 2", "directive-misplaced", 2, 1),
        ("SELECT 1\n-- pgsluice: allow a because b\n", "directive-misplaced", 2, 1),
        ("SELECT 1\n-- pgsluice: allow a because b\n;", "directive-misplaced", 2, 1),
        ("SELECT 1;\n-- pgsluice: file: allow a because b\nSELECT 2", "directive-misplaced", 2, 1),
        ("-- pgsluice: allow a because b\n", "directive-misplaced", 1, 1),
        ("-- pgsluice: allow a because b", "directive-misplaced", 1, 1),
    ],
)
def test_a_wrong_directive_is_an_error_with_its_place(text, code, line, column):
    with pytest.raises(InputError) as error:
        read(text)
    where = error.value.where
    assert (error.value.code, where.path, where.line, where.column) == (code, "f.sql", line, column)
    assert error.value.next


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '-- pgsluice: nonsense';",
        "DO $$ -- pgsluice: nonsense\nBEGIN END $$;",
        "/* -- pgsluice: nonsense */ SELECT 1;",
        "-- about pgsluice: allow is a directive\nSELECT 1;",
        "COPY t FROM stdin;\n-- pgsluice: nonsense\n\\.\n",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text):
    assert [s.directives for s in read(text)] == [()]
