"""The demo: whole, from the shop to its report."""

from pathlib import Path

import pytest

from tests.support.command import pgsluice


@pytest.mark.thorough("the demo takes a minute and a half")
def test_it_ends_with_a_verdict_and_a_report(tmp_path: Path):
    ran = pgsluice("demo", "--html", tmp_path / "page.html", PGSLUICE_MAX_STALL="10s")
    assert ran.code == 0, ran.err
    assert "Both ways left the same schema." in ran.out and "\nPASSED: " in ran.out and str(tmp_path / "page.html") in ran.out
    page = (tmp_path / "page.html").read_text()
    assert "451,000 rows in 5 tables" in page and "006_public_order_numbers" in page and "pgsluice, step by step" in page
