"""Who is judged, and who looks like it."""

import pytest

from pgsluice.execution.guard.judging import Policy, judge
from pgsluice.model.snapshot import Backend, Holding, LockQueues, LockWait

AE, AS = "ACCESS EXCLUSIVE", "ACCESS SHARE"
POLICY = Policy(stall_budget_s=0.1, max_waiting=20)
ALTER = "ALTER TABLE t ADD c int"


def wait(pid: int, behind: int, mode: str = AS, waited_s: float = 0.2, kind: str = "relation") -> LockWait:
    return LockWait(str(pid), kind, mode, "public.t", "public.t", waited_s, (str(behind),), row=kind != "relation")


def scene(query: str, *waits: LockWait, state: str = "active", holds: str | None = None, application: str = "deploy") -> LockQueues:
    """The backend 2 runs `query`; 1 is a reader, 3 and up are the application."""
    ids = {id for w in waits for id in (w.waiter, *w.blockers)} - {"2"}
    others = tuple(Backend(int(id), query="SELECT 1", state="active", application="shop") for id in sorted(ids))
    two = Backend(2, query=query, state=state, application=application, statement_began="now")
    held = (Holding("2", "relation", holds, "public.t", "public.t"),) if holds else ()
    return LockQueues((two, *others), waits, held, len(waits))


def judged(queues: LockQueues, policy: Policy = POLICY, ours: bool = True):
    return judge(queues, lambda backend: ours and backend.pid == 2, policy)


def test_a_waiting_ddl_with_one_behind_it_for_too_long():
    (verdict,) = judged(scene(ALTER, wait(2, 1, AE, 0.3), wait(3, 2)))
    assert (verdict.backend.pid, verdict.act, verdict.ddl, verdict.waiting, verdict.longest_s) == (2, True, "ALTER TABLE", 1, 0.2)
    assert [blocker.pid for blocker in verdict.blockers] == [1]


def test_more_than_so_many_are_enough_however_short_they_wait():
    many = [wait(pid, 2, waited_s=0.01) for pid in range(3, 24)]
    assert judged(scene(ALTER, wait(2, 1, AE), *many))[0].act
    assert judged(scene(ALTER, wait(2, 1, AE), *many[1:])) == ()


@pytest.mark.parametrize(
    "queues",
    [
        scene(ALTER, wait(2, 1, AE, 9.0)),  # nobody behind it
        scene(ALTER, wait(2, 1, AE), wait(3, 2, waited_s=0.05)),  # not for long
        scene(ALTER, wait(2, 1, AE), wait(3, 2, AE)),  # another DDL, no application
        scene("UPDATE t SET v = 1", wait(3, 2, "SHARE", kind="transactionid")),  # rows only
        scene("VACUUM t", wait(2, 1, "SHARE UPDATE EXCLUSIVE"), wait(3, 2, "SHARE UPDATE EXCLUSIVE")),
        scene(ALTER, wait(2, 1, AE), wait(3, 2), application="pgsluice work"),  # our own strikes have their own belts
    ],
)
def test_nobody_is_judged(queues: LockQueues):
    assert judged(queues) == () == judged(queues, Policy(0.1, 20, every_ddl=True))


@pytest.mark.parametrize(
    ("queues", "of_command", "of_all"),
    [
        (scene(ALTER, wait(3, 2), holds=AE), True, True),
        (scene("SELECT pg_sleep(9)", wait(3, 2), holds=AE), True, False),  # from an earlier statement of its transaction
        (scene(ALTER, wait(3, 2), holds=AE, state="idle in transaction"), True, False),
        (scene("LOCK TABLE t", wait(3, 2), holds=AE), False, False),
        (scene("LOCK TABLE t", wait(2, 1, AE), wait(3, 2)), False, False),
        (scene("SELECT 'ALTER TABLE'", wait(2, 1, AE), wait(3, 2)), False, False),
    ],
)
def test_what_is_cancelled_and_what_only_reported(queues: LockQueues, of_command: bool, of_all: bool):
    assert [v.act for v in judged(queues)] == [of_command]
    assert [v.act for v in judged(queues, Policy(0.1, 20, every_ddl=True))] == [of_all]
    (other,) = judged(queues, ours=False)
    assert not other.act and "cannot be told" in other.why


def test_who_waited_before_the_ddl_came_counts_from_then_on():
    """3 has waited for a row of 4 for long; 4 has stood behind the ALTER for a moment."""
    queues = scene(ALTER, wait(2, 1, AE, 0.05), wait(4, 2, waited_s=0.05), wait(3, 4, "SHARE", 9.0, "transactionid"))
    assert judged(queues) == ()
