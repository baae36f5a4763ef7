"""CREATE TABLE as written, and without some of its constraints."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.surgery import add_constraint, create_table_without
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.model.catalog import ConstraintKind

BIG = """CREATE UNLOGGED TABLE IF NOT EXISTS s."T" ( -- (
    CONSTRAINT u UNIQUE (a) INCLUDE (b), id bigserial PRIMARY KEY, -- ,
    a int DEFAULT f(1, 2) REFERENCES p, b int CONSTRAINT fk REFERENCES s.q (x) /* , */ NOT NULL,
    FOREIGN KEY (a, b) REFERENCES r (x, y), LIKE other INCLUDING ALL, EXCLUDE USING gist (a WITH =), CHECK (a > b)
) INHERITS (p1, s.p2) PARTITION BY RANGE (a, lower(b)) WITH (fillfactor=70) TABLESPACE x"""


def test_everything_that_a_table_can_say():
    found = table_definition(action_of(BIG))
    assert (found.name, found.persistence, found.if_not_exists) == (("s", "T"), "unlogged", True)
    assert [(c.name, c.type_sql) for c in found.columns] == [("id", "bigserial"), ("a", "int"), ("b", "int")]
    assert [c.kind.value for c in found.table_constraints] == ["unique", "foreign key", "exclusion", "check"]
    assert [c.sql for c in found.constraints if c.inline] == ["PRIMARY KEY", "REFERENCES p", "CONSTRAINT fk REFERENCES s.q (x)", "NOT NULL"]
    assert found.like == ((None, "other"),)
    assert found.inherits == ((None, "p1"), ("s", "p2"))
    assert found.partition_by_sql == "RANGE (a, lower(b))"
    assert found.partition_of is None and not found.query


@pytest.mark.parametrize(
    ("text", "bound", "default", "by"),
    [
        ("FOR VALUES FROM (1) TO (MAXVALUE)", "FOR VALUES FROM (1) TO (MAXVALUE)", False, None),
        ("FOR VALUES IN ('a', 'b') PARTITION BY LIST (c)", "FOR VALUES IN ('a', 'b')", False, "LIST (c)"),
        ("FOR VALUES WITH (MODULUS 4, REMAINDER 0) WITH (fillfactor=70)", "FOR VALUES WITH (MODULUS 4, REMAINDER 0)", False, None),
        ("DEFAULT", "DEFAULT", True, None),
        ("(a DEFAULT 5 NOT NULL, CHECK (a > 1)) DEFAULT PARTITION BY HASH (b)", "DEFAULT", True, "HASH (b)"),
    ],
)
def test_partitions(text, bound, default, by):
    found = table_definition(action_of(f"CREATE TABLE t PARTITION OF s.p {text}"))
    assert (found.partition_of, found.inherits, found.bound_sql, found.default_partition, found.partition_by_sql) == (
        ("s", "p"),
        (),
        bound,
        default,
        by,
    )


@pytest.mark.parametrize(
    ("sql", "name", "persistence", "query"),
    [
        ("CREATE TEMP TABLE t (a int) ON COMMIT DROP", (None, "t"), "temporary", False),
        ("CREATE TABLE t ()", (None, "t"), "permanent", False),
        ("CREATE TABLE t OF ty (PRIMARY KEY (a))", (None, "t"), "permanent", False),
        ("CREATE TABLE s.t AS SELECT 1 WITH NO DATA", ("s", "t"), "permanent", True),
        ("SELECT 1 INTO UNLOGGED t", (None, "t"), "unlogged", True),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", (None, "v"), "permanent", True),
        ("CREATE FOREIGN TABLE t (a int NOT NULL) SERVER s", (None, "t"), "permanent", False),
        ("CREATE TABLE pg_temp.t (a int)", ("pg_temp", "t"), "permanent", False),
    ],
)
def test_other_ways_to_make_a_table(sql, name, persistence, query):
    found = table_definition(action_of(sql))
    assert (found.name, found.persistence, found.query) == (name, persistence, query)


def test_other_actions_make_none():
    assert table_definition(action_of("ALTER TABLE t ADD a int")) is None


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 7)))
def test_a_table_without_any_choice_of_its_constraints(numbers):
    action = action_of(BIG)
    found = table_definition(action)
    assert len(found.constraints) == 8
    gone = [found.constraints[n] for n in numbers]
    again = table_definition(action_of(create_table_without(action, gone)))
    assert [c.sql for c in again.constraints] == [c.sql for n, c in enumerate(found.constraints) if n not in numbers]
    assert (again.columns[1].default_sql, again.like, again.inherits, again.partition_by_sql) == (
        "f(1, 2)",
        found.like,
        found.inherits,
        found.partition_by_sql,
    )


def test_a_table_of_constraints_alone_ends_empty():
    action = action_of("CREATE TABLE t (CHECK (true), CONSTRAINT c CHECK (false))")
    assert create_table_without(action, table_definition(action).constraints) == "CREATE TABLE t ()"


def test_the_rest_keeps_its_spelling():
    action = action_of("create  table t (a int references p, -- why, really\n foreign key (a) references q,\n b int)")
    clauses = [c for c in table_definition(action).constraints if c.kind is ConstraintKind.FOREIGN_KEY]
    assert create_table_without(action, clauses) == "create  table t (a int,\n b int)"
    assert [added_constraint(action_of(add_constraint("t", c))).references for c in clauses] == [(None, "q"), (None, "p")]
