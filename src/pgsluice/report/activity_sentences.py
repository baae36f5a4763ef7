"""A waiting or blocking backend in one sentence, as it is shown everywhere: terminal, page, guard."""

from collections.abc import Iterable

from pgsluice.model.lock_forest import Branch
from pgsluice.model.snapshot import Backend, Holding, LockWait
from pgsluice.report.texts import counted, duration, one_line


def who(backend: Backend) -> str:
    """`pid 8757, report (app), idle in transaction 47 s`, `prepared transaction 'x', 3 s`."""
    if backend.pid is None:
        return ", ".join(filter(None, (f"prepared transaction {backend.gid!r}", backend.user, _age(backend))))
    parts = [f"pid {backend.pid}"]
    if backend.autovacuum:
        parts.append("autovacuum to prevent wraparound" if backend.wraparound else "autovacuum")
    if backend.application or backend.user:
        user = f" ({backend.user})" if backend.user and backend.application else backend.user or ""
        parts.append(f"{backend.application or ''}{user}")
    parts.append(doing(backend))
    if backend.workers:
        parts.append(counted(backend.workers, "parallel worker"))
    return ", ".join(filter(None, parts))


def doing(backend: Backend) -> str:
    """Its state and for how long: `idle in transaction 47 s`, `running for 3 s`, `in a transaction for at least 2 s`."""
    if backend.idle_in_transaction:
        return f"{backend.state} {duration(backend.state_s)}" if backend.state_s is not None else str(backend.state)
    if backend.state == "active" and backend.state_s is not None:
        older = f", transaction {duration(backend.age_s)}" if backend.age_s and backend.age_s > backend.state_s + 1 else ""
        return f"running {duration(backend.state_s)}{older}"
    return " ".join(filter(None, (backend.state, _age(backend))))


def wanting(wait: LockWait) -> str:
    """What it waits for: `ACCESS EXCLUSIVE on public.t`, `a row of public.t`, `an older transaction to end`."""
    if wait.row:
        return f"a row of {wait.relation}" if wait.relation else f"{wait.object} to end"
    if wait.kind == "virtualxid":
        return "an older transaction to end"
    return f"{wait.mode} on {wait.object}" if wait.kind == "relation" else wait.object


def holding(held: Holding) -> str:
    """What it has of what others wait for."""
    if held.kind in ("transactionid", "tuple", "spectoken"):
        return f"has changed rows{f' of {held.relation}' if held.relation else ''}"
    if held.kind == "virtualxid":
        return "has an old snapshot"
    return f"holds {held.mode} on {held.object}" if held.kind == "relation" else f"holds {held.object}"


def label(branch: Branch) -> str:
    """A branch's line without what is under it."""
    backend, wait = branch.backend, branch.wait
    head = f"pid {backend.pid}" if backend.pid is not None else who(backend)
    name = backend.definition or (f"{backend.application}" if backend.application else "")
    if wait is None:
        held = f", {holding(branch.holding)}" if branch.holding else ""
        return f"{who(backend)}{held}"
    also = f" (and behind {', '.join(branch.also[:3])}{' …' if len(branch.also) > 3 else ''})" if branch.also else ""
    return f"{head}{f', {name}' if name else ''}: waits {duration(wait.waited_s)} for {wanting(wait)}{also}"


def behind(branch: Branch) -> str:
    """How many wait behind it and for how long: `80 sessions wait behind it, the longest 1.2 s`; '' where nobody does."""
    if not branch.behind:
        return ""
    return f"{counted(branch.behind, 'session waits', 'sessions wait')} behind it, the longest {duration(branch.longest_s)}"


def warning(branch: Branch, parent: Branch | None) -> str:
    """The sentence that matters of a DDL or of a blocker: for whom it waits, and who waits behind it."""
    wait = branch.wait
    if wait is None or parent is None:
        return f"{who(branch.backend)}: {behind(branch)}"
    us = f"{branch.backend.definition or wanting(wait)} of pid {branch.backend.pid}"
    tail = f"; {behind(branch)}" if branch.behind else ""
    return f"{us} has waited {duration(wait.waited_s)} behind {who(parent.backend)}{tail}"


def query(backend: Backend, width: int) -> str:
    """Its query on one line; says where it is hidden."""
    return one_line(backend.query, width) if backend.query else ""


def alarms(forest: Iterable[Branch]) -> tuple[str, ...]:
    """The sentences that matter: each DDL in the forest that waits or blocks, and each other root with three or more behind it."""
    found: list[str] = []

    def walk(branch: Branch, parent: Branch | None) -> None:
        if branch.backend.definition or (parent is None and branch.behind >= 3):
            found.append(warning(branch, parent))
        for child in branch.children:
            walk(child, branch)

    for tree in forest:
        walk(tree, None)
    return tuple(found[:10])


def _age(backend: Backend) -> str:
    if backend.age_s is None:
        return ""
    return f"{'at least ' if backend.age_is_lower_bound else ''}{duration(backend.age_s)}"
