"""Measurements as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgsluice.model.measurement import Measurement
from pgsluice.report import texts


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A column of the table; `took_s` is what the migrations took, None where there were none."""

    title: str
    felt: Measurement
    took_s: float | None = None


_ROWS: tuple[tuple[str, Callable[[MeasuredRun], str]], ...] = (
    ("longest wait of a request", lambda run: duration(run.felt.max_ms)),
    ("99 % of requests waited at most", lambda run: duration(run.felt.p99_ms)),
    ("requests that waited over 100 ms", lambda run: f"{run.felt.over_100_ms:,}"),
    ("failed requests", lambda run: f"{run.felt.failed:,}"),
    ("all requests", lambda run: f"{run.felt.requests:,}"),
    ("the migrations took", lambda run: "" if run.took_s is None else f"{run.took_s:.1f} s"),
)


def duration(ms: float) -> str:
    """Milliseconds for people: `0.4 ms`, `23 ms`, `3.1 s`."""
    return texts.duration(ms / 1000)


def measurement_table(runs: Sequence[MeasuredRun]) -> str:
    """The runs side by side, in plain text."""
    lines = [("", *(run.title for run in runs)), *((name, *(cell(run) for run in runs)) for name, cell in _ROWS)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(runs) + 1)]
    rows = ["  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]) for line in lines]
    rows.insert(1, "-" * (sum(widths) + 2 * len(runs)))
    return "\n".join(row.rstrip() for row in rows)
