"""The lock forest: each session that waits hangs under the one that it waits for most directly.

A session behind a waiting DDL waits for those before the DDL, too; it is shown behind the DDL, which is what would let it go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pgsluice.model.snapshot import Backend, Holding, LockQueues, LockWait


@dataclass(frozen=True, slots=True)
class Branch:
    """One backend and those that hang under it, the longest wait first. `wait` is None for a root. `also` are the ids of others for
    which it waits besides its parent. `behind` counts all that wait under it, `longest_s` is the longest of those waits.
    `holding` is what it has of the object for which its children wait."""

    backend: Backend
    wait: LockWait | None = None
    also: tuple[str, ...] = ()
    holding: Holding | None = None
    children: tuple["Branch", ...] = ()
    behind: int = 0
    longest_s: float = 0.0


def lock_forest(queues: LockQueues) -> tuple[Branch, ...]:
    """The trees, that with most waiters first. A circle (a deadlock that the server has not yet found) is cut at its oldest wait."""
    waits = {wait.waiter: wait for wait in queues.waits}
    backends = {backend.id: backend for backend in queues.backends}
    ahead = _Ahead(waits)
    parents = {waiter: ahead.nearest(wait) for waiter, wait in sorted(waits.items(), key=lambda item: -item[1].waited_s)}
    children: dict[str, list[str]] = {}
    roots: list[str] = []
    for waiter, nearest in parents.items():
        parent = nearest[0] if nearest else None
        if parent is None or _leads_to(parent, waiter, parents):
            parents[waiter] = ()
            roots.append(waiter)
        else:
            children.setdefault(parent, []).append(waiter)
    roots += [blocker for blocker in children if blocker not in waits]
    growing = _Growing(waits, backends, parents, children, {h.holder: h for h in queues.holdings})
    return tuple(sorted((growing.branch(root) for root in roots), key=lambda b: (-b.behind, -b.longest_s)))


def waiters_behind(queues: LockQueues, blocker: str) -> tuple[LockWait, ...]:
    """All that wait for the backend, directly or through others, each with the time for which it has waited because of that one (no
    link of the chain is older than the link before it); the longest first."""
    from dataclasses import replace

    found: dict[str, float] = {}
    edges: dict[str, list[LockWait]] = {}
    for wait in queues.waits:
        for one in wait.blockers:
            edges.setdefault(one, []).append(wait)
    queue: list[tuple[str, float]] = [(blocker, float("inf"))]
    while queue:
        at, limit = queue.pop()
        for wait in edges.get(at, ()):
            because = min(wait.waited_s, limit)
            if wait.waiter != blocker and because > found.get(wait.waiter, -1.0):
                found[wait.waiter] = because
                queue.append((wait.waiter, because))
    waits = {wait.waiter: wait for wait in queues.waits}
    return tuple(sorted((replace(waits[w], waited_s=s) for w, s in found.items()), key=lambda wait: -wait.waited_s))


class _Ahead:
    """For whom a wait waits, directly and through others."""

    def __init__(self, waits: Mapping[str, LockWait]) -> None:
        self._waits = waits
        self._reached: dict[str, frozenset[str]] = {}

    def nearest(self, wait: LockWait) -> tuple[str, ...]:
        """Its blockers without those that block another of its blockers: the end of the queue in front of it. The one that itself
        waits comes first: behind it there are most to come."""
        blockers = dict.fromkeys(b for b in wait.blockers if b != wait.waiter)
        beyond = {far for near in blockers for far in self._reaches(near) if wait.waiter not in self._reaches(far) and far != near}
        left = [b for b in blockers if b not in beyond] or list(blockers)
        return tuple(sorted(left, key=lambda b: b not in self._waits))

    def _reaches(self, start: str) -> frozenset[str]:
        if start not in self._reached:
            seen: set[str] = set()
            queue = [start]
            while queue:
                wait = self._waits.get(queue.pop())
                fresh = set(wait.blockers) - seen if wait else set()
                seen |= fresh
                queue += fresh
            self._reached[start] = frozenset(seen)
        return self._reached[start]


@dataclass(frozen=True, slots=True)
class _Growing:
    waits: Mapping[str, LockWait]
    backends: Mapping[str, Backend]
    parents: Mapping[str, tuple[str, ...]]
    children: Mapping[str, list[str]]
    holdings: Mapping[str, Holding]

    def branch(self, id: str) -> Branch:
        under = tuple(self.branch(child) for child in self.children.get(id, ()))
        parent = self.parents.get(id, ())
        return Branch(
            backend=self.backends.get(id) or _unknown(id),
            wait=self.waits.get(id),
            also=parent[1:],
            holding=self.holdings.get(id),
            children=under,
            behind=sum(1 + child.behind for child in under),
            longest_s=max((max(child.longest_s, child.wait.waited_s if child.wait else 0.0) for child in under), default=0.0),
        )


def _leads_to(start: str, target: str, parents: Mapping[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    at: str | None = start
    while at is not None and at not in seen:
        if at == target:
            return True
        seen.add(at)
        at = next(iter(parents.get(at, ())), None)
    return at == target


def _unknown(id: str) -> Backend:
    """One that was gone before we could ask who it was."""
    return Backend(int(id)) if id.isdigit() else Backend(None, gid=id.removeprefix("gid "))


def branches(forest: Iterable[Branch]) -> Iterable[Branch]:
    """All branches, each before those under it."""
    for branch in forest:
        yield branch
        yield from branches(branch.children)
