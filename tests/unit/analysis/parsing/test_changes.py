"""Readers of the smaller actions, and of what makes other objects."""

import pytest

from pgsluice.analysis.parsing.actions import action_of, actions
from pgsluice.analysis.parsing.changes import (
    EnumChange,
    PartitionChange,
    Rename,
    Setting,
    cascades,
    column_name,
    comment,
    constraint_name,
    enum_change,
    identity_sql,
    missing_allowed,
    new_default,
    new_schema,
    partition_change,
    rename,
    setting,
    storage_parameters,
    trigger_definition,
    type_change,
)
from pgsluice.analysis.parsing.objects import (
    domain_definition,
    function_definition,
    sequence_definition,
    type_definition,
    view_definition,
)
from pgsluice.analysis.parsing.statements import parse_statement


@pytest.mark.parametrize(
    ("clause", "type_sql", "using", "collation"),
    [
        ("ALTER a TYPE text", "text", None, None),
        ("ALTER COLUMN a SET DATA TYPE numeric(10, 2) USING (a + 1)::numeric", "numeric(10, 2)", "(a + 1)::numeric", None),
        ("ALTER a TYPE varchar(10)[] COLLATE \"C\" USING f(a, 'USING')", "varchar(10)[]", "f(a, 'USING')", '"C"'),
        ("ALTER a TYPE s.t COLLATE s.c -- why", "s.t", None, "s.c"),
    ],
)
def test_type_changes(clause, type_sql, using, collation):
    found = type_change(action_of(f"ALTER TABLE t {clause}"))
    assert (found.column, found.type_sql, found.using_sql, found.collation_sql) == ("a", type_sql, using, collation)


def test_type_changes_elsewhere():
    found = type_change(action_of("ALTER TYPE t ALTER ATTRIBUTE a TYPE varchar(5) CASCADE"))
    assert (found.column, found.type_sql) == ("a", "varchar(5)")
    second = actions(parse_statement("ALTER TABLE t ALTER é TYPE int, ALTER b TYPE bigint USING b + 1"))[1]
    assert (type_change(second).column, type_change(second).using_sql) == ("b", "b + 1")
    assert type_change(action_of("ALTER TABLE t ADD a int")) is None


def test_defaults():
    assert new_default(action_of("ALTER TABLE t ALTER a SET DEFAULT (1) + f(2)")).sql == "(1) + f(2)"
    assert new_default(action_of("ALTER DOMAIN d SET DEFAULT 'x'")).constant
    assert new_default(action_of('ALTER TABLE t ALTER "DEFAULT" SET DEFAULT 1')).sql == "1"
    assert new_default(action_of("ALTER TABLE t ALTER a DROP DEFAULT")) is None


@pytest.mark.parametrize(
    ("sql", "column", "constraint"),
    [
        ("ALTER TABLE t ADD a int", "a", None),
        ("ALTER TABLE t DROP a", "a", None),
        ("ALTER TABLE t ALTER a SET NOT NULL", "a", None),
        ("ALTER TABLE t ALTER a SET (n_distinct = 1)", "a", None),
        ("ALTER TABLE t DROP CONSTRAINT c", None, "c"),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", None, "c"),
        ("ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE", None, "c"),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (true)", None, "c"),
        ("ALTER TABLE t ADD CHECK (true)", None, None),
        ("ALTER DOMAIN d VALIDATE CONSTRAINT c", None, "c"),
        ("ALTER TABLE t ENABLE TRIGGER x", None, None),
        ("ALTER TABLE t RENAME a TO b", None, None),
        ("DROP TABLE t", None, None),
    ],
)
def test_the_part_that_a_clause_is_about(sql, column, constraint):
    action = action_of(sql)
    assert (column_name(action), constraint_name(action)) == (column, constraint)


