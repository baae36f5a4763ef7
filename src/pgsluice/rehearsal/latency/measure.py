"""From a recording to the figures of a measurement."""

import math
from collections import Counter
from collections.abc import Sequence

from pgsluice.model.measurement import Measurement, TimelineSlice
from pgsluice.rehearsal.latency.recording import SUCCESS, Recording, Request

SLICE_S = 0.1
"""Width of a slice of the timeline: the default stall budget, so that a stall over budget spans more than one."""


def measure(recording: Recording, since_s: float, until_s: float, *, quiet: Measurement | None = None) -> Measurement:
    """The figures over the requests that should have started in [since_s, until_s), on the monotonic clock.

    `quiet` is the baseline above whose p99 time counts as stalled; without one, this measurement is the baseline."""
    requests = [r for r in recording.requests() if since_s <= r.start_s < until_s]
    waits_ms = sorted(r.wait_s * 1000 for r in requests)
    errors = Counter(r.outcome for r in requests if r.outcome != SUCCESS)
    threshold_ms = quiet.p99_ms if quiet is not None else percentile(waits_ms, 0.99)
    return Measurement(
        requests=len(requests),
        failed=errors.total(),
        errors=dict(sorted(errors.items())),
        p50_ms=percentile(waits_ms, 0.5),
        p99_ms=percentile(waits_ms, 0.99),
        p999_ms=percentile(waits_ms, 0.999),
        max_ms=percentile(waits_ms, 1.0),
        over_20_ms=_over(waits_ms, 20),
        over_100_ms=_over(waits_ms, 100),
        over_500_ms=_over(waits_ms, 500),
        stalled_ms=sum(w - threshold_ms for w in waits_ms if w > threshold_ms),
        duration_s=until_s - since_s,
        timeline=_timeline(requests, since_s),
    )


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank); 0 of nothing."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)] if ascending else 0.0


def _over(waits_ms: Sequence[float], limit_ms: float) -> int:
    return sum(1 for w in waits_ms if w > limit_ms)


def _timeline(requests: Sequence[Request], since_s: float) -> tuple[TimelineSlice, ...]:
    slices: dict[int, list[Request]] = {}
    for request in requests:
        slices.setdefault(int((request.start_s - since_s) / SLICE_S), []).append(request)
    return tuple(_slice(number, slices[number]) for number in sorted(slices))


def _slice(number: int, requests: Sequence[Request]) -> TimelineSlice:
    waits_ms = sorted(r.wait_s * 1000 for r in requests)
    return TimelineSlice(
        at_s=round(number * SLICE_S, 3),
        requests=len(requests),
        failed=sum(1 for r in requests if r.outcome != SUCCESS),
        p50_ms=percentile(waits_ms, 0.5),
        max_ms=waits_ms[-1],
    )
