"""Work on a database while an application uses it: what every request felt, before and meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pgsluice.model.measurement import Measurement
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.latency.recording import Recording
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.surroundings import Surroundings, surroundings

WARM_UP_S = 2.0
"""Caches fill and each connection makes its plans; not measured."""
TAIL_S = 2.0
"""After the work: what still queues then is its doing."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Observed(Generic[_Result]):
    """`result` is what the work gave back after `took_s`; `felt` is measured against `baseline`, from `begin_s` to `end_s` on the
    monotonic clock."""

    result: _Result
    took_s: float
    begin_s: float
    end_s: float
    baseline: Measurement
    felt: Measurement
    recording: Recording
    around: Surroundings


def observed(dsn: str, load: Load, work: Callable[[], _Result], baseline: Measurement | float) -> Observed[_Result]:
    """Does the work under the load. `baseline` is that of an earlier observation, or for how many seconds one is taken first."""
    with surroundings(dsn) as around, LoadProcess(dsn, load) as process:
        time.sleep(WARM_UP_S)
        quiet_s = time.monotonic()
        if isinstance(baseline, float):
            time.sleep(baseline)
        begin_s = time.monotonic()
        result = work()
        took_s = time.monotonic() - begin_s
        time.sleep(TAIL_S)
        end_s = time.monotonic()
        recording = process.stop()
    quiet = measure(recording, quiet_s, begin_s) if isinstance(baseline, float) else baseline
    felt = measure(recording, begin_s, end_s, quiet=quiet)
    return Observed(result, took_s, begin_s, end_s, quiet, felt, recording, around)
