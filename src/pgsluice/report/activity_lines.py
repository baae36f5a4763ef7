"""The lists of sessions that terminal program and page show, each line with the session that it is about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pgsluice.model.lock_forest import Branch, lock_forest
from pgsluice.model.snapshot import Backend, Snapshot
from pgsluice.report.activity_sentences import behind, holding, label, query, who
from pgsluice.report.activity_text import folded, group_label
from pgsluice.report.texts import one_line


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list; `backend` is None where it is about none, or about many."""

    text: str
    backend: Backend | None = None
    head: bool = False


def lock_lines(snapshot: Snapshot, width: int) -> list[Line]:
    """The lock forest."""
    lines = [line for tree in lock_forest(snapshot.queues) for line in _tree(tree, "", "", width)]
    return lines or [Line("nobody waits for a lock")]


def blocking_lines(snapshot: Snapshot, width: int) -> list[Line]:
    """The heads of the queues alone."""
    lines = []
    for tree in lock_forest(snapshot.queues):
        held = f"; {holding(tree.holding)}" if tree.holding else ""
        lines.append(Line(f"{who(tree.backend)}{held}; {behind(tree)}", tree.backend, head=True))
        if text := query(tree.backend, width - 6):
            lines.append(Line(f"    {text}"))
    return lines or [Line("nobody blocks anybody")]


def long_lines(snapshot: Snapshot, width: int) -> list[Line]:
    """All long transactions, the oldest first."""
    lines = []
    for backend in snapshot.long:
        holds = f"; holds {', '.join(backend.holds[:3])}" if backend.holds else ""
        lines.append(Line(one_line(f"{who(backend)}{holds}", width), backend))
        if text := query(backend, width - 6):
            lines.append(Line(f"    {text}"))
    return lines or [Line("no transaction is older than a second")]


def _tree(branch: Branch, first: str, rest: str, width: int) -> Iterator[Line]:
    tail = f"; {behind(branch)}" if branch.behind else ""
    yield Line(f"{first}{label(branch)}{tail}", branch.backend, head=bool(branch.behind))
    if text := query(branch.backend, max(30, width - len(rest) - 6)):
        yield Line(f"{rest}{'│ ' if branch.children else '  '}  {text}")
    groups: Sequence[Sequence[Branch]] = folded(branch.children)
    for number, group in enumerate(groups):
        joint, under = ("└─ ", "   ") if number == len(groups) - 1 else ("├─ ", "│  ")
        if len(group) == 1:
            yield from _tree(group[0], rest + joint, rest + under, width)
        else:
            yield Line(rest + joint + group_label(group, max(30, width - len(rest) - 50)))
