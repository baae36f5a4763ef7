"""Every kind of action: what it is called, what it is about, and that its text alone says the same."""

import importlib.util
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsluice.analysis.parsing import kinds
from pgsluice.analysis.parsing.actions import action_of, actions, is_concurrent
from pgsluice.analysis.parsing.statements import parse_file, parse_statement
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.model.errors import InputError
from tests.unit.analysis.parsing.samples import SAMPLES


@pytest.mark.parametrize(("sql", "expected", "relation"), SAMPLES, ids=[s[0][:60] for s in SAMPLES])
def test_kind_and_relation(sql, expected, relation):
    found = actions(parse_statement(sql))
    assert [a.kind for a in found] == ([expected] if isinstance(expected, str) else expected)
    assert found[0].relation == relation
    assert [(a.number, a.of) for a in found] == [(i, len(found)) for i in range(len(found))]


@pytest.mark.parametrize("sql", [s[0] for s in SAMPLES], ids=[s[0][:60] for s in SAMPLES])
def test_each_action_alone_is_the_same_action(sql):
    for action in actions(parse_statement(sql)):
        (again,) = actions(parse_statement(action.sql))
        assert (again.kind, again.relation, again.only, again.if_exists, again.sql) == (
            action.kind,
            action.relation,
            action.only,
            action.if_exists,
            action.sql,
        )


def test_every_kind_in_the_tables_is_reached():
    reached = {kind for _, expected, _ in SAMPLES for kind in ([expected] if isinstance(expected, str) else expected)}
    named = {
        *kinds.STATEMENTS.values(),
        *kinds.TRANSACTION.values(),
        *kinds.REINDEX.values(),
        *(f"ALTER DOMAIN {w}" for w in kinds.ALTER_DOMAIN.values()),
        *(f"ALTER TYPE {w}" for w in kinds.ALTER_TYPE.values()),
    }
    assert named - reached == set()
    assert {w for w in kinds.ALTER_TABLE.values() if not any(k.startswith("ALTER ") and k.endswith(f" {w}") for k in reached)} == set()


_NEVER_A_STATEMENT = {"RawStmt", "SetOperationStmt", "ReturnStmt", "PLAssignStmt", "ReplicaIdentityStmt"}


def test_every_statement_of_the_grammar_is_known():
    """The grammar's own list: a new libpg_query brings new nodes, and this says which."""
    spec = importlib.util.find_spec("postgast")
    assert spec and spec.submodule_search_locations
    text = (Path(spec.submodule_search_locations[0]) / "pg_query_pb2.pyi").read_text()
    nodes = set(re.findall(r"^class (\w+Stmt)\(", text, re.MULTILINE))
    assert len(nodes) > 100
    unknown = {n for n in nodes - _NEVER_A_STATEMENT if not _is_known(n)}
    assert unknown == set()


def _is_known(node: str) -> bool:
    from pgsluice.analysis.parsing.actions import _READERS

    return node in kinds.STATEMENTS or node in _READERS


def test_every_clause_of_alter_table_is_known():
    spec = importlib.util.find_spec("postgast")
    assert spec and spec.submodule_search_locations
    text = (Path(spec.submodule_search_locations[0]) / "pg_query_pb2.pyi").read_text()
    clauses = set(re.findall(r"^AT_\w+(?=: AlterTableType)", text, re.MULTILINE))
    made_by_the_server_alone = {c for c in clauses if c.startswith(("AT_ReAdd", "AT_Cooked"))} | {
        "AT_AddIndex",
        "AT_AddIndexConstraint",
        "AT_AddColumnToView",
        "AT_ReplaceRelOptions",
    }
    assert len(clauses) > 60
    assert clauses - made_by_the_server_alone == set(kinds.ALTER_TABLE)


def test_a_problem_is_one_unknown_action():
    (statement,) = parse_file("SELEC 1", "f")
    assert [(a.kind, a.relation, a.sql) for a in actions(statement)] == [("UNKNOWN", None, "SELEC 1")]


def test_clauses_keep_their_spelling_and_lose_the_comments_between():
    sql = (
        'alter  TABLE if exists ONLY "É".t /* 1 */\n ADD a numeric(10,2) DEFAULT f(1, 2) -- 2, 3\n '
        ", alter b /* x */ type text[] using array[a,b], drop c;"
    )
    found = actions(parse_statement(sql))
    assert [a.sql for a in found] == [
        'alter  TABLE if exists ONLY "É".t drop c',
        'alter  TABLE if exists ONLY "É".t alter b /* x */ type text[] using array[a,b]',
        'alter  TABLE if exists ONLY "É".t ADD a numeric(10,2) DEFAULT f(1, 2)',
    ]
    assert all(a.only and a.if_exists and a.relation == ("É", "t") for a in found)


