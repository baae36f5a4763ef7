"""When strikes come, given what was seen."""

import math
from itertools import pairwise

from pgsluice.execution.engine.cadence import BLIND_AFTER_LONG_S, BLIND_AFTER_SHORT_S, Cadence
from pgsluice.model.activity import Blocker


def holder(age_s: float, pid: int = 1, **facts) -> Blocker:
    return Blocker(pid, "public.t", "ACCESS SHARE", age_s, transaction=facts.pop("transaction", f"{pid}/1"), **facts)


def test_a_gap_is_struck_at_once_and_with_20_ms():
    assert Cadence(0.1, 0).lock_ms([], 0) == 20
    assert Cadence(0.1, 0).lock_ms([holder(0.005), holder(0.019, 2)], 0) == 20
    assert Cadence(0.1, 0).lock_ms([holder(0.005), holder(0.021, 2)], 0) is None


def test_the_lock_timeout_stays_below_a_small_budget():
    assert Cadence(0.01, 0).lock_ms([], 0) == 7


def test_an_age_that_nobody_knows_is_no_gap():
    assert Cadence(0.1, 0).lock_ms([holder(0, age_is_lower_bound=True, unseen_s=math.inf)], 0) is None
    assert Cadence(0.1, 0).lock_ms([holder(0, age_is_lower_bound=True, unseen_s=0.006)], 0) == 20


def test_after_a_failure_the_application_rests():
    cadence, now, pauses = Cadence(0.1, 0), 0.0, []
    for _ in range(15):
        lock_ms = cadence.lock_ms([], now)
        assert lock_ms == 20
        cadence.failed(lock_ms, now)
        began = now
        while cadence.lock_ms([], now) is None:
            now += 0.005
        pauses.append(now - began)
    assert pauses[0] >= 0.14 and pauses[-1] > 5, "and longer each time"


def strikes_against(ages: list[float], until_s: float, **facts) -> list[tuple[float, int]]:
    """When and how long it strikes at the same holders, all of which fail."""
    cadence, found, step = Cadence(0.1, 0), [], 0.005
    for tick in range(int(until_s / step)):
        now = tick * step
        lock_ms = cadence.lock_ms([holder(age, pid, **facts) for pid, age in enumerate(ages)], now)
        if lock_ms is not None:
            found.append((now, lock_ms))
            cadence.failed(lock_ms, now)
    return found


def test_overlapping_long_transactions_are_struck_at_briefly_with_longer_pauses():
    found = strikes_against([3.0, 2.0], 60)
    assert [lock_ms for _, lock_ms in found[:5]] == [20, 20, 20, 20, 20], "a longer one would not outlast them either"
    assert found[0][0] >= BLIND_AFTER_LONG_S
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(found)]
    assert all(low * 0.7 <= pause <= low * 1.3 for pause, low in zip(pauses, (1, 2, 5, 10, 10), strict=False))


def test_three_overlapping_long_transactions_end_the_striking():
    assert strikes_against([3.0, 2.0, 1.0], 100) == []


def test_many_transactions_shorter_than_the_budget_are_outlasted():
    found = strikes_against([0.05] * 10, 10)
    assert BLIND_AFTER_SHORT_S <= found[0][0] < 2 and [lock_ms for _, lock_ms in found[:3]] == [20, 40, 70], (
        "never so long that no time is left"
    )


def test_vacuums_and_prepared_transactions_are_never_struck_at():
    assert strikes_against([3.0], 60, autovacuum=True) == [] and strikes_against([3.0], 60, gid="g") == []


def test_a_gap_is_used_soon_after_a_strike_without_one():
    cadence = Cadence(0.1, 0)
    cadence.lock_ms([holder(3)], 0)
    assert cadence.lock_ms([holder(3)], 11) == 20
    cadence.failed(20, 11)
    assert cadence.lock_ms([], 11.1) is None and cadence.lock_ms([], 11.3) == 20


def test_the_next_transaction_of_a_slow_reader_is_no_gap_but_one_of_a_pool_is():
    cadence = Cadence(0.1, 0)
    assert cadence.lock_ms([holder(3, transaction="1/1")], 0) is None
    assert cadence.lock_ms([holder(0.001, transaction="1/2")], 0.005) is None, "it will be long, too"
    assert cadence.lock_ms([holder(0.001, transaction="1/3")], 0.010) == 20, "it was not"
