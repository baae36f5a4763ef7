from dataclasses import fields

import pytest

from pgsluice.model.measurement import NO_CONNECTION, Measurement
from pgsluice.rehearsal.latency.measure import measure, percentile
from pgsluice.rehearsal.latency.recording import Recorder, Recording


def recording(*requests: tuple[float, float, str]) -> Recording:
    recorder = Recorder(("one",))
    for start_s, wait_s, outcome in requests:
        recorder.add(0, start_s, start_s + wait_s, outcome)
    return recorder.recording(0.0, 1.0)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1)])
def test_percentile_is_the_nearest_rank(share: float, expected: float):
    assert percentile(list(range(1, 101)), share) == expected


def test_nothing_measures_as_nothing():
    empty = measure(recording(), 0.0, 1.0)
    assert (empty.requests, empty.failed, empty.max_ms, empty.timeline) == (0, 0, 0.0, ())


def test_only_requests_that_were_due_in_the_window_count():
    taken = recording((9.9, 5.0, ""), (10.0, 0.001, ""), (10.9, 0.3, ""), (11.0, 5.0, ""))
    assert [(m.requests, round(m.max_ms)) for m in [measure(taken, 10.0, 11.0)]] == [(2, 300)]


def test_failed_requests_are_in_every_figure():
    taken = recording((0.0, 1.0, NO_CONNECTION), (0.0, 0.6, "57014"), (0.1, 0.001, ""), (0.2, 0.6, "57014"))
    found = measure(taken, 0.0, 1.0)
    assert (found.requests, found.failed, found.over_500_ms, found.max_ms) == (4, 3, 3, 1000.0)
    assert found.errors == {"57014": 2, NO_CONNECTION: 1}


def test_limits_are_exclusive():
    found = measure(recording((0.0, 0.02, ""), (0.0, 0.0201, ""), (0.0, 0.5, ""), (0.0, 0.5001, "")), 0.0, 1.0)
    assert (found.over_20_ms, found.over_100_ms, found.over_500_ms) == (3, 2, 1)


def test_stalled_time_is_what_lies_above_the_p99_of_the_baseline():
    quiet = measure(recording(*((i / 100, 0.002, "") for i in range(100))), 0.0, 1.0)
    found = measure(recording((0.0, 0.001, ""), (0.1, 0.102, ""), (0.2, 0.302, "")), 0.0, 1.0, quiet=quiet)
    assert found.stalled_ms == pytest.approx(400)
    assert quiet.stalled_ms == 0


def test_the_timeline_slices_by_when_requests_were_due():
    found = measure(recording((5.05, 0.4, ""), (5.01, 0.001, ""), (5.31, 1.0, "57014")), 5.0, 6.0)
    assert [(s.at_s, s.requests, s.failed, round(s.max_ms)) for s in found.timeline] == [(0.0, 2, 0, 400), (0.3, 1, 1, 1000)]


def test_a_measurement_has_the_fields_that_other_programs_rely_on():
    promised = "requests failed errors p50_ms p99_ms p999_ms max_ms over_20_ms over_100_ms over_500_ms stalled_ms duration_s timeline"
    assert [f.name for f in fields(Measurement)] == promised.split()
