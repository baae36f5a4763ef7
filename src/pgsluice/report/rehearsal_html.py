"""A rehearsal as one page that needs nothing else: no script, no font, no other file. Charts are drawn as SVG."""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from importlib.resources import files

from pgsluice.model.measurement import Measurement, TimelineSlice
from pgsluice.model.rehearsal import Rehearsal
from pgsluice.report.measurements import duration
from pgsluice.report.rehearsal_text import heading, verdict

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 200, 74, 26, 12
"""The chart's own units: the page scales it to its width."""
LEAST_MS = 0.1
"""The bottom of the scale, which is logarithmic: waits of 1 ms and of 3 s stand on one chart."""

_ROWS: tuple[tuple[str, Callable[[Measurement], str]], ...] = (
    ("longest wait", lambda felt: duration(felt.max_ms)),
    ("99.9 % waited at most", lambda felt: duration(felt.p999_ms)),
    ("99 % waited at most", lambda felt: duration(felt.p99_ms)),
    ("half waited at most", lambda felt: duration(felt.p50_ms)),
    ("waited over 20 ms", lambda felt: f"{felt.over_20_ms:,}"),
    ("waited over 100 ms", lambda felt: f"{felt.over_100_ms:,}"),
    ("waited over 500 ms", lambda felt: f"{felt.over_500_ms:,}"),
    ("failed", lambda felt: f"{felt.failed:,}"),
    ("requests", lambda felt: f"{felt.requests:,}"),
)


def rehearsal_html(rehearsal: Rehearsal, max_stall_s: float) -> str:
    """The page; texts from outside are escaped."""
    passed = rehearsal.passes(max_stall_s)
    return (
        files(__package__)
        .joinpath("rehearsal.html")
        .read_text(encoding="utf-8")
        .format(
            title=escape(f"Rehearsal of {', '.join(rehearsal.migrations)}"),
            verdict_class="passed" if passed else "failed",
            verdict="passed" if passed else "not passed",
            heading=escape(heading(rehearsal)),
            sentences="".join(f"<li>{escape(line)}</li>" for line in verdict(rehearsal, max_stall_s)),
            charts="".join(_charts(rehearsal, max_stall_s * 1000)),
            table=_table(rehearsal),
            notes=_notes(rehearsal.notes),
        )
    )


def _table(rehearsal: Rehearsal) -> str:
    columns = (rehearsal.baseline, rehearsal.naive.felt, rehearsal.plan.felt)
    rows = ((name, *(cell(felt) for felt in columns)) for name, cell in _ROWS)
    took = ("the migrations took", "", f"{rehearsal.naive.took_s:.1f} s", f"{rehearsal.plan.took_s:.1f} s")
    return "".join(f"<tr><th scope=row>{name}</th>{''.join(f'<td>{escape(c)}</td>' for c in cells)}</tr>" for name, *cells in (*rows, took))


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<details><summary>Not as in production ({len(notes)})</summary><ul>{listed}</ul></details>"


def _charts(rehearsal: Rehearsal, limit_ms: float) -> Iterator[str]:
    sides = (("No migration", rehearsal.baseline), ("Plain SQL", rehearsal.naive.felt), ("pgsluice", rehearsal.plan.felt))
    top_ms = max(1000.0, *(felt.max_ms for _, felt in sides))
    for title, felt in sides:
        said = f"{title}: the longest wait was {duration(felt.max_ms)}, {felt.failed:,} requests failed"
        yield f"<figure><figcaption>{escape(said)}</figcaption>{_chart(felt, top_ms, limit_ms, said)}</figure>"


def _chart(felt: Measurement, top_ms: float, limit_ms: float, said: str) -> str:
    """The longest wait in each tenth of a second, as a bar; red above the limit and where requests failed."""
    width_s = max(felt.duration_s, 0.1)
    bars = "".join(_bar(part, width_s, top_ms, limit_ms) for part in felt.timeline)
    lines = "".join(_grid(ms, top_ms) for ms in (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0) if ms <= top_ms)
    limit = f'<line class="limit" x1="{LEFT}" x2="{WIDTH}" y1="{_y(limit_ms, top_ms):.1f}" y2="{_y(limit_ms, top_ms):.1f}"/>'
    axis = "".join(_second(second, width_s) for second in _seconds(width_s))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">{lines}{bars}{limit}{axis}</svg>'


def _bar(part: TimelineSlice, width_s: float, top_ms: float, limit_ms: float) -> str:
    y = _y(part.max_ms, top_ms)
    bad = part.max_ms > limit_ms or part.failed
    wide = max(0.8, 0.1 / width_s * (WIDTH - LEFT))
    title = f"<title>{part.at_s:.1f} s: longest {duration(part.max_ms)}, {part.requests} requests, {part.failed} failed</title>"
    shape = f'x="{_x(part.at_s, width_s):.1f}" y="{y:.1f}" width="{wide:.2f}" height="{HEIGHT - BOTTOM - y:.1f}"'
    return f'<rect class="{"bad" if bad else "good"}" {shape}>{title}</rect>'


def _grid(ms: float, top_ms: float) -> str:
    y = _y(ms, top_ms)
    label = f'<text x="{LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"}</text>'
    return f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>{label}'


def _second(second: float, width_s: float) -> str:
    anchor = "end" if second > 0.95 * width_s else "middle"
    return f'<text x="{_x(second, width_s):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{second:g} s</text>'


def _seconds(width_s: float) -> list[float]:
    """About six marks on the axis, at round seconds."""
    step = next((s for s in (1, 2, 5, 10, 20, 60, 120, 300, 600) if width_s / s <= 7), 1800)
    return [float(s) for s in range(0, int(width_s) + 1, step)]


def _x(at_s: float, width_s: float) -> float:
    return LEFT + at_s / width_s * (WIDTH - LEFT)


def _y(ms: float, top_ms: float) -> float:
    share = math.log(max(ms, LEAST_MS) / LEAST_MS) / math.log(top_ms / LEAST_MS)
    return TOP + (1 - share) * (HEIGHT - BOTTOM - TOP)