@pytest.mark.parametrize(
    ("sql", "alone"),
    [
        ("DROP TABLE IF EXISTS a, s.b CASCADE", ["DROP TABLE IF EXISTS a CASCADE", "DROP TABLE IF EXISTS s.b CASCADE"]),
        ("drop index concurrently a, b", ["drop index concurrently a", "drop index concurrently b"]),
        ("DROP FUNCTION f(int, text), g", ["DROP FUNCTION f(int, text)", "DROP FUNCTION g"]),
        ("TRUNCATE ONLY a, ONLY (b), c * CASCADE", ["TRUNCATE ONLY a CASCADE", "TRUNCATE ONLY (b) CASCADE", "TRUNCATE c * CASCADE"]),
        ("LOCK a, s.b IN SHARE MODE", ["LOCK a IN SHARE MODE", "LOCK s.b IN SHARE MODE"]),
        ("GRANT SELECT (x, y) ON TABLE a, b TO c, d", ["GRANT SELECT (x, y) ON TABLE a TO c, d", "GRANT SELECT (x, y) ON TABLE b TO c, d"]),
        ("VACUUM (VERBOSE) a (x, y), b", ["VACUUM (VERBOSE) a (x, y)", "VACUUM (VERBOSE) b"]),
        ("ALTER TABLE ONLY (t) DROP a, DROP b", ["ALTER TABLE ONLY (t) DROP a", "ALTER TABLE ONLY (t) DROP b"]),
        ("ALTER TABLE d.s.t * DROP a, DROP b", ["ALTER TABLE d.s.t * DROP a", "ALTER TABLE d.s.t * DROP b"]),
    ],
)
def test_lists_are_taken_apart(sql, alone):
    assert [a.sql for a in actions(parse_statement(sql))] == alone


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", True),
        ("CREATE INDEX i ON t (a)", False),
        ("DROP INDEX CONCURRENTLY i", True),
        ("REINDEX TABLE CONCURRENTLY t", True),
        ("REINDEX (CONCURRENTLY) TABLE t", True),
        ("REINDEX (CONCURRENTLY false, VERBOSE) TABLE t", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", True),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", True),
        ("ALTER TABLE t DETACH PARTITION p", False),
        ("ALTER TABLE t ADD COLUMN concurrently_ int", False),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (true)", False),
    ],
)
def test_concurrently(sql, expected):
    assert is_concurrent(action_of(sql)) is expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TYPE s.t AS ENUM ()", ("s", "t")),
        ("CREATE DOMAIN s.d AS int", ("s", "d")),
        ("CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS ''", ("s", "f")),
        ("ALTER FUNCTION s.f(int) RENAME TO g", ("s", "f")),
        ("DROP FUNCTION s.f(int)", ("s", "f")),
        ("DROP TYPE s.t", ("s", "t")),
        ("CREATE SCHEMA s", (None, "s")),
        ("DROP SCHEMA s", (None, "s")),
        ("ALTER SCHEMA s RENAME TO t", (None, "s")),
        ("CREATE EXTENSION IF NOT EXISTS e", (None, "e")),
        ("CREATE TRIGGER x BEFORE INSERT ON s.t EXECUTE FUNCTION f()", (None, "x")),
        ("DROP TRIGGER x ON s.t", (None, "x")),
        ("CREATE POLICY p ON s.t", (None, "p")),
        ("ALTER TABLE t DROP CONSTRAINT c", (None, "c")),
        ("ALTER TABLE t RENAME a TO b", (None, "a")),
        ("COMMENT ON COLUMN s.t.c IS ''", (None, "c")),
        ("COMMENT ON TABLE s.t IS ''", None),
        ("DROP TABLE s.t", None),
        ("CREATE TABLE t (a int)", None),
        ("CREATE PUBLICATION p", (None, "p")),
        ("CREATE ROLE r", (None, "r")),
        ("ALTER DOMAIN s.d RENAME CONSTRAINT a TO b", ("s", "d")),
        ("SELECT 1", None),
    ],
)
def test_subject(sql, expected):
    assert subject(action_of(sql)) == expected


def test_action_of_refuses_what_does_not_parse():
    with pytest.raises(InputError):
        action_of("ALTER TABLE t ADD")


_CLAUSES = [
    s[0].removeprefix("ALTER TABLE t ") for s in SAMPLES if s[0].startswith("ALTER TABLE t ") and "RENAME" not in s[0] and len(s[1]) > 2
]
_ALONE = ("PARTITION", "SET SCHEMA")
"""What the grammar takes only as the one clause of its statement."""


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_CLAUSES), min_size=1, max_size=6), st.sampled_from([", ", ",", " /* , */ ,\n", " -- ,\n, "]))
def test_any_list_of_clauses_is_taken_apart(clauses, separator):
    (statement,) = parse_file("ALTER TABLE t " + separator.join(clauses), "f")
    if statement.problem is None:
        assert sorted(a.sql for a in actions(statement)) == sorted(f"ALTER TABLE t {c}" for c in clauses) or len(clauses) == 1
    else:
        assert any(word in clause for clause in clauses for word in _ALONE)


def test_clauses_come_in_the_order_of_the_server():
    sql = (
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t (b), ADD UNIQUE (b), SET LOGGED, ADD a int, ALTER c TYPE int, "
        "ALTER b SET NOT NULL, DROP a"
    )
    assert [a.sql.removeprefix("ALTER TABLE t ") for a in actions(parse_statement(sql))] == [
        "DROP a",
        "ALTER c TYPE int",
        "ADD a int",
        "ALTER b SET NOT NULL",
        "ADD UNIQUE (b)",
        "ADD FOREIGN KEY (a) REFERENCES t (b)",
        "SET LOGGED",
    ]
