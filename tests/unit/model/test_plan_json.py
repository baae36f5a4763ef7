"""A plan survives being saved; a plan that is not one is refused with its place."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgsluice.model.errors import InputError
from pgsluice.model.plan import MigrationPlan, Phase, PhaseName, Plan
from pgsluice.model.plan_json import plan_from_json, plan_to_json
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, Preflight, Source, Step, StepKind, Undo

STEP = Step(
    "1",
    StepKind.STRIKE,
    "ALTER TABLE t ADD c int",
    (Lock("public.t", LockMode.ACCESS_EXCLUSIVE),),
    "metadata only",
    Source("m/1.sql", 3),
    preflight=(Preflight("SELECT 1", "1", "{value}"),),
    undo=Undo(StepKind.STRIKE, "ALTER TABLE t DROP c", loses=(("values", "SELECT count(c) FROM t"),)),
)
PLAN = Plan(180006, ("public",), "f", (MigrationPlan("1", "abc", "m/1.sql", (Phase(PhaseName.EXPAND, (STEP,)),)),))


@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.from_type(Plan))
def test_reading_gives_back_what_was_written(plan: Plan):
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_the_shape_is_the_one_that_programs_rely_on():
    document = plan_to_json(PLAN)
    (migration,) = document["migrations"]
    (step,) = migration["phases"][0]["steps"]
    assert {"schema_version", "server_version", "search_path", "fingerprint", "migrations"} <= document.keys()
    assert {"name", "checksum", "phases", "notes"} <= migration.keys()
    assert {"id", "kind", "sql", "transaction", "locks", "reason", "hazard", "source", "preflight"} <= step.keys()
    assert {"done_when", "undo", "releases_notice", "estimate"} <= step.keys()
    assert step["transaction"] is True
    assert step["locks"] == [{"relation": "public.t", "mode": "ACCESS EXCLUSIVE"}]
    assert step["source"] == {"path": "m/1.sql", "line": 3}


def _step(document: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = document["migrations"][0]["phases"][0]["steps"][0]
    return step


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d.pop("fingerprint"), "fingerprint is missing"),
        (lambda d: d.update(server_version="18"), "'18' is not a whole number"),
        (lambda d: d.update(search_path="public"), "'public' is not a list"),
        (lambda d: d.update(surprise=1), "not known"),
        (lambda d: _step(d).pop("sql"), "sql is missing"),
        (lambda d: _step(d).update(kind="leap"), "'leap' is none of strike"),
        (lambda d: _step(d).update(transaction=False), "has transaction true"),
        (lambda d: _step(d).update(may_exceed_budget=1), "1 is not true or false"),
        (lambda d: _step(d).update(sql=None), "None is not a string"),
        (lambda d: _step(d)["locks"][0].update(mode="AccessExclusiveLock"), "is none of ACCESS SHARE"),
        (lambda d: _step(d)["undo"]["loses"][0].pop(), "2 entries are expected, not 1"),
        (lambda d: _step(d).update(source=[]), "is not an object"),
    ],
)
def test_what_is_no_plan_is_refused(spoil: Any, said: str):
    document = plan_to_json(PLAN)
    spoil(document)
    with pytest.raises(InputError, match=said) as caught:
        plan_from_json(document, "PLAN.json")
    assert str(caught.value.where).startswith("PLAN.json")


@pytest.mark.parametrize("document", [None, [], {}, {"migrations": []}])
def test_what_is_no_document_of_ours_is_refused(document: Any):
    with pytest.raises(InputError, match="no plan"):
        plan_from_json(document)


def test_another_schema_version_is_refused():
    with pytest.raises(InputError, match="schema_version 2") as caught:
        plan_from_json(plan_to_json(PLAN) | {"schema_version": 2})
    assert caught.value.code == "plan-version"
