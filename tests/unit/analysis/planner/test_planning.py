"""Plans without a server: what becomes of a file, in which phases, in which transactions."""

from dataclasses import replace
from typing import Any

import pytest

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.analysis.planner.planning import PlanOptions, fingerprint_of, plan
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import InputError, RefusedError
from pgsluice.model.plan import Plan
from pgsluice.model.postgres.versions import ServerVersion
from pgsluice.model.steps import Step, StepKind

BIG = 10**9
SHOP = """
CREATE TABLE customer (id bigint PRIMARY KEY, email text, name text, note text, CONSTRAINT named CHECK (name <> ''));
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, total numeric, placed timestamptz);
CREATE INDEX orders_placed ON orders (placed);
CREATE VIEW recent AS SELECT id, total FROM orders;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
CREATE UNIQUE INDEX totals_customer ON totals (customer_id);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""


def catalog(major: int = 18, size: int = BIG) -> Catalog:
    """The shop as it stands in a database, its tables of `size` bytes."""
    found = Catalog(ServerVersion.of_major(major))
    for statement in migration_of("shop.sql", "shop.sql", SHOP).statements:
        for action in actions(statement):
            found = after(action, found)
    tables = {n: replace(t, made_by_run=False, bytes=size) for n, t in found.tables.items()}
    return replace(found, tables=tables)


def planned(*files: str, major: int = 18, size: int = BIG, **options: Any) -> Plan:
    migrations = [migration_of(f"{n}.sql", f"{n}.sql", text) for n, text in enumerate(files, 1)]
    return plan(migrations, catalog(major, size), PlanOptions(**options))


def steps(*files: str, **options: Any) -> list[tuple[str, StepKind, str]]:
    """(phase, kind, sql) of every step."""
    found = planned(*files, **options)
    return [(str(phase), step.kind, step.sql) for m in found.migrations for phase, step in m.steps()]


def only(sql: str, **options: Any) -> Step:
    ((_, step),) = [pair for m in planned(sql, **options).migrations for pair in m.steps()]
    return step


def test_a_rewrite_of_a_rewrite_is_rewritten() -> None:
    found = steps("ALTER TABLE orders ADD COLUMN code int NOT NULL UNIQUE CHECK (code > 0) REFERENCES customer DEFAULT 1")
    texts = " ; ".join(sql for _, _, sql in found)
    assert "CREATE UNIQUE INDEX CONCURRENTLY" in texts
    assert texts.count("NOT VALID") == 2
    assert texts.count("VALIDATE CONSTRAINT") == 2
    assert [kind for _, kind, _ in found].count(StepKind.BUILD_INDEX) == 1


def test_a_brief_file_stays_one_transaction() -> None:
    changes = "ALTER TABLE orders ADD COLUMN a int; ALTER TABLE customer ALTER COLUMN note SET DEFAULT ''"
    step = only(f"{changes}; COMMENT ON TABLE orders IS 'x'")
    assert step.kind is StepKind.STRIKE
    assert [str(lock.relation) for lock in step.locks] == ["public.orders", "public.customer"]


def test_many_brief_statements_are_taken_apart_so_that_no_lock_is_held_through_all() -> None:
    file = "; ".join(f"ALTER TABLE orders ADD COLUMN c{n} int" for n in range(20))
    assert len(steps(file)) == 20


def test_a_refresh_that_lets_readers_pass_is_bounded_by_no_budget() -> None:
    """Its EXCLUSIVE lock stops writers and SELECT FOR UPDATE, which a materialised view does not have."""
    step = only("REFRESH MATERIALIZED VIEW totals")
    assert (step.kind, "CONCURRENTLY" in step.sql) == (StepKind.TRANSACTION, True)


def test_a_table_that_the_run_makes_keeps_the_plain_form() -> None:
    step = only("CREATE TABLE n (id int); CREATE INDEX ON n (id); ALTER TABLE n ADD CHECK (id > 0)")
    assert step.kind is StepKind.TRANSACTION
    assert step.locks == ()


def test_a_small_table_keeps_the_plain_form() -> None:
    assert [kind for _, kind, _ in steps("CREATE INDEX ON orders (total)", size=8192)] == [StepKind.STRIKE]
    assert [kind for _, kind, _ in steps("CREATE INDEX ON orders (total)", size=8192, treat_as_large=True)] == [StepKind.BUILD_INDEX]


def test_what_destroys_waits_and_what_does_not_depend_on_it_does_not() -> None:
    change = "ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN price int; CREATE INDEX ON orders (price)"
    found = steps(change, allow=("*",))
    assert [phase for phase, _, _ in found] == ["expand", "expand", "contract"]


def test_what_takes_the_place_of_a_dropped_column_waits_with_it() -> None:
    change = "ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN total text; CREATE INDEX ON orders (placed)"
    found = steps(change, allow=("*",))
    assert [(phase, sql) for phase, _, sql in found if "total" in sql] == [
        ("contract", "ALTER TABLE orders DROP COLUMN total"),
        ("contract", "ALTER TABLE orders ADD COLUMN total text"),
    ]


def test_a_column_called_like_its_table_is_told_apart() -> None:
    file = "ALTER TABLE orders ADD COLUMN orders int; ALTER TABLE orders DROP COLUMN orders; ALTER TABLE orders ADD COLUMN orders text"
    found = [sql for _, _, sql in steps(file, allow=("*",))]
    assert "; ".join(found).index("orders int") < "; ".join(found).index("DROP") < "; ".join(found).index("orders text")


def test_a_view_made_anew_is_replaced_in_one_transaction() -> None:
    step = only("DROP VIEW recent; CREATE VIEW recent AS SELECT id FROM orders")
    assert "DROP VIEW recent;\nCREATE VIEW recent" in step.sql


def test_a_view_that_is_only_dropped_waits() -> None:
    assert [phase for phase, _, _ in steps("DROP VIEW recent", allow=("*",))] == ["contract"]


def test_a_constraint_made_anew_is_validated_before_the_old_one_goes() -> None:
    found = steps("ALTER TABLE customer DROP CONSTRAINT named; ALTER TABLE customer ADD CONSTRAINT named CHECK (name <> 'x')")
    texts = [sql for _, _, sql in found]
    validated = next(i for i, sql in enumerate(texts) if "VALIDATE" in sql)
    exchanged = next(i for i, sql in enumerate(texts) if "DROP CONSTRAINT" in sql)
    assert validated < exchanged
    assert "RENAME CONSTRAINT" in texts[exchanged]


def test_rows_written_between_drop_and_add_keep_the_files_order() -> None:
    file = """ALTER TABLE customer DROP CONSTRAINT named; UPDATE customer SET name = '' WHERE id = 1;
              ALTER TABLE customer ADD CONSTRAINT named CHECK (name <> 'x')"""
    texts = [sql for _, _, sql in steps(file, size=8192)]
    joined = " ".join(texts)
    assert joined.index("DROP CONSTRAINT") < joined.index("UPDATE") < joined.index("ADD CONSTRAINT")


def test_begin_and_commit_hold_their_statements_together() -> None:
    file = "BEGIN; ALTER TABLE orders ADD COLUMN a int; ALTER TABLE customer ADD COLUMN b int; COMMIT; CREATE INDEX ON orders (total)"
    found = steps(file)
    assert found[0][2] == "ALTER TABLE orders ADD COLUMN a int;\nALTER TABLE customer ADD COLUMN b int"
    assert found[1][1] is StepKind.BUILD_INDEX


def test_a_transaction_that_cannot_be_brief_is_refused_and_may_be_split() -> None:
    file = "BEGIN; ALTER TABLE orders ADD COLUMN a int; CREATE INDEX ON orders (total); COMMIT"
    with pytest.raises(RefusedError, match="BEGIN"):
        planned(file)
    assert len(steps("-- pgsluice: file: split\n" + file)) == 2


@pytest.mark.parametrize("file", ["BEGIN; SELECT 1", "COMMIT", "BEGIN; SELECT 1; ROLLBACK", "BEGIN; SAVEPOINT a; COMMIT"])
def test_transaction_control_that_cannot_be_followed_is_an_error_with_its_place(file: str) -> None:
    with pytest.raises(InputError) as caught:
        planned(file)
    assert caught.value.code == "transaction-control"
    assert str(caught.value.where).startswith("1.sql:1:")


def test_a_syntax_error_names_file_line_and_column() -> None:
    with pytest.raises(InputError) as caught:
        planned("SELECT 1;\n\nALTER TABEL x;\n")
    assert str(caught.value.where) == "1.sql:3:7"


def test_a_refusal_names_every_statement_and_how_to_allow_it() -> None:
    file = "ALTER TYPE mood RENAME TO feeling;\nALTER TABLE orders ALTER id TYPE text USING md5(id::text);"
    with pytest.raises(RefusedError) as caught:
        planned(file)
    assert "1.sql:1:1" in str(caught.value)
    assert "1.sql:2:1" in str(caught.value)
    assert "pgsluice: allow" in str(caught.value)


def test_an_allowed_rename_runs_as_it_is() -> None:
    rename = "ALTER TABLE orders RENAME COLUMN total TO price"
    directed = only(f"-- pgsluice: allow rename-column because nobody reads it\n{rename}")
    assert directed.kind is StepKind.STRIKE
    assert not directed.may_exceed_budget
    assert only(rename, allow=("rename-*",)).sql == rename


def test_an_allowed_rewrite_may_exceed_the_budget() -> None:
    step = only("ALTER TABLE orders ALTER COLUMN id TYPE text", allow=("type-change-rewrite",))
    assert step.may_exceed_budget


def test_settings_of_the_file_hold_for_its_steps_and_time_limits_do_not() -> None:
    file = "SET search_path = public, extra; SET lock_timeout = '5s'; SET LOCAL work_mem = '1GB'; ALTER TABLE orders ADD COLUMN a int"
    assert only(file).session == "SET search_path = public, extra; SET work_mem = '1GB'"


def test_the_isolation_of_a_transaction_holds_for_its_steps_and_not_behind_them() -> None:
    file = """SET work_mem = '1GB'; BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
              INSERT INTO orders (id) VALUES (1); INSERT INTO orders (id) VALUES (2); COMMIT; ALTER TABLE orders ADD COLUMN a int"""
    sessions = {s.sql.split()[0].removesuffix(";"): s.session for m in planned(file).migrations for _, s in m.steps()}
    assert sessions["INSERT"] == "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET work_mem = '1GB'"
    assert sessions["ALTER"] == "SET work_mem = '1GB'"


def test_an_opaque_statement_keeps_its_place() -> None:
    file = "ALTER TABLE orders DROP COLUMN total; DO $$ BEGIN EXECUTE 'SELECT 1'; END $$; CREATE INDEX ON orders (placed)"
    assert [phase for phase, _, _ in steps(file, allow=("*",))] == ["contract"] * 3


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("ALTER TABLE orders ALTER total DROP DEFAULT", ["contract"]),
        ("ALTER TABLE orders ALTER total DROP DEFAULT; ALTER TABLE orders ALTER total SET DEFAULT 3", ["expand"]),
        ("ALTER TABLE orders ALTER total DROP DEFAULT, ALTER total SET DEFAULT 3", ["expand"]),
        ("ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 3; ALTER TABLE orders ALTER a DROP DEFAULT", ["expand", "contract"]),
        ("ALTER TABLE orders ALTER total DROP DEFAULT; UPDATE orders SET total = 1 WHERE id = 1", ["migrate", "contract"]),
        ("ALTER TABLE orders ALTER total DROP DEFAULT; UPDATE orders SET total = DEFAULT WHERE id = 1", ["contract"]),
        ("ALTER TABLE orders ALTER total DROP DEFAULT; INSERT INTO orders (id) VALUES (1)", ["contract"]),
        ("CREATE TABLE fresh (a int DEFAULT 1); ALTER TABLE fresh ALTER a DROP DEFAULT", ["expand"]),
    ],
)
def test_a_default_goes_when_no_release_counts_on_it(file: str, expected: list[str]) -> None:
    found = [phase for phase, _, _ in steps(file, allow=("*",))]
    assert list(dict.fromkeys(found)) == expected


def test_undo_restores_what_was_there() -> None:
    undo = only("ALTER TABLE orders ALTER COLUMN total SET DEFAULT 3, ADD COLUMN a int").undo
    assert undo is not None
    assert "ALTER COLUMN total DROP DEFAULT" in undo.sql
    assert "DROP COLUMN IF EXISTS a" in undo.sql
    assert [what for what, _ in undo.loses] == ["values in public.orders.a"]


def test_a_new_type_is_noticed_by_whoever_has_prepared_a_statement_that_returns_the_column() -> None:
    step = only("ALTER TABLE orders ALTER placed TYPE timestamptz(6)", allow=("*",))
    assert 'a prepared statement that returns placed of public.orders get "cached plan' in str(step.releases_notice)


def test_a_step_that_destroys_has_no_undo() -> None:
    assert only("DROP TABLE orders CASCADE", allow=("*",)).undo is None


def test_a_later_file_is_planned_on_what_the_earlier_one_leaves() -> None:
    found = steps("CREATE TABLE fresh (id int)", "CREATE INDEX ON fresh (id)")
    assert [kind for _, kind, _ in found] == [StepKind.TRANSACTION, StepKind.TRANSACTION]


def test_the_fingerprint_fits_as_long_as_what_it_covers() -> None:
    made = planned("CREATE INDEX ON orders (total)")
    grown = replace(catalog(), tables={n: replace(t, bytes=5, rows=7.0) for n, t in catalog().tables.items()})
    name = next(n for n in catalog().tables if n.name == "orders")
    changed = catalog().with_table(replace(catalog().tables[name], columns=catalog().tables[name].columns[:-1]))
    assert made.fingerprint == fingerprint_of(made, grown)
    assert made.fingerprint != fingerprint_of(made, changed)


@pytest.mark.parametrize(
    ("waiting", "file", "met"),
    [
        ("ALTER TABLE orders DROP COLUMN total", "CREATE INDEX ON orders (total)", True),
        ("ALTER TABLE orders DROP COLUMN total", "CREATE INDEX ON orders (placed)", False),
        ("DROP TABLE orders", "ALTER TABLE orders ADD COLUMN a int", True),
        ("ALTER TABLE orders ALTER total DROP DEFAULT", "ALTER TABLE orders ALTER placed DROP DEFAULT", False),
        ("DROP TABLE orders", "ALTER TABLE customer ADD COLUMN a int", False),
        ("DROP FUNCTION stamp()", "CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp()", True),
    ],
)
def test_a_file_that_builds_on_what_waits_to_be_destroyed_is_refused(waiting: str, file: str, met: bool) -> None:
    if met:
        with pytest.raises(RefusedError, match="0001_old") as caught:
            planned(file, waiting={"0001_old": waiting})
        assert caught.value.code == "contract-first"
    else:
        assert planned(file, waiting={"0001_old": waiting}).migrations
