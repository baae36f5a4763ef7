"""The hazards of the rule specs, rehearsed: what plain SQL does to the application, and what the plan does to it."""

from pathlib import Path

import pytest

from pgsluice.model.rehearsal import Limits, strongest_blocking
from pgsluice.report.rehearsal_text import rehearsal_text
from tests.support.hazards import STALL_MS, bad_examples, rehearsed

NOT_FELT = {
    "invalid-index-kept": "its index is built concurrently, and nobody waits; the danger is that it stays unusable",
    "partition-by-create": "nothing is known of its parent, so that plain SQL fails wherever it is run",
}
"""The rules whose bad example keeps no request waiting, and why."""

RULES = sorted({case.rule for case in bad_examples()})


@pytest.mark.thorough("half a minute for each rule, and tests/acceptance/test_rehearse.py has one by default")
@pytest.mark.parametrize("rule", RULES)
def test_plain_sql_stalls_the_application_and_the_plan_does_not(rule: str, tmp_path: Path):
    if rule in NOT_FELT:
        pytest.skip(NOT_FELT[rule])
    found = next(filter(None, (rehearsed(case, tmp_path) for case in bad_examples() if case.rule == rule)), None)
    assert found is not None, "plain SQL fails in each of its examples"
    print(rehearsal_text(found, Limits(0.1)))
    assert any(strongest_blocking(part.locks) for part in found.naive.parts)
    assert found.plan.error is None and found.same_end is not False, found.plan.error
    assert not found.unexercised and not found.added_errors, found.plan.felt.errors
    assert sum(felt.requests for felt in found.plan.by_request.values()) == found.plan.felt.requests
    assert found.naive.felt.max_ms > STALL_MS > found.plan.felt.max_ms, (found.naive.felt, found.plan.felt)
