"""Every rule has a page and a spec; every spec holds, on paper and on servers."""

import psycopg
import pytest

from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.rules.registry import page, rules
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import RefusedError
from pgsluice.model.plan import MigrationPlan
from pgsluice.model.postgres.locks import LockMode, from_pg_locks
from pgsluice.model.postgres.versions import MAJORS
from pgsluice.model.steps import Step
from tests.rules.composing import catalog_of, findings, planned, statements, written
from tests.rules.spec import Case, cases, paths
from tests.support.oracle import differences, picture

CASES = cases()
NAMES = """
SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_(catalog|toast)'
"""
HELD = """
SELECT relation, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SECTIONS = ["## What it does", "## Why it is dangerous", "## The safe way", "## When the safe way does not apply"]


@pytest.mark.parametrize("rule", [r.name for r in rules()])
def test_every_rule_has_its_page(rule: str):
    lines = page(rule).splitlines()
    assert lines[0].endswith(".") and [line for line in lines if line.startswith("## ")] == SECTIONS


def test_rules_are_named_like_their_modules_and_specs():
    specs = {f"{p.parent.name}/{p.stem}" for p in paths()}
    modules = {r.match.__module__.split(".rules.")[1].replace(".", "/").replace("_", "-"): r.name for r in rules()}
    assert specs == set(modules)
    assert all(path.endswith(f"/{name}") for path, name in modules.items())


@pytest.mark.parametrize("rule", [r.name for r in rules()])
def test_every_spec_shows_the_hazard_and_its_absence(rule: str):
    met = [any(rule == found for _, found in c.findings) for c in CASES if c.rule == rule]
    assert len(met) >= 3 and True in met and False in met


@pytest.mark.parametrize("case", CASES, ids=str)
def test_findings(case: Case):
    for major in case.majors:
        assert findings(case, catalog_of(case.schema, major)) == case.findings, f"on {major}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plan_without_a_server(case: Case):
    if case.fails:
        return
    for major in case.majors:
        _check_plan(case, catalog_of(case.schema, major), major)


@pytest.fixture
def major(case: Case, server, request: pytest.FixtureRequest) -> int:
    """That of the server, where the case is played on it."""
    if server.major not in case.majors:
        pytest.skip(f"not for {server.major}")
    same = MAJORS[-1] in case.majors and case.plan(server.major) == case.plan(MAJORS[-1])
    if request.config.getoption("--pg-majors") == "default" and server.major != MAJORS[-1] and same and CASES.index(case) % 6:
        pytest.skip("planned the same on the newest major; every sixth of those on the older one: --pg-majors=all")
    return int(server.major)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_oracle(case: Case, major: int, database: str, request: pytest.FixtureRequest):
    """The plan made from the server's own catalog, and where it ends: where the user's SQL ends. A plan that is the user's SQL
    itself needs no second database to be compared with."""
    _run(database, case.schema)
    if case.fails:
        with pytest.raises(psycopg.Error) as raised:
            _run(database, case.change)
        assert raised.value.sqlstate == case.fails
        return
    plan = _check_plan(case, _catalog(database), major)
    if plan is None:
        return
    if statements(plan) == [statement.sql for statement in parse_file(case.change, "spec.sql")]:
        _execute(database, plan)
        return
    other: str = request.getfixturevalue("other_database")
    _run(other, case.schema)
    _run(other, case.change)
    _execute(database, plan)
    assert differences(picture(other, case.generated), picture(database, case.generated)) == ""


def _check_plan(case: Case, catalog: Catalog, major: int) -> MigrationPlan | None:
    if case.refused:
        with pytest.raises(RefusedError):
            planned(case, catalog)
        return None
    plan = planned(case, catalog)
    assert statements(plan) == written(case.plan(major)), f"on {major}"
    return plan


def _catalog(dsn: str) -> Catalog:
    session = connect(dsn, "spec", environment={})
    try:
        return read_catalog(session)
    finally:
        session.close()


def _run(dsn: str, sql: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in parse_file(sql, "spec.sql"):
            connection.execute(statement.sql)


def _execute(dsn: str, plan: MigrationPlan) -> None:
    """Each step as its kind asks: what shares a transaction in one, the rest on its own. The runner has tests of its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _, step in plan.steps():
            for preflight in step.preflight:
                row = connection.execute(preflight.sql).fetchone()
                assert row is not None and str(row[0]) == preflight.expect, preflight.message
        for _, step in plan.steps():
            if step.transaction:
                with connection.transaction():
                    there: dict[int, str] = dict(connection.execute(NAMES).fetchall())
                    _statements(connection, step.sql)
                    assert _undeclared(connection, step, there) == [], step.sql
            else:
                _statements(connection, step.sql)
            if step.done_when is not None:
                assert connection.execute(step.done_when).fetchone() == (True,), step.done_when


def _undeclared(connection: psycopg.Connection, step: Step, there: dict[int, str]) -> list[str]:
    """The locks that the step took on relations that were there before (under the names given), and does not say or says to be
    weaker. Nobody waits for ACCESS SHARE: that of an index which an earlier step made is not foreseen."""
    said = {lock.relation: lock.mode for lock in step.locks}
    taken = [(there[oid], from_pg_locks(mode)) for oid, mode in connection.execute(HELD).fetchall() if oid in there]
    further = [(n, m) for n, m in taken if m is not LockMode.ACCESS_SHARE and step.hazard != "not-analysed"]
    return [f"{name}: {mode}" for name, mode in further if name not in said or said[name].strength < mode.strength]


def _statements(connection: psycopg.Connection, sql: str) -> None:
    for statement in parse_file(sql, "step.sql"):
        connection.execute(statement.sql)