def test_cascade_and_if_exists():
    assert cascades(action_of("DROP TABLE t CASCADE")) and not cascades(action_of("DROP TABLE t"))
    assert cascades(action_of("ALTER TABLE t DROP a CASCADE")) and cascades(action_of("TRUNCATE t CASCADE"))
    allowed = [
        "DROP TABLE IF EXISTS t",
        "ALTER TABLE t DROP COLUMN IF EXISTS a",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int",
        "CREATE INDEX IF NOT EXISTS i ON t (a)",
        "ALTER TYPE t ADD VALUE IF NOT EXISTS 'a'",
        "ALTER TABLE IF EXISTS t DROP a",
    ]
    assert all(missing_allowed(action_of(sql)) for sql in allowed)
    assert not any(missing_allowed(action_of(sql)) for sql in ("DROP TABLE t", "ALTER TABLE t DROP a", "CREATE INDEX i ON t (a)"))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE s.t RENAME TO u", Rename("", "t", "u")),
        ("ALTER TABLE t RENAME a TO b", Rename("column", "a", "b")),
        ("ALTER TABLE t RENAME CONSTRAINT a TO b", Rename("constraint", "a", "b")),
        ("ALTER TYPE s.t RENAME TO u", Rename("", "t", "u")),
        ("ALTER TYPE t RENAME ATTRIBUTE a TO b", Rename("attribute", "a", "b")),
        ("ALTER FUNCTION s.f(int) RENAME TO g", Rename("", "f", "g")),
        ("ALTER SCHEMA a RENAME TO b", Rename("", "a", "b")),
        ("ALTER TRIGGER a ON t RENAME TO b", Rename("trigger", "a", "b")),
        ("ALTER PUBLICATION a RENAME TO b", Rename("", "a", "b")),
        ("ALTER TABLE t SET SCHEMA s", None),
    ],
)
def test_renames(sql, expected):
    assert rename(action_of(sql)) == expected


def test_new_schema():
    assert new_schema(action_of("ALTER TABLE t SET SCHEMA s")) == "s"
    assert new_schema(action_of("ALTER TABLE t RENAME TO s")) is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TYPE s.t ADD VALUE 'a'", EnumChange(("s", "t"), "a")),
        ("ALTER TYPE t ADD VALUE IF NOT EXISTS 'a' AFTER 'b'", EnumChange((None, "t"), "a", after="b", if_not_exists=True)),
        ("ALTER TYPE t ADD VALUE 'a' BEFORE 'b'", EnumChange((None, "t"), "a", before="b")),
        ("ALTER TYPE t RENAME VALUE 'a' TO 'b'", EnumChange((None, "t"), "b", old="a")),
        ("DROP TYPE t", None),
    ],
)
def test_enums(sql, expected):
    assert enum_change(action_of(sql)) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE t ATTACH PARTITION s.p FOR VALUES IN (1, 2)", PartitionChange(("s", "p"), "FOR VALUES IN (1, 2)")),
        ("ALTER TABLE t ATTACH PARTITION p DEFAULT", PartitionChange((None, "p"), "DEFAULT", default=True)),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", PartitionChange((None, "p"), concurrent=True)),
        ("ALTER TABLE t DETACH PARTITION p FINALIZE", PartitionChange((None, "p"))),
        ("ALTER INDEX i ATTACH PARTITION s.j", PartitionChange(("s", "j"))),
        ("ALTER TABLE t INHERIT p", None),
    ],
)
def test_partitions(sql, expected):
    assert partition_change(action_of(sql)) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET LOCAL lock_timeout = '1s'", Setting("lock_timeout", "1s", local=True)),
        ("SET Statement_Timeout TO 0", Setting("statement_timeout", "0")),
        ('SET search_path TO a, "B"', Setting("search_path", "a, B")),
        ("SET x TO on", Setting("x", "on")),
        ("SET x TO 1.5", Setting("x", "1.5")),
        ("SET TIME ZONE 'UTC'", Setting("timezone", "UTC")),
        ("SET x TO DEFAULT", Setting("x", None)),
        ("RESET x", Setting("x", None)),
        ("RESET ALL", Setting("all", None)),
        ("SET TRANSACTION READ ONLY", None),
    ],
)
def test_settings(sql, expected):
    assert setting(action_of(sql)) == expected


def test_triggers():
    found = trigger_definition(
        action_of("CREATE OR REPLACE TRIGGER x BEFORE INSERT OR UPDATE OF a, b ON s.t FOR EACH ROW EXECUTE FUNCTION q.f()")
    )
    assert (found.name, found.table, found.function, found.timing, found.events, found.row, found.columns, found.replace) == (
        "x",
        ("s", "t"),
        ("q", "f"),
        "BEFORE",
        ("INSERT", "UPDATE"),
        True,
        ("a", "b"),
        True,
    )
    found = trigger_definition(action_of("CREATE CONSTRAINT TRIGGER x AFTER DELETE ON t FROM u FOR EACH ROW EXECUTE FUNCTION f()"))
    assert (found.timing, found.constraint, found.references) == ("AFTER", True, (None, "u"))
    assert trigger_definition(action_of("CREATE TRIGGER x INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()")).timing == "INSTEAD OF"


