"""The binding: what C returns, and what must never reach it."""

import importlib.util
import os
import resource
import subprocess
import sys

import pytest

from pgsluice.analysis.parsing import native
from pgsluice.analysis.parsing.nesting import LIMIT, bound, check
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.parsing.tokens import byte_offsets, tokens, trimmed


def test_parse_gives_each_statement_with_its_place_in_bytes():
    found = native.parse("select 'é'; select 2")
    assert [(next(iter(node)), start, length) for node, start, length in found] == [("SelectStmt", 0, 11), ("SelectStmt", 13, 0)]


def test_a_syntax_error_has_its_place_in_characters():
    with pytest.raises(native.ParserError) as error:
        native.parse("create table é (ü int,,)")
    assert (error.value.offset, error.value.code) == (22, "syntax")


@pytest.mark.parametrize(("sql", "code", "offset"), [("select 1\0", "nul", 8), ("select '\ud800'", "encoding", 8)])
def test_text_that_c_would_misread_is_refused(sql, code, offset):
    for call in (native.parse, native.scan, native.parse_plpgsql):
        with pytest.raises(native.ParserError) as error:
            call(sql)
        assert (error.value.code, error.value.offset) == (code, offset)


def test_tokens_count_characters_and_leave_comments_out():
    found = tokens('SELECT "é" /* ( */ , f(1) -- x')
    assert [(t.word, t.start, t.end, t.depth) for t in found] == [
        ("SELECT", 0, 6, 0),
        ('"é"', 7, 10, 0),
        (",", 19, 20, 0),
        ("F", 21, 22, 0),
        ("(", 22, 23, 0),
        ("1", 23, 24, 1),
        (")", 24, 25, 0),
    ]


def test_byte_offsets_name_the_character_of_each_byte():
    assert byte_offsets("aé日") == [0, 1, 1, 2, 2, 2, 3]


@pytest.mark.parametrize(
    ("sql", "expected"), [("a -- b", "a"), ("a '--' ", "a '--'"), ("a /* b */", "a"), ("a", "a"), ("a -- b\n+ c -- d", "a -- b\n+ c")]
)
def test_trimmed_ends_with_the_last_token(sql, expected):
    assert trimmed(sql) == expected


def test_results_are_freed():
    sql = "insert into t values " + ",".join("(1, 'abc')" for _ in range(2000))
    native.scan(sql), native.parse("select 1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        native.scan(sql)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 15_000, "300 results of 120 kB each would be 36 MB"


def test_neither_postgast_nor_protobuf_is_imported():
    code = (
        "import sys; from pgsluice.analysis.parsing.statements import parse_file; parse_file('select 1', 'f');"
        "print([m for m in sys.modules if m.split('.')[0] in ('postgast', 'google', 'psycopg')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert result.stdout.strip() == "[]"


_NESTED = {
    "brackets": "select " + "(" * 200_000 + "1" + ")" * 200_000,
    "sums": "select 1" + "+1" * 120_000,
    "casts": "select 1" + "::int" * 100_000,
    "sets": "select 1" + " union select 1" * 50_000,
    "joins": "select * from a" + " join b on true and f(1, 2)" * 15_000,
    "cases": "select " + "case when true then " * 40_000,
    "operators": "select " + "/*" * 400_000,
    "signs": "select 1 " + "+" * 400_000 + " 1",
    "plpgsql": "do $$ begin perform 1" + "+1" * 100_000 + "; end $$",
    "ifs": "do $$ begin " + "if true then " * 5_000 + "end if; " * 5_000 + " end $$",
    "no body": "create function f() returns void language plpgsql",
}


@pytest.mark.parametrize("name", _NESTED)
def test_nesting_never_ends_the_process(name, tmp_path):
    """In a process of its own: what this guards against is a crash of the interpreter."""
    file = tmp_path / "nested.sql"
    file.write_text(_NESTED[name] + ";\nselect 1;")
    code = (
        "import sys; from pgsluice.analysis.parsing.statements import parse_file; from pgsluice.analysis.parsing.bodies import body;"
        "found = parse_file(open(sys.argv[1]).read(), 'f'); [body(s) for s in found]; print('survived')"
    )
    result = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, env=_environment(), timeout=60)
    assert (result.returncode, result.stdout.strip()) == (0, "survived"), result.stderr[-500:]


def test_what_is_wide_but_not_deep_is_analysed():
    rows = "insert into t values " + ",".join("(-1, 'a' || 'b', '2020-01-01'::date)" for _ in range(2_000))
    conditions = "select 1 where a = 1" + " or a = 1 and b = 2" * 2_000
    assert [s.problem for s in parse_file(f"{rows};{conditions};", "f")] == [None, None]


def test_a_statement_that_is_too_deep_says_so():
    (found,) = parse_file("select 1" + "+1" * 5_000, "f")
    assert (found.kind, found.problem_code) == ("", "depth")


def test_bound_is_never_below_the_depth():
    for sql in ("select " + "1+" * 50 + "1", "select " + "f(1, " * 30 + "1" + ")" * 30, "select 1" + "::int" * 40):
        assert bound(sql) >= _depth(native.parse(sql)[0][0])
    assert bound("select " + ", ".join("a + b" for _ in range(LIMIT))) < 20
    check("select " + ", ".join("a + b" for _ in range(LIMIT)))


def _depth(node) -> int:
    """Nodes inside of nodes of one kind after the other: A_Expr, FuncCall, TypeCast."""
    if isinstance(node, dict):
        own = 1 if {"A_Expr", "FuncCall", "TypeCast"} & node.keys() else 0
        return own + max((_depth(v) for v in node.values()), default=0)
    return max((_depth(v) for v in node), default=0) if isinstance(node, list) else 0


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def test_the_library_is_the_one_of_the_wheel():
    assert importlib.util.find_spec("postgast") is not None
    assert native.parse("select 1")
