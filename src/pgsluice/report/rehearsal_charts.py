"""The charts of a rehearsal's page, as SVG without a script: waits over time with the steps behind them, lock waiters below."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from pgsluice.model.measurement import Measurement, TimelineSlice
from pgsluice.model.rehearsal import Rehearsal, RehearsedPart, RehearsedSide, Waiters
from pgsluice.report.measurements import duration
from pgsluice.report.rehearsal_parts import shown_parts
from pgsluice.report.texts import one_line

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 200, 74, 26, 20
"""The chart's own units: the page scales it to its width."""
QUEUE_HEIGHT, QUEUE_EDGE = 64, 6
LEAST_MS = 0.1
"""The bottom of the scale, which is logarithmic: waits of 1 ms and of 3 s stand on one chart."""
NUMBER_WIDTH = 16
"""A band that is narrower has no room for its number."""
NARROWEST = 1.5
"""A strike takes milliseconds; its band is to be seen all the same."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Common to all charts of a page, so that they can be compared."""

    width_s: float
    top_ms: float
    limit_ms: float
    most_waiters: int

    def x(self, at_s: float) -> float:
        return LEFT + at_s / self.width_s * (WIDTH - LEFT)

    def y(self, ms: float) -> float:
        share = math.log(max(ms, LEAST_MS) / LEAST_MS) / math.log(self.top_ms / LEAST_MS)
        return TOP + (1 - share) * (HEIGHT - BOTTOM - TOP)


def charts(rehearsal: Rehearsal, limit_ms: float) -> Iterator[str]:
    """A figure for the baseline and one for each way."""
    measured = (rehearsal.baseline, rehearsal.naive.felt, rehearsal.plan.felt)
    width_s = max(0.1, *(felt.duration_s for felt in measured))
    most = max(rehearsal.naive.most_waiters, rehearsal.plan.most_waiters)
    scale = _Scale(width_s, max(1000.0, *(felt.max_ms for felt in measured)), limit_ms, most)
    yield _figure("No migration", rehearsal.baseline, None, scale)
    yield _figure("Plain SQL", rehearsal.naive.felt, rehearsal.naive, scale)
    yield _figure("pgsluice", rehearsal.plan.felt, rehearsal.plan, scale)


def _figure(title: str, felt: Measurement, side: RehearsedSide | None, scale: _Scale) -> str:
    said = f"{title}: the longest wait was {duration(felt.max_ms)}, {felt.failed:,} requests failed"
    queue = _queue(side.waiters, scale) if side is not None and scale.most_waiters else ""
    parts = shown_parts(side) if side is not None else []
    return f"<figure><figcaption>{escape(said)}</figcaption>{_waits(felt, parts, scale, said)}{queue}</figure>"


def _waits(felt: Measurement, parts: Sequence[tuple[int, RehearsedPart]], scale: _Scale, said: str) -> str:
    """The longest wait in each tenth of a second, as a bar; red above the limit and where requests failed."""
    bands = "".join(_band(number, part, scale) for number, part in parts)
    bars = "".join(_bar(part, scale) for part in felt.timeline)
    lines = "".join(_grid(ms, scale) for ms in (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0) if ms <= scale.top_ms)
    y = scale.y(scale.limit_ms)
    limit = f'<line class="limit" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    axis = "".join(_second(second, scale) for second in _seconds(scale.width_s))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">{bands}{lines}{bars}{limit}{axis}</svg>'


def _band(number: int, part: RehearsedPart, scale: _Scale) -> str:
    """The stretch of a statement or step, with its number where there is room."""
    x = scale.x(max(part.begin_s, 0.0))
    wide = max(NARROWEST, scale.x(part.end_s) - x)
    shape = f'x="{x:.1f}" y="{TOP}" width="{wide:.1f}" height="{HEIGHT - BOTTOM - TOP}"'
    title = f"<title>{number}: {escape(one_line(part.sql))}</title>"
    label = f'<text class="number" x="{x + wide / 2:.1f}" y="{TOP - 6}" text-anchor="middle">{number}</text>'
    return f'<rect class="band{number % 2}" {shape}>{title}</rect>{label if wide >= NUMBER_WIDTH else ""}'


def _bar(part: TimelineSlice, scale: _Scale) -> str:
    y = scale.y(part.max_ms)
    bad = part.max_ms > scale.limit_ms or part.failed
    wide = max(0.8, 0.1 / scale.width_s * (WIDTH - LEFT))
    title = f"<title>{part.at_s:.1f} s: longest {duration(part.max_ms)}, {part.requests} requests, {part.failed} failed</title>"
    shape = f'x="{scale.x(part.at_s):.1f}" y="{y:.1f}" width="{wide:.2f}" height="{HEIGHT - BOTTOM - y:.1f}"'
    return f'<rect class="{"bad" if bad else "good"}" {shape}>{title}</rect>'


def _queue(waiters: Sequence[Waiters], scale: _Scale) -> str:
    """How many sessions waited for a lock, on the same axis of time."""
    room = QUEUE_HEIGHT - 2 * QUEUE_EDGE
    wide = max(0.8, 0.1 / scale.width_s * (WIDTH - LEFT))
    found = [(scale.x(w.at_s), w.count, room * w.count / scale.most_waiters) for w in waiters if w.count]
    foot = QUEUE_HEIGHT - QUEUE_EDGE
    shapes = ((f'x="{x:.1f}" y="{foot - high:.1f}" width="{wide:.2f}" height="{high:.1f}"', count) for x, count, high in found)
    bars = "".join(f'<rect class="queue" {shape}><title>{count} waiting</title></rect>' for shape, count in shapes)
    marks = ((QUEUE_EDGE + 8, scale.most_waiters), (foot, 0))
    label = "".join(f'<text x="{LEFT - 6}" y="{y}" text-anchor="end">{count}</text>' for y, count in marks)
    base = f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{foot}" y2="{foot}"/>'
    return f'<svg viewBox="0 0 {WIDTH} {QUEUE_HEIGHT}" role="img" aria-label="sessions that wait for locks">{base}{bars}{label}</svg>'


def _grid(ms: float, scale: _Scale) -> str:
    y = scale.y(ms)
    label = f'<text x="{LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"}</text>'
    return f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>{label}'


def _second(second: float, scale: _Scale) -> str:
    anchor = "start" if not second else "end" if second > 0.95 * scale.width_s else "middle"
    return f'<text x="{scale.x(second):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{second:g} s</text>'


def _seconds(width_s: float) -> list[float]:
    """About six marks on the axis, at round seconds."""
    step = next((s for s in (1, 2, 5, 10, 20, 60, 120, 300, 600) if width_s / s <= 7), 1800)
    return [float(s) for s in range(0, int(width_s) + 1, step)]
