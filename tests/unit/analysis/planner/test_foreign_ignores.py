"""Comments for other linters silence ours, in `check` alone."""

import pytest

from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.analysis.planner.checking import check
from pgsluice.analysis.planner.foreign_ignores import TABLES
from pgsluice.analysis.planner.planning import PlanOptions, plan_migration
from pgsluice.analysis.rules.registry import named
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import RefusedError
from pgsluice.model.finding import Findings
from pgsluice.model.postgres.versions import ServerVersion

NOTHING_KNOWN = Catalog(ServerVersion.of_major(18), known=False)
INDEX = "CREATE INDEX i ON t (a);"
NOT_NULL = "ALTER TABLE t ALTER b SET NOT NULL;"


def checked(text: str) -> Findings:
    return check([migration_of("1.sql", "1.sql", text)], NOTHING_KNOWN, PlanOptions())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"-- squawk-ignore require-concurrent-index-creation\n{INDEX}", []),
        (f"-- squawk-ignore prefer-robust-stmts, require-concurrent-index-creation -- it is small\n{INDEX}", []),
        (f"-- squawk-ignore\n{INDEX}", []),
        (f"/* squawk-ignore require-concurrent-index-creation */\n{INDEX}", []),
        (f"-- squawk-ignore prefer-robust-stmts\n{INDEX}", ["blocking-index-build"]),
        (f"{INDEX}\n-- squawk-ignore require-concurrent-index-creation\n{NOT_NULL}", ["blocking-index-build", "set-not-null-scan"]),
        ("ALTER TABLE t\n  -- squawk-ignore adding-not-null-field\n  ALTER b SET NOT NULL;", []),
        (f"{NOT_NULL}\n{INDEX}\n-- squawk-ignore-file require-concurrent-index-creation", ["set-not-null-scan"]),
        (f"{NOT_NULL}\n{INDEX}\n-- squawk-ignore-file", []),
        (f"-- eugene: ignore E6\n{INDEX}\n{NOT_NULL}", ["set-not-null-scan"]),
        (f"-- eugene: ignore E2, E4\n{NOT_NULL}", []),
        (f"-- eugene: ignore\n{NOT_NULL}", []),
        (f"-- eugene: ignored\n{NOT_NULL}", ["set-not-null-scan"]),
        (f"-- squawk-ignored\n{NOT_NULL}", ["set-not-null-scan"]),
    ],
)
def test_what_they_were_told_not_to_say_we_do_not_say(text: str, left: list[str]):
    found = checked(text)
    assert ([f.rule for f in found.found], found.notes) == (left, ())


def test_names_that_they_do_not_know_are_reported():
    found = checked(f"-- squawk-ignore require-concurrent-index\n-- eugene: ignore E6, E99\n{INDEX}\n{INDEX}")
    assert [f.place.line for f in found.found] == [4]
    assert len(found.notes) == 2 and "1.sql:1:1" in found.notes[0] and "'E99'" in found.notes[1]


def test_it_is_no_permission_to_run():
    text = "-- squawk-ignore\nALTER TABLE t RENAME TO u;"
    assert checked(text).found == ()
    with pytest.raises(RefusedError):
        plan_migration(migration_of("1.sql", "1.sql", text), NOTHING_KNOWN, PlanOptions())


def test_they_stand_for_rules_that_are_there():
    assert [rule for table in TABLES.values() for rules in table.values() for rule in rules if named(rule) is None] == []
