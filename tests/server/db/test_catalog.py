"""Reading the catalog: what an ordinary role sees of objects of every kind, odd names and all."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.model.catalog import UNKNOWN_BYTES, ConstraintKind, TableKind
from pgsluice.model.errors import PatienceError
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.rehearsal.server import StandbyServer
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute, rows, value

SCENE = Path(__file__).with_name("scene.sql").read_text(encoding="utf-8")
LONG = "a" * 63


def q(name: str, schema: str = "Shop") -> QualifiedName:
    return QualifiedName(schema, name)


@pytest.fixture
def session(owner_dsn: str):
    opened = connect(owner_dsn, "test", environment={})
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def scene_dsn(server: TestServer):
    """The scene in a database of its own, for tests that only look."""
    with server.fresh_database() as name:
        dsn = server.process.dsn(name, OWNER)
        execute(dsn, SCENE)
        yield dsn


@pytest.fixture(scope="module")
def scene(scene_dsn: str) -> Any:
    with closing(connect(scene_dsn, "test", environment={})) as opened:
        return read_catalog(opened)


@pytest.fixture
def odd(scene) -> Any:
    return scene.tables[q("select")]


def test_who_and_where(scene, server: TestServer):
    assert (scene.role, scene.superuser, scene.version.major, scene.known) == (OWNER, False, server.major, True)
    assert scene.schemas >= {"Shop", "empty", "public"} and not any(s.startswith("pg_") for s in scene.schemas)
    assert scene.search_path == ("public",)
    assert scene.settings["deadlock_timeout"] == "1s" and "max_locks_per_transaction" in scene.settings and scene.settings["TimeZone"]
    assert not scene.is_empty


def test_columns_with_all_that_hangs_on_them(odd):
    assert [c.name for c in odd.columns] == ["id", "code", "Mixed Case", 'a"quote', LONG, "feeling", "double", "at"]
    by = {c.name: c for c in odd.columns}
    assert (by["id"].identity, by["id"].sequence, by["id"].not_null) == ("always", q("select_id_seq"), True)
    assert (by["code"].sequence, by["code"].default) == (q("select_code_seq"), "nextval('\"Shop\".select_code_seq'::regclass)")
    assert (by["code"].comment, by["code"].privileges) == ("number", ('=r/"\\"shop owner\\""',)) or by["code"].privileges
    mixed = by["Mixed Case"]
    assert (mixed.collation, mixed.default, mixed.storage, mixed.statistics_target) == ('pg_catalog."C"', "'it''s'::text", "external", 7)
    assert by['a"quote'].type == "character varying(20)" and by['a"quote'].never_null
    assert (by["feeling"].type, by["feeling"].default) == ('"Shop".mood', "'happy'::\"Shop\".mood")
    assert (by["double"].generated, by["double"].default) == ("stored", "(code * 2)")
    assert by["at"].default == "'2019-12-31 23:00:00+00'::timestamp with time zone"


def test_texts_do_not_depend_on_who_reads(scene, scene_dsn: str):
    settings = "-c search_path=Shop -c TimeZone=Asia/Tokyo -c DateStyle=SQL -c IntervalStyle=iso_8601"
    other = connect(f"{scene_dsn} options='{settings}'", "test", environment={})
    assert read_catalog(other).tables == scene.tables
    other.close()


def test_indexes(odd):
    expr = odd.index("expr")
    assert expr is not None and expr.keys == (None, "code") and expr.include == ("feeling",) and expr.predicate == "(at IS NOT NULL)"
    assert expr.columns == {"Mixed Case", "code", "feeling", "at"} and not expr.plain and expr.valid and not expr.unique
    key, pair, pattern, exclusion = (odd.index(n) for n in ("select_pkey", "plain_unique", "pattern", f"select_{LONG[:51]}_excl"))
    assert key and key.primary and key.plain and key.constraint == "select_pkey" and key.keys == ("id",) and key.bytes > 0
    assert pair and pair.unique and pair.plain and pair.constraint is None and pair.keys == ("code", "at")
    assert pattern and not pattern.plain
    assert exclusion and exclusion.constraint == exclusion.name.name


def test_constraints(odd, scene, server: TestServer):
    found = {c.name: c for c in odd.constraints if c.kind is not ConstraintKind.NOT_NULL}
    assert set(found) == {"select_pkey", "Positive!", "both_ways", "later", f"select_{LONG[:51]}_excl"}
    assert found["Positive!"].no_inherit and found["Positive!"].columns == ("code",) and found["Positive!"].validated
    assert not found["later"].validated and found["later"].definition.endswith("NOT VALID")
    assert (
        found["both_ways"].deferrable
        and found["both_ways"].index == q("both_ways")
        and found["both_ways"].columns == ("Mixed Case", "code")
    )
    assert odd.primary_key and odd.primary_key.columns == ("id",) and not odd.primary_key.inherited
    assert scene.tables[q("derived")].constraint("x_small").inherited
    not_null = {c.columns[0]: c for c in odd.constraints if c.kind is ConstraintKind.NOT_NULL}
    assert set(not_null) == ({"id", "code", 'a"quote'} if server.major >= 18 else set())
    assert all(odd.column(n).not_null_constraint == c.name for n, c in not_null.items())


@pytest.mark.pg(">= 18")
def test_what_18_brought(session: Session, owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, CONSTRAINT c CHECK (a > 0) NOT ENFORCED)")
    execute(owner_dsn, 'ALTER TABLE t ADD CONSTRAINT "n n" NOT NULL a NOT VALID')
    table: Any = read_catalog(session).tables[q("t", "public")]
    a = table.column("a")
    assert (a.not_null, a.not_null_constraint, a.not_null_validated, a.never_null) == (True, "n n", False, False)
    assert table.column("b").generated == "virtual" and not table.constraint("c").enforced
    (text,) = rows(owner_dsn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'n n'")[0]
    assert table.constraint("n n").definition == text == "NOT NULL a NOT VALID"


@pytest.mark.pg(">= 15")
def test_nulls_not_distinct(session: Session, owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT, b int UNIQUE)")
    assert {i.keys: i.nulls_not_distinct for i in read_catalog(session).indexes()} == {("a",): True, ("b",): False}


def test_foreign_keys_both_ways(scene):
    note, item = scene.tables[q("note")], q("item")
    pair, unsure = note.foreign_keys
    assert (pair.name, pair.columns, pair.references, pair.referenced_columns, pair.validated) == (
        "pair",
        ("b", "a"),
        item,
        ("b", "a"),
        True,
    )
    assert not unsure.validated
    assert {c.name for c in scene.foreign_keys_to(item)} == {"pair", "unsure"}
    assert [c.table for c in scene.foreign_keys_to(q("select"))] == [item]
    (to_partitioned,) = scene.tables[q("event_note")].foreign_keys
    assert to_partitioned.references == q("event") and not to_partitioned.inherited


def test_partitions_and_inheritance(scene):
    event, part = scene.tables[q("event")], scene.tables[q("event_2021")]
    assert event.kind is part.kind is TableKind.PARTITIONED and event.partition_key == "RANGE (at)"
    assert event.children == (q("event_2020"), q("event_2021"), q("event_rest")) and event.default_partition == q("event_rest")
    assert part.is_partition and part.parents == (q("event"),) and part.children == (q("event_2021_1"),)
    assert part.partition_bound == "FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')"
    assert part.index("event_2021_pkey").parent == q("event_pkey") and part.index("event_2021_pkey").partitioned
    assert scene.tables[q("event_2020")].primary_key.inherited
    assert scene.tables[q("derived")].parents == (q("base"),) and not scene.tables[q("derived")].is_partition


def test_sizes_are_measured_where_nothing_was_ever_analysed(scene, scene_dsn: str):
    item = scene.tables[q("item")]
    assert item.rows is None and item.size_known
    assert item.bytes == value(scene_dsn, "SELECT pg_relation_size('\"Shop\".item')") > 500_000
    assert item.total_bytes == item.bytes + item.index("item_pkey").bytes
    rest = scene.tables[q("event_rest")]
    assert scene.tables[q("event")].bytes == rest.bytes + scene.tables[q("event_2020")].bytes > rest.bytes > 0
    assert scene.tables[q("event")].total_bytes > scene.tables[q("event")].bytes


def test_estimates_come_from_analyze(session: Session, owner_dsn: str):
    execute(owner_dsn, SCENE)
    execute(owner_dsn, 'ANALYZE "Shop".item, "Shop".event')
    again = read_catalog(session)
    assert again.tables[q("item")].rows == 20000 and again.tables[q("event")].rows == pytest.approx(4005, abs=5)


def test_views_down_to_columns(scene):
    assert set(scene.tables[q("v")].depends_on) == {(q("select"), "code"), (q("select"), "Mixed Case"), (q("select"), "feeling")}
    assert [t.name for t in scene.views_on(q("v"))] == [q("mv"), q("vv")]
    assert '"Shop"."select"' in scene.tables[q("v")].definition and scene.tables[q("mv")].kind is TableKind.MATERIALIZED_VIEW
    assert scene.tables[q("mv")].index("mv_a_idx")


def test_triggers_rules_policies(odd):
    (trigger,) = odd.triggers
    assert (trigger.name, trigger.enabled, trigger.function, trigger.inherited) == ("touched", False, '"Shop".touch()', False)
    assert odd.rules == ("no delete",) and odd.policies == ("mine",) and odd.row_security and odd.comment == "odd"
    assert odd.texts[0].startswith('CREATE RULE "no delete"') and odd.texts[1].startswith("POLICY mine AS PERMISSIVE FOR SELECT TO PUBLIC")


def test_sequences_functions_types(scene):
    ticket, code = scene.sequences[q("ticket")], scene.sequences[q("select_code_seq")]
    assert (ticket.type, ticket.maximum, ticket.last_value, ticket.owned_by) == ("smallint", 500, 1, None)
    assert (code.owned_by, code.last_value) == ((q("select"), "code"), None)
    total = next(f for f in scene.functions if f.name == q("Total"))
    assert (total.signature, total.volatility, total.language) == ('"Shop"."Total"(integer,"Shop".mood)', "immutable", "sql")
    assert total.definition.startswith("CREATE OR REPLACE FUNCTION")
    mood, email, point = (scene.types[q(n)] for n in ("mood", "email", "point3"))
    assert mood.labels == ("sad", "it's ok", "happy") and mood.kind == "enum"
    assert (email.kind, email.base, email.not_null, email.default) == ("domain", "text", True, "'x@y'::text")
    assert [(n, v) for n, _, v in email.constraints] == [("has_at", True)]
    assert (point.kind, point.attributes) == ("composite", (("x", "integer"), ("Y", "numeric(10,2)")))


def test_persistence_and_options(scene):
    scratch = scene.tables[q("scratch")]
    assert (scratch.persistence, scratch.options, scratch.owner) == ("unlogged", ("fillfactor=70",), OWNER)


def test_publications_reach_partitions(session: Session, database: str, owner_dsn: str, server: TestServer):
    execute(owner_dsn, SCENE)
    execute(database, 'CREATE PUBLICATION one FOR TABLE "Shop".event')
    if server.major >= 15:
        execute(database, 'CREATE PUBLICATION shop FOR TABLES IN SCHEMA "Shop"')
    catalog = read_catalog(session)
    schemas = {"one": (), "shop": ("Shop",)} if server.major >= 15 else {"one": ()}
    assert {p.name: p.schemas for p in catalog.publications} == schemas
    assert catalog.tables[q("event_2021_1")].published_by == tuple(schemas)
    assert catalog.tables[q("scratch")].published_by == catalog.tables[q("v")].published_by == ()
    execute(database, "CREATE PUBLICATION everything FOR ALL TABLES")
    assert "everything" in read_catalog(session).tables[q("item")].published_by


def test_surroundings(session: Session, database: str):
    execute(database, "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
    execute(database, "CREATE EVENT TRIGGER loud ON ddl_command_end EXECUTE FUNCTION e()")
    execute(database, "SELECT pg_create_logical_replication_slot('cat_slot', 'pgoutput')")
    catalog = read_catalog(session)
    assert catalog.event_triggers == ("loud",) and catalog.slots == ("cat_slot",) and catalog.extensions >= {"plpgsql"}


def test_a_standby_is_named_to_an_ordinary_role(session: Session, server: TestServer):
    if not server.process.installation.can_make_standby:
        pytest.skip("no pg_basebackup beside this server")
    with StandbyServer(server.process, name="replica one"):
        end = time.monotonic() + 10
        while (found := read_catalog(session).replicas) != ("replica one",):
            assert time.monotonic() < end, found


def test_an_invalid_index_is_seen(session: Session, owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        execute(owner_dsn, "CREATE UNIQUE INDEX CONCURRENTLY twice ON t (a)")
    (index,) = read_catalog(session).indexes()
    assert not index.valid and index.unique


def test_our_own_schema_and_extensions_leave_a_database_empty(session: Session, owner_dsn: str):
    assert read_catalog(session).is_empty
    execute(owner_dsn, "CREATE SCHEMA pgsluice CREATE TABLE step (id int)")
    catalog = read_catalog(session)
    assert catalog.is_empty and "pgsluice" not in catalog.schemas
    execute(owner_dsn, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert not read_catalog(session).is_empty


def test_objects_of_an_extension_are_marked(session: Session, database: str):
    """Any contrib module would do; not every build has one, so a table is handed to plpgsql."""
    execute(database, "CREATE TABLE of_extension (a int); ALTER EXTENSION plpgsql ADD TABLE of_extension")
    catalog = read_catalog(session)
    assert catalog.tables[q("of_extension", "public")].extension == "plpgsql" and catalog.is_empty


def test_search_path_as_the_server_reads_it(session: Session, owner_dsn: str):
    execute(owner_dsn, f'CREATE SCHEMA "{OWNER}"; CREATE SCHEMA "We, two"; CREATE SCHEMA shop')
    session.run('SET search_path = "$user", "We, two", SHOP, pg_catalog, not_yet, public, shop')
    assert read_catalog(session).search_path == (OWNER, "We, two", "shop", "not_yet", "public")
    assert session.value("SHOW search_path").startswith('"$user"')


def test_a_schema_that_the_role_may_not_use_is_passed_over(session: Session, database: str):
    execute(database, "CREATE SCHEMA closed")
    session.run("SET search_path = closed, public")
    assert read_catalog(session).search_path == ("public",)


def test_other_roles_objects_are_seen_without_any_right_on_them(session: Session, database: str):
    execute(database, "CREATE SCHEMA closed CREATE TABLE secret (id serial PRIMARY KEY, b text CHECK (b <> ''))")
    execute(database, "INSERT INTO closed.secret (b) SELECT 'x' FROM generate_series(1, 1000)")
    catalog = read_catalog(session)
    secret = catalog.tables[q("secret", "closed")]
    assert secret.bytes > 8192 and secret.constraint("secret_b_check") and secret.owner == "postgres"
    assert catalog.sequences[q("secret_id_seq", "closed")].last_value is None


def test_behind_an_access_exclusive_lock_the_size_is_the_estimate(session: Session, owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE a (x int); CREATE TABLE b (x int)")
    execute(owner_dsn, "INSERT INTO a SELECT generate_series(1, 1000); INSERT INTO b SELECT * FROM a; ANALYZE b")
    blocker = connect(owner_dsn, "blocker", environment={})
    blocker.run("BEGIN; LOCK TABLE a, b IN ACCESS EXCLUSIVE MODE")
    tables = read_catalog(session, patience_s=0).tables
    a, b = tables[q("a", "public")], tables[q("b", "public")]
    assert (a.bytes, a.size_known) == (UNKNOWN_BYTES, False)
    assert (b.bytes, b.size_known) == (5 * 8192, False)
    blocker.run("ROLLBACK")
    assert read_catalog(session).tables[q("a", "public")].size_known
    blocker.close()


def test_a_lock_that_cannot_be_passed_is_named(session: Session, owner_dsn: str):
    execute(owner_dsn, 'CREATE TABLE "Big One" (x int CHECK (x > 0))')
    blocker = connect(owner_dsn, "vacuum full", environment={})
    blocker.run('BEGIN; LOCK TABLE "Big One" IN ACCESS EXCLUSIVE MODE')
    with pytest.raises(PatienceError) as refusal:
        read_catalog(session, lock_timeout_s=0.05, patience_s=0.3)
    assert refusal.value.code == "catalog-locked" and refusal.value.where == 'public."Big One"'
    assert f"pid {blocker.pid}" in str(refusal.value) and "pgsluice vacuum full" in str(refusal.value)
    assert not session.in_transaction
    blocker.run("ROLLBACK")
    assert q("Big One", "public") in read_catalog(session).tables
    blocker.close()


def test_a_prepared_transaction_is_named_by_its_gid(session: Session, owner_dsn: str):
    execute(owner_dsn, "CREATE TABLE t (x int CHECK (x > 0))")
    execute(owner_dsn, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'left over'")
    with pytest.raises(PatienceError, match="prepared transaction 'left over'"):
        read_catalog(session, lock_timeout_s=0.05, patience_s=0)


def test_it_holds_nothing_while_it_waits_and_nothing_afterwards(session: Session, owner_dsn: str):
    """A reader that kept ACCESS SHARE on a view's tables while it waited for another lock would stall the application
    behind the next DDL."""
    execute(owner_dsn, "CREATE TABLE t (x int); CREATE TABLE u (x int)")
    execute(owner_dsn, *(f"CREATE VIEW v{n} AS SELECT * FROM t" for n in range(20)), "CREATE VIEW w AS SELECT * FROM u")
    blocker = connect(owner_dsn, "blocker", environment={})
    blocker.run("BEGIN; LOCK TABLE u IN ACCESS EXCLUSIVE MODE")
    ddl = connect(owner_dsn, "ddl", environment={})
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_catalog, session, lock_timeout_s=0.5, patience_s=1)
        waits = []
        while not reading.done():
            began = time.monotonic()
            ddl.run("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; COMMIT")
            waits.append(time.monotonic() - began)
        assert isinstance(reading.exception(), PatienceError)
    assert max(waits) < 0.4  # one lock_timeout is 0.5 s
    blocker.close()
    held = "SELECT count(*) FROM pg_locks WHERE pid = %s AND locktype = 'relation'"
    assert value(owner_dsn, held, [session.pid]) == 0
    ddl.close()


def test_ddl_meanwhile_does_not_break_the_reading(session: Session, owner_dsn: str):
    """Objects vanish between the snapshot and the printing of their texts."""
    stop = threading.Event()

    def churn() -> int:
        with closing(connect(owner_dsn, "ddl", environment={})) as other:
            for rounds in count():
                if stop.is_set():
                    return rounds
                other.run("CREATE TABLE c (a int DEFAULT 1 CHECK (a > 0)); CREATE INDEX ON c (abs(a)); CREATE VIEW cv AS SELECT * FROM c")
                other.run("CREATE FUNCTION cf() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP VIEW cv; DROP TABLE c; DROP FUNCTION cf()")
        return 0

    with ThreadPoolExecutor(1) as pool:
        churning = pool.submit(churn)
        try:
            for _ in range(30):
                assert read_catalog(session).schemas
        finally:
            stop.set()
        assert churning.result() > 5
