"""The bad examples of the rules about locks, and their rehearsal."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pgsluice import api
from pgsluice.analysis.rules.registry import named
from pgsluice.model.errors import InputError
from pgsluice.model.finding import Category
from pgsluice.model.rehearsal import Rehearsal
from pgsluice.model.settings import Settings
from tests.rules.spec import Case, cases

ROWS = 20_000

STALL_MS = 500.0
"""A lock request behind the rehearsal's slow job waits for seconds, and everyone behind it."""


def bad_examples() -> Iterator[Case]:
    """For each rule about outages the cases in which nothing is refused and every table counts as large."""
    for case in cases():
        rule = named(case.rule)
        if rule is not None and rule.category is Category.OUTAGE and case.findings and not (case.refused or case.small):
            if case.rule in {name for _, name in case.findings} and 18 in case.majors:
                yield case


def rehearsed(case: Case, folder: Path, say: Callable[[str], None] = print) -> Rehearsal | None:
    """The rehearsal of a case; None where made-up rows do not allow it, or nobody can be asked."""
    (folder / "schema.sql").write_text(case.schema)
    (folder / f"{case.rule}.sql").write_text(case.change)
    settings = Settings(schema=str(folder / "schema.sql"), rows=ROWS, allow=("rename-*", "drop-*"))
    try:
        found = api.rehearse([folder / f"{case.rule}.sql"], settings, say)
    except InputError as error:
        assert error.code == "no-load", error
        return None
    return found if found.naive.error is None else None
