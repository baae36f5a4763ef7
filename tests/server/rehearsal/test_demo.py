"""The demo in short: what each half gets, and that nothing stays behind."""

from pathlib import Path

import psycopg
import pytest

from pgsluice.rehearsal import demo, observation
from pgsluice.report.measurements import MeasuredRun, measurement_table, measurement_verdict
from tests.support.sql import value


def test_both_halves_start_from_the_same_shop_and_are_measured(monkeypatch: pytest.MonkeyPatch):
    for module, name, seconds in (
        (observation, "WARM_UP_S", 0.5),
        (demo, "BASELINE_S", 2.0),
        (observation, "TAIL_S", 0.5),
        (demo, "PAUSE_S", 0.0),
    ):
        monkeypatch.setattr(module, name, seconds)
    seen: list[tuple[str, list[str], str, bool]] = []

    def run_plan(dsn: str, folder: Path, start_after: str) -> None:
        fresh = value(dsn, "SELECT to_regclass('coupons') IS NULL AND count(*) >= 120000 FROM orders")
        seen.append((dsn, sorted(file.stem for file in folder.iterdir())[:2], start_after, fresh))

    said: list[str] = []
    result = demo.run_demo(run_plan, said.append)
    ((dsn, names, start_after, fresh),) = seen
    assert (names[0], fresh) == (start_after, True)
    assert (result.migrations, result.baseline.failed, result.pgsluice.felt.failed) == (5, 0, 0)
    assert result.baseline.requests == pytest.approx(result.rate * 2, rel=0.1)
    assert result.plain.felt.max_ms > result.baseline.max_ms
    assert sum(line.startswith("plain SQL: ") and " took " in line for line in said) == 5
    runs = [MeasuredRun("no migration", result.baseline), MeasuredRun("plain SQL", result.plain.felt, result.plain.took_s)]
    assert "failed requests" in measurement_table(runs)
    assert "pgsluice kept" in measurement_verdict(result.plain.felt, result.pgsluice.felt, result.baseline)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)
