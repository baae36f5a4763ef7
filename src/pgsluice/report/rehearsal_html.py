"""A rehearsal as one page that needs nothing else: no script, no font, no other file. Charts are drawn as SVG."""

from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files

from pgsluice.model.measurement import Measurement
from pgsluice.model.rehearsal import Limits, Rehearsal, RehearsedSide
from pgsluice.report.measurements import duration
from pgsluice.report.rehearsal_charts import charts
from pgsluice.report.rehearsal_parts import MOST_PARTS, PART_HEADINGS, REQUEST_HEADINGS, part_rows, request_rows
from pgsluice.report.rehearsal_text import details, heading, summary, verdict, word
from pgsluice.report.texts import duration as seconds
from pgsluice.report.texts import size

_MEASURED: tuple[tuple[str, Callable[[Measurement], str]], ...] = (
    ("longest wait", lambda felt: duration(felt.max_ms)),
    ("99.9 % waited at most", lambda felt: duration(felt.p999_ms)),
    ("99 % waited at most", lambda felt: duration(felt.p99_ms)),
    ("half waited at most", lambda felt: duration(felt.p50_ms)),
    ("waited over 20 ms", lambda felt: f"{felt.over_20_ms:,}"),
    ("waited over 100 ms", lambda felt: f"{felt.over_100_ms:,}"),
    ("waited over 500 ms", lambda felt: f"{felt.over_500_ms:,}"),
    ("waits above the quiet 99 %, summed", lambda felt: duration(felt.stalled_ms)),
    ("failed", lambda felt: f"{felt.failed:,}"),
    ("failed, by SQLSTATE", lambda felt: ", ".join(f"{state}: {count:,}" for state, count in felt.errors.items())),
    ("requests", lambda felt: f"{felt.requests:,}"),
)
_OF_A_WAY: tuple[tuple[str, Callable[[RehearsedSide], str]], ...] = (
    ("the migrations took", lambda side: seconds(side.took_s)),
    ("WAL written, the load's included", lambda side: size(side.wal_bytes)),
    ("the database grew by", lambda side: size(side.disk_bytes)),
    ("sessions that waited for locks at once", lambda side: f"{side.most_waiters:,}"),
)
_LEFT_ALIGNED = frozenset({"locks against the application", "statement", "request"})


def rehearsal_html(rehearsal: Rehearsal, limits: Limits) -> str:
    """The page; texts from outside are escaped."""
    found = word(rehearsal, limits)
    return (
        files(__package__)
        .joinpath("rehearsal.html")
        .read_text(encoding="utf-8")
        .format(
            title=escape(f"Rehearsal of {', '.join(rehearsal.migrations)}"),
            verdict_class=found.replace(" ", "-"),
            verdict=found,
            summary=escape(summary(rehearsal, limits)),
            heading=escape(heading(rehearsal)),
            sentences=_listed(verdict(rehearsal, limits)),
            details=_listed(details(rehearsal)),
            charts="".join(charts(rehearsal, limits.max_stall_s * 1000)),
            table=_measured(rehearsal),
            parts="".join(_parts(way, side) for way, side in (("Plain SQL", rehearsal.naive), ("pgsluice", rehearsal.plan))),
            requests=_table(REQUEST_HEADINGS, request_rows(rehearsal)),
            notes=_notes(rehearsal.notes),
        )
    )


def _listed(sentences: Sequence[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in sentences)


def _measured(rehearsal: Rehearsal) -> str:
    columns = (rehearsal.baseline, rehearsal.naive.felt, rehearsal.plan.felt)
    rows = [(name, *(cell(felt) for felt in columns)) for name, cell in _MEASURED]
    rows += [(name, "", cell(rehearsal.naive), cell(rehearsal.plan)) for name, cell in _OF_A_WAY]
    return "".join(f"<tr><th scope=row>{name}</th>{''.join(f'<td>{escape(c)}</td>' for c in cells)}</tr>" for name, *cells in rows)


def _parts(way: str, side: RehearsedSide) -> str:
    if not side.parts:
        return ""
    rest = len(side.parts) - MOST_PARTS
    cut = f"<p>Those {MOST_PARTS} of {len(side.parts)} during which requests waited longest.</p>" if rest > 0 else ""
    return f"<h2>{way}, step by step</h2>{cut}{_table(PART_HEADINGS, part_rows(side))}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    classes = [' class="text"' if name in _LEFT_ALIGNED else "" for name in headings]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(headings, classes, strict=True))
    body = "".join(f"<tr>{''.join(f'<td{kind}>{escape(cell)}</td>' for cell, kind in zip(row, classes, strict=True))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _notes(notes: Sequence[str]) -> str:
    return f"<details><summary>Not as in production ({len(notes)})</summary><ul>{_listed(notes)}</ul></details>" if notes else ""