def test_comments_identities_and_parameters():
    found = comment(action_of("COMMENT ON COLUMN s.t.c IS 'it''s'"))
    assert (found.part, found.text) == ("c", "it's")
    assert comment(action_of("COMMENT ON TABLE t IS NULL")).text is None
    assert (
        identity_sql(action_of("ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY (START 5)"))
        == "GENERATED ALWAYS AS IDENTITY (START 5)"
    )
    assert identity_sql(action_of("ALTER TABLE t ALTER a SET GENERATED ALWAYS RESTART 5")) == "SET GENERATED ALWAYS RESTART 5"
    assert storage_parameters(action_of("ALTER TABLE t SET (fillfactor = 70, x.y = off)")) == "fillfactor = 70, x.y = off"
    assert storage_parameters(action_of("ALTER TABLE t SET LOGGED")) is None


def test_views():
    found = view_definition(action_of("CREATE OR REPLACE TEMP VIEW s.v (a, b) AS SELECT 1 AS x, 2 WITH CHECK OPTION"))
    assert (found.name, found.query_sql, found.columns, found.replace, found.temporary) == (
        ("s", "v"),
        "SELECT 1 AS x, 2 WITH CHECK OPTION",
        ("a", "b"),
        True,
        True,
    )
    found = view_definition(action_of("CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1 WITH NO DATA"))
    assert (found.materialized, found.if_not_exists, found.query_sql) == (True, True, "SELECT 1 WITH NO DATA")
    assert view_definition(action_of("CREATE TABLE t AS SELECT 1")) is None


def test_sequences():
    found = sequence_definition(action_of("CREATE TEMP SEQUENCE IF NOT EXISTS s.q AS int OWNED BY x.t.c"))
    assert (found.name, found.type_name, found.owned_by, found.temporary, found.if_not_exists) == (
        ("s", "q"),
        "int4",
        (("x", "t"), "c"),
        True,
        True,
    )
    assert sequence_definition(action_of("ALTER SEQUENCE q OWNED BY NONE")).disowned
    assert sequence_definition(action_of("ALTER SEQUENCE q RESTART")).restarts
    assert sequence_definition(action_of("DROP SEQUENCE q")) is None


@pytest.mark.parametrize(
    ("sql", "kind", "labels"),
    [
        ("CREATE TYPE s.t AS ENUM ('a', 'b''c')", "enum", ("a", "b'c")),
        ("CREATE TYPE s.t AS (a int)", "composite", ()),
        ("CREATE TYPE s.t AS RANGE (SUBTYPE = int)", "range", ()),
        ("CREATE TYPE s.t (INPUT = f, OUTPUT = g)", "base", ()),
        ("CREATE TYPE s.t", "shell", ()),
    ],
)
def test_types(sql, kind, labels):
    found = type_definition(action_of(sql))
    assert (found.name, found.kind, found.labels) == (("s", "t"), kind, labels)


def test_domains():
    found = domain_definition(
        action_of("CREATE DOMAIN s.d AS varchar(10) COLLATE \"C\" DEFAULT 'x' NOT NULL CONSTRAINT c CHECK (value > 'a')")
    )
    assert (found.name, found.base_sql, found.default.sql, found.not_null) == (("s", "d"), "varchar(10)", "'x'", True)
    assert [(c.name, c.expression_sql) for c in found.constraints] == [(None, None), ("c", "value > 'a'")]
    assert domain_definition(action_of("CREATE DOMAIN d int")).base_sql == "int"


def test_functions():
    sql = "CREATE OR REPLACE FUNCTION s.f(a int, b s.t[], OUT c text) RETURNS text LANGUAGE PLPGSQL STABLE AS $$ BEGIN END $$"
    found = function_definition(action_of(sql))
    assert (found.name, found.kind, found.language, found.volatility, found.replace, found.arguments, found.returns) == (
        ("s", "f"),
        "function",
        "plpgsql",
        "stable",
        True,
        ("int4", "s.t[]"),
        (None, "text"),
    )
    assert function_definition(action_of("CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1; END")).kind == "procedure"
