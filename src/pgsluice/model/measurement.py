"""What the application felt while something ran: figures over all requests of a stretch of time.

A request's wait counts from the instant at which it should have started (open loop), so that requests which queue
for a connection behind a stalled one are not forgotten. Failed requests are in every figure with the wait until they failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_CONNECTION = "no-connection"
"""In `errors`: the request got no connection of the pool in time."""
UNFINISHED = "unfinished"
"""In `errors`: the request still ran when the load ended and was cancelled; its wait is what it had waited until then."""


@dataclass(frozen=True, slots=True)
class TimelineSlice:
    """The requests that should have started in one slice; `at_s` is its start, in seconds from the start of the whole."""

    at_s: float
    requests: int
    failed: int
    p50_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Waits are in milliseconds. `errors` counts failed requests by SQLSTATE, or by `NO_CONNECTION` and `UNFINISHED`.
    `over_20_ms` ... count requests that waited longer than that. `stalled_ms` is the sum of the time that requests
    waited above the p99 of the quiet baseline. `timeline` has one slice for each 100 ms in which a request was due."""

    requests: int
    failed: int
    errors: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    over_20_ms: int
    over_100_ms: int
    over_500_ms: int
    stalled_ms: float
    duration_s: float
    timeline: tuple[TimelineSlice, ...] = field(default=(), repr=False)
