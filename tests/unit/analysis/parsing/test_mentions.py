"""What statements mention: what depends on what is decided by it."""

import pytest

from pgsluice.analysis.parsing.actions import action_of, actions
from pgsluice.analysis.parsing.mentions import mentioned_names, mentioned_relations, written_relations
from pgsluice.analysis.parsing.statements import parse_statement


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE s.t ADD FOREIGN KEY (a) REFERENCES q.p", {("s", "t"), ("q", "p")}),
        ("ALTER TABLE t ADD a int REFERENCES p DEFAULT nextval('s.\"Q\"'::regclass)", {(None, "t"), (None, "p"), ("s", "Q")}),
        ("CREATE TABLE t (a int REFERENCES p, LIKE l) INHERITS (i)", {(None, "t"), (None, "p"), (None, "l"), (None, "i")}),
        ("CREATE TABLE t PARTITION OF p DEFAULT", {(None, "t"), (None, "p")}),
        ("ALTER TABLE t ATTACH PARTITION p DEFAULT", {(None, "t"), (None, "p")}),
        (
            "CREATE VIEW v AS SELECT * FROM a JOIN s.b ON true WHERE EXISTS (SELECT 1 FROM c)",
            {(None, "v"), (None, "a"), ("s", "b"), (None, "c")},
        ),
        ("WITH w AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM w, c", {(None, "a"), (None, "b"), (None, "c")}),
        ("DROP TABLE a, s.b", {(None, "a"), ("s", "b")}),
        ("DROP TRIGGER x ON s.t", {("s", "t")}),
        ("COMMENT ON COLUMN s.t.c IS ''", {("s", "t")}),
        ("CREATE SEQUENCE s OWNED BY x.t.c", {(None, "s"), ("x", "t")}),
        ("CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()", {(None, "t")}),
        ("CREATE PUBLICATION p FOR TABLE a, s.b", {(None, "a"), ("s", "b")}),
        ("GRANT SELECT ON a TO b", {(None, "a")}),
        ("SELECT setval('My.Seq', 1)", {("my", "seq")}),
        ("CREATE TYPE t AS ENUM ('a')", set()),
        ("DO $$ BEGIN IF EXISTS (SELECT 1 FROM q) THEN UPDATE t SET a = 1; END IF; END $$", {(None, "q"), (None, "t")}),
    ],
)
def test_relations(sql, expected):
    assert mentioned_relations(parse_statement(sql)) == expected


def test_relations_of_one_action_of_several():
    first, second = actions(parse_statement("DROP TABLE a, s.b"))
    assert mentioned_relations(first) == {(None, "a")}
    assert mentioned_relations(second) == {("s", "b")}
    first, second = actions(parse_statement("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p, ADD b int"))
    assert mentioned_relations(second) == {(None, "t"), (None, "p")}
    assert mentioned_relations(first) == {(None, "t")}


@pytest.mark.parametrize(
    ("sql", "there", "not_there"),
    [
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > f(b::s.ty))", {"t", "c", "a", "f", "b", "ty"}, {"s"}),
        (
            "ALTER TABLE t ADD a int, ADD b timestamptz DEFAULT now()",
            {"a"},
            {"int4", "pg_catalog"},
        ),
        ("CREATE INDEX i ON t (lower(x)) INCLUDE (y) WHERE z", {"i", "t", "x", "y", "z"}, set()),
        ("UPDATE t SET a = b WHERE c = 'some text'", {"t", "a", "b", "c"}, {"some text"}),
        ("SELECT * FROM t", {"*", "t"}, set()),
        ("ALTER TABLE t RENAME a TO b", {"a", "b"}, set()),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.total := 1; END $$", {"f", "total"}, {"plpgsql", "trigger"}),
        ("ALTER TYPE t ADD VALUE 'x'", {"t", "x"}, set()),
        ("CREATE TRIGGER x BEFORE UPDATE OF a ON t EXECUTE FUNCTION f()", {"x", "a", "t", "f"}, set()),
    ],
)
def test_names(sql, there, not_there):
    found = frozenset().union(*(mentioned_names(a) for a in actions(parse_statement(sql))))
    assert there <= found and not not_there & found


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO s.t SELECT * FROM u", {("s", "t")}),
        ("WITH w AS (DELETE FROM a RETURNING *) UPDATE b SET x = 1 FROM w", {(None, "a"), (None, "b")}),
        ("MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE", {(None, "t")}),
        ("SELECT * FROM t", set()),
        ("CREATE TABLE t AS SELECT 1", set()),
    ],
)
def test_written_relations(sql, expected):
    assert written_relations(action_of(sql)) == expected
