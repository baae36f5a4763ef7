"""The forest is made of what the server says of each waiter alone."""

import random

from pgsluice.model.lock_forest import branches, lock_forest, waiters_behind
from pgsluice.model.snapshot import Backend, LockQueues, LockWait

AE, AS = "ACCESS EXCLUSIVE", "ACCESS SHARE"


def queues(**waits: tuple[float, str, tuple[int, ...]]) -> LockQueues:
    """Waiters `_PID` by how long they wait, for which mode, behind whom."""
    made = tuple(LockWait(w[1:], "relation", mode, "public.t", "public.t", s, tuple(map(str, b))) for w, (s, mode, b) in waits.items())
    named = {id for w in made for id in (w.waiter, *w.blockers)}
    return LockQueues(tuple(Backend(int(id)) for id in sorted(named)), made, waiting=len(made))


def shape(branch) -> tuple:
    return (branch.backend.pid, tuple(shape(child) for child in branch.children))


def test_those_behind_a_waiting_ddl_hang_under_it():
    found = queues(_2=(3, AE, (1,)), _3=(2, AS, (2,)), _4=(1, AS, (2,)))
    (tree,) = lock_forest(found)
    assert shape(tree) == (1, ((2, ((3, ()), (4, ()))),))
    assert (tree.behind, tree.longest_s, tree.children[0].behind, tree.children[0].longest_s) == (3, 3, 2, 2)


def test_two_ddls_wait_one_behind_the_other():
    found = queues(_2=(3, AE, (1,)), _3=(2, AE, (1, 2)), _4=(1, AS, (2, 3)))
    assert [shape(tree) for tree in lock_forest(found)] == [(1, ((2, ((3, ((4, ()),)),)),))]


def test_one_behind_two_that_do_not_wait_names_the_other():
    (tree, other) = lock_forest(queues(_3=(2, AE, (1, 2)), _4=(1, AS, (9,))))
    assert shape(tree) == (1, ((3, ()),)) and tree.children[0].also == ("2",) and other.backend.pid == 9


def test_a_circle_is_cut_and_loses_nobody():
    found = queues(_1=(3, AE, (2,)), _2=(2, AE, (1,)), _3=(1, AS, (1,)))
    assert {b.backend.pid for b in branches(lock_forest(found))} == {1, 2, 3}


def test_nobody_waits_longer_because_of_one_than_that_one_is_in_the_way():
    """Who waited for a row before the holder of that row got behind the ALTER has not waited for the ALTER all that time."""
    found = queues(_2=(1, AE, (1,)), _3=(0.5, AS, (2,)), _4=(9, "ROW EXCLUSIVE", (3,)))
    assert {w.waiter: w.waited_s for w in waiters_behind(found, "2")} == {"3": 0.5, "4": 0.5}
    assert waiters_behind(found, "4") == ()


def test_any_graph_becomes_a_forest_with_each_waiter_once():
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(300):
        size = draw.randint(1, 12)
        waits = {f"_{pid}": (draw.random(), AE, tuple(draw.sample(range(1, size + 3), draw.randint(1, 3)))) for pid in range(1, size + 1)}
        found = queues(**waits)
        pids = [b.backend.pid for b in branches(lock_forest(found))]
        assert len(pids) == len(set(pids)) and set(range(1, size + 1)) <= set(pids)
        for tree in lock_forest(found):
            assert tree.behind == sum(1 for _ in branches(tree.children))
