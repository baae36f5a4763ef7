"""The hazards of the rule specs, rehearsed: what plain SQL does to the application, and what the plan does to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgsluice import api
from pgsluice.analysis.rules.registry import named
from pgsluice.model.errors import InputError
from pgsluice.model.finding import Category
from pgsluice.model.rehearsal import Rehearsal
from pgsluice.model.settings import Settings
from tests.rules.spec import Case, cases

STALL_MS = 500.0
"""A lock request behind the rehearsal's slow report waits for seconds, and everyone behind it."""
SAMPLE = "volatile-default-rewrite"
"""The one that `make test` rehearses."""


def bad_examples() -> Iterator[Case]:
    """For each rule about outages the cases in which nothing is refused and every table counts as large."""
    for case in cases():
        rule = named(case.rule)
        if rule is not None and rule.category is Category.OUTAGE and case.findings and not (case.refused or case.small):
            if case.rule in {name for _, name in case.findings} and 18 in case.majors:
                yield case


RULES = sorted({case.rule for case in bad_examples()})


@pytest.mark.parametrize("rule", RULES)
def test_plain_sql_stalls_the_application_and_the_plan_does_not(rule: str, tmp_path: Path, request: pytest.FixtureRequest):
    if rule != SAMPLE and request.config.getoption("--pg-majors") != "all":
        pytest.skip("half a minute for each rule: --pg-majors=all")
    found = next(filter(None, (rehearsed(case, tmp_path) for case in bad_examples() if case.rule == rule)), None)
    if found is None:
        pytest.skip("with made-up rows plain SQL fails in each of its examples")
    assert found.plan.error is None and found.same_end is not False, found.plan.error
    assert found.naive.felt.max_ms > STALL_MS > found.plan.felt.max_ms, (found.naive.felt, found.plan.felt)


def rehearsed(case: Case, folder: Path) -> Rehearsal | None:
    """The rehearsal of a case; None where made-up rows do not allow it, or nobody can be asked."""
    (folder / "schema.sql").write_text(case.schema)
    (folder / "change.sql").write_text(case.change)
    settings = Settings(schema=str(folder / "schema.sql"), rows=20_000, allow=("rename-*", "drop-*"))
    try:
        found = api.rehearse([folder / "change.sql"], settings, print)
    except InputError as error:
        assert error.code == "no-load", error
        return None
    return found if found.naive.error is None else None
