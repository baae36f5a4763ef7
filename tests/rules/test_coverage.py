"""Every hazard of our list has a rule or a reason, and every rule has a hazard."""

import re

from hazard_coverage import rows
from pgsluice.analysis.rules.registry import rules

_LEFT_OUT = {"H49", "H50", "H54", "H59", "H95"}
"""Numbers that the list never had."""


def test_every_number_is_there_once():
    wanted = [f"H{n}" for n in range(1, 103) if f"H{n}" not in _LEFT_OUT] + [f"N{n}" for n in range(1, 45)]
    assert [row.number for row in rows()] == wanted


def test_every_hazard_has_a_rule_or_a_reason():
    assert [row.number for row in rows() if not row.rules and not row.remark] == []


def test_every_rule_has_a_hazard():
    named = {name for row in rows() for name in row.rules}
    assert {rule.name for rule in rules()} - named == set()
    assert named - {rule.name for rule in rules()} == set()


def test_no_row_is_broken():
    assert [row.number for row in rows() if re.search(r"[|\n]", row.hazard + row.remark)] == []
