"""A rehearsal in its parts: statements and steps with their locks, kinds of requests, estimates for the live sizes."""

from collections.abc import Iterator, Sequence

from pgsluice.model.rehearsal import Rehearsal, RehearsedPart, RehearsedSide, strongest_blocking
from pgsluice.report.measurements import duration
from pgsluice.report.texts import duration as seconds
from pgsluice.report.texts import one_line

MOST_PARTS = 60
"""Of a plan of hundreds of steps those are shown that were felt most; the JSON has all."""
SQL_WIDTH = 160

PART_HEADINGS = ("", "began", "took", "longest wait", "over 100 ms", "failed", "locks against the application", "statement")
REQUEST_HEADINGS = ("request", "longest wait, plain SQL", "pgsluice", "over 100 ms, plain SQL", "pgsluice", "failed, plain SQL", "pgsluice")

Cells = tuple[str, ...]


def part_rows(side: RehearsedSide) -> list[Cells]:
    """The statements or steps as rows of a table under PART_HEADINGS, in the order in which they began."""
    return [_part_row(number, part) for number, part in shown_parts(side)]


def shown_parts(side: RehearsedSide) -> list[tuple[int, RehearsedPart]]:
    """With their numbers, from 1."""
    numbered = list(enumerate(side.parts, 1))
    felt_most = sorted(numbered, key=lambda pair: -pair[1].felt.max_ms)[:MOST_PARTS]
    return sorted(felt_most, key=lambda pair: pair[0])


def _part_row(number: int, part: RehearsedPart) -> Cells:
    felt = part.felt
    waits = (duration(felt.max_ms), f"{felt.over_100_ms:,}", f"{felt.failed:,}") if felt.requests else ("", "", "")
    kind = f"{part.kind}: " if part.kind else ""
    error = f" (failed: {part.error})" if part.error else ""
    what = kind + one_line(part.sql, SQL_WIDTH) + error
    return (str(number), f"{max(part.begin_s, 0.0):.1f} s", seconds(part.took_s), *waits, locks_of(part), what)


def locks_of(part: RehearsedPart) -> str:
    """The strongest on each relation for which a query of the application waits; `none` without any."""
    return ", ".join(f"{mode} on {relation}" for relation, mode in strongest_blocking(part.locks).items()) or "none"


def request_rows(rehearsal: Rehearsal) -> list[Cells]:
    """The kinds of requests as rows under REQUEST_HEADINGS, the ones first that waited longest for plain SQL."""
    sides = (rehearsal.naive.by_request, rehearsal.plan.by_request)
    names = sorted({*sides[0], *sides[1]}, key=lambda name: -max(s[name].max_ms for s in sides if name in s))
    return [_request_row(name, rehearsal) for name in names]


def _request_row(name: str, rehearsal: Rehearsal) -> Cells:
    both = [side.by_request.get(name) for side in (rehearsal.naive, rehearsal.plan)]
    waits = [duration(felt.max_ms) if felt else "" for felt in both]
    over = [f"{felt.over_100_ms:,}" if felt else "" for felt in both]
    failed = [f"{felt.failed:,}" if felt else "" for felt in both]
    return (name, *waits, *over, *failed)


def felt_most(side: RehearsedSide) -> RehearsedPart | None:
    """The statement or step during which a request waited longest."""
    return max((part for part in side.parts if part.felt.requests), key=lambda part: part.felt.max_ms, default=None)


def estimates(rehearsal: Rehearsal) -> Iterator[str]:
    """What the plan's work on rows would take with the live sizes, and how that is known."""
    known = [(part, part.live_estimate_s) for part in rehearsal.plan.parts if part.live_estimate_s is not None and part.rows]
    worked = [part for part in rehearsal.plan.parts if part.rows]
    if worked and not known:
        yield "What the plan's work on rows would take in production is not estimated: the sizes there are not known (--from tells them)."
    if not known:
        return
    total = sum(estimate or 0.0 for _, estimate in known)
    yield f"With the live sizes the plan's work on rows would take about {seconds(total)}, if each row takes as long as here:"
    for part, estimate in known:
        here = f"{seconds(part.took_s)} for {part.rows:,} rows here, {part.live_rows:,} there by its statistics"
        yield f"about {seconds(estimate or 0.0)}: {one_line(part.sql, 80)} ({here})"


def table_markdown(headings: Sequence[str], rows: Sequence[Cells]) -> list[str]:
    """A table in Markdown."""
    lines = [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    return lines + [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
