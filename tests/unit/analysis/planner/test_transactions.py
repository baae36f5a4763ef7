"""Statements that must share a transaction and are not brief: refused, and what the refusal says to do does it."""

import re
from dataclasses import replace

import pytest

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.analysis.planner.planning import PlanOptions, plan
from pgsluice.analysis.rules.registry import named as rule_named
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import RefusedError
from pgsluice.model.postgres.versions import ServerVersion
from pgsluice.model.steps import Step, StepKind

SCHEMA = """
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric, CONSTRAINT fair CHECK (total > 0));
CREATE TABLE line (id bigint PRIMARY KEY, order_id bigint);
"""


def steps(file: str, *allow: str) -> list[Step]:
    """The steps of a file on tables of this schema that are in use, and large."""
    catalog = Catalog(ServerVersion.of_major(18))
    for statement in migration_of("schema.sql", "schema.sql", SCHEMA).statements:
        for action in actions(statement):
            catalog = after(action, catalog)
    catalog = replace(catalog, tables={n: replace(t, made_by_run=False) for n, t in catalog.tables.items()})
    found = plan([migration_of("1.sql", "1.sql", file)], catalog, PlanOptions(treat_as_large=True, allow=allow))
    return [step for m in found.migrations for _, step in m.steps()]


@pytest.mark.parametrize(
    "file",
    [
        "BEGIN; ALTER TABLE orders ADD COLUMN a int; CREATE INDEX ON orders (total); COMMIT",
        "BEGIN; ALTER TABLE orders ADD COLUMN a int; CREATE MATERIALIZED VIEW m AS SELECT total FROM orders; COMMIT",
        "BEGIN; ALTER TABLE line ADD FOREIGN KEY (order_id) REFERENCES orders; ALTER TABLE line ALTER order_id SET NOT NULL; COMMIT",
        "BEGIN; ALTER TABLE orders ADD COLUMN a int; UPDATE orders SET total = 1 WHERE total IS NULL; COMMIT",
        "BEGIN; ALTER TABLE orders DROP CONSTRAINT fair; ALTER TABLE orders ADD CONSTRAINT fair CHECK (total > 1); COMMIT",
        "LOCK TABLE orders; ALTER TABLE orders ALTER COLUMN total TYPE int; DROP TABLE line",
    ],
)
def test_what_a_refusal_names_can_be_allowed_and_the_transaction_stays_whole(file: str):
    allowed: set[str] = set()
    while (named := _refused(file, allowed)) - allowed:
        allowed |= named
    assert allowed and not named and all(map(rule_named, allowed))
    found = steps(file, *allowed)
    assert [(s.kind, s.may_exceed_budget) for s in found] == [(StepKind.STRIKE, True)]
    assert "NOT VALID" not in found[0].sql and "CONCURRENTLY" not in found[0].sql


def _refused(file: str, allowed: set[str]) -> set[str]:
    """The rules that a refusal says to allow, none where the file is planned."""
    try:
        steps(file, *allowed)
    except RefusedError as refusal:
        return set(re.findall(r"--allow ([\w-]+)", refusal.next or ""))
    return set()


def test_what_a_transaction_cannot_hold_is_refused_whatever_is_allowed():
    with pytest.raises(RefusedError):
        steps("BEGIN; ALTER TABLE orders ADD COLUMN a int; CREATE INDEX CONCURRENTLY i ON orders (total); COMMIT", "*")


def test_splitting_is_offered_only_where_it_is_obeyed():
    with pytest.raises(RefusedError, match="pgsluice: split because"):
        steps("BEGIN; ALTER TABLE orders ADD COLUMN a int; CREATE INDEX ON orders (total); COMMIT")
    with pytest.raises(RefusedError) as refusal:
        steps("CREATE VIEW v AS SELECT 1; REVOKE ALL ON line FROM PUBLIC; CREATE INDEX ON orders (total); GRANT ALL ON line TO PUBLIC")
    assert "split" not in refusal.value.what


def test_a_lock_in_a_block_holds_for_the_block_alone():
    file = "BEGIN; LOCK TABLE line; ALTER TABLE line ADD COLUMN a int; COMMIT; CREATE INDEX ON orders (total)"
    assert [s.kind for s in steps(file, "lock-table")] == [StepKind.STRIKE, StepKind.BUILD_INDEX]


def test_a_temporary_table_made_in_a_block_is_there_behind_it():
    file = "BEGIN; CREATE TEMP TABLE x AS SELECT 1 AS a; SELECT 1; COMMIT; INSERT INTO line SELECT a FROM x"
    assert len(steps(file)) == 1


def test_a_write_that_is_allowed_takes_its_time():
    (step,) = steps("UPDATE orders SET total = total + 1", "unbatched-write")
    assert (step.kind, step.may_exceed_budget) == (StepKind.STRIKE, True)


def test_a_transaction_of_one_statement_is_that_statement():
    assert [s.kind for s in steps("BEGIN; CREATE INDEX ON orders (total); COMMIT")] == [StepKind.BUILD_INDEX]
    assert len(steps("BEGIN; ALTER TABLE line ADD FOREIGN KEY (order_id) REFERENCES orders; COMMIT")) == 2
