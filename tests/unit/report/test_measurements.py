from pgsluice.model.measurement import Measurement
from pgsluice.report.measurements import MeasuredRun, duration, measurement_table


def felt(requests: int, failed: int, max_ms: float) -> Measurement:
    return Measurement(requests, failed, {}, 0.3, 0.9, 2.0, max_ms, 0, failed, failed, 0.0, 10.0)


QUIET, PLAIN, OURS = felt(4800, 0, 4.95), felt(7510, 1513, 3016.0), felt(20000, 0, 28.4)


def test_durations_are_written_for_people():
    assert [duration(ms) for ms in (0.31, 9.94, 28.4, 999.4, 3016)] == ["0.3 ms", "9.9 ms", "28 ms", "999 ms", "3.0 s"]


def test_the_table_has_a_column_for_each_run():
    table = measurement_table(
        [MeasuredRun("no migration", QUIET), MeasuredRun("plain SQL", PLAIN, 8.8), MeasuredRun("pgsluice", OURS, 41.0)]
    )
    lines = table.splitlines()
    assert lines[0].split("  ")[-3:] == ["no migration", "plain SQL", "pgsluice"]
    assert lines[2].split() == ["longest", "wait", "of", "a", "request", "5.0", "ms", "3.0", "s", "28", "ms"]
    assert lines[-1].split()[-4:] == ["8.8", "s", "41.0", "s"]
