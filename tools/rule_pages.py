"""The pages of the rules: each one's documentation, and what `check` prints for the first example of its spec."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hazard_coverage import coverage_page
from pgsluice import api
from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.planner.checking import check
from pgsluice.analysis.planner.planning import PlanOptions
from pgsluice.model.catalog import Catalog
from pgsluice.model.finding import RulePage
from pgsluice.model.postgres.versions import NEWEST, ServerVersion
from pgsluice.report.findings_text import findings_text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the specs are read by the tests' own reader

from tests.rules.spec import Case, cases


def rule_pages(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each page's file and text, a table of all rules first."""
    pages = api.rules()
    rows = "\n".join(f"| [{p.name}]({p.name}.md) | {p.severity}{_off(p)} | {p.category} | {p.summary} |" for p in pages)
    head = (
        "What `pgsluice check` knows. The category says what is endangered: traffic, the running releases, data, standbys and\n"
        "subscribers. Rules that are *off* are looked for where `--enable` names them, a pattern, or their category. The list of\n"
        "hazards from which they come, with the reasons why some of it is no rule: [coverage](coverage.md)."
    )
    yield folder / "README.md", f"# Rules\n\n{head}\n\n| rule | severity | category | |\n| --- | --- | --- | --- |\n{rows}\n"
    yield folder / "coverage.md", coverage_page()
    examples = {case.rule: case for case in reversed(cases()) if _shows(case)}
    for page in pages:
        yield folder / f"{page.name}.md", _page(page, examples.get(page.name))


def _off(page: RulePage) -> str:
    return " (off)" if page.optional else ""


def _shows(case: Case) -> bool:
    return NEWEST in case.majors and not case.small and any(rule == case.rule for _, rule in case.findings)


def _page(page: RulePage, example: Case | None) -> str:
    off = _OFF.format(page.name) if page.optional else ""
    facts = f"{page.severity} · {page.category}{off} · allow it with `-- pgsluice: allow {page.name} because ...` above the statement"
    parts = [f"# {page.name}", facts, page.page.strip()]
    if example is not None:
        parts += ["## Example", _fenced("sql", _bare(example.change))]
        parts += [f"`pgsluice check`, for PostgreSQL {NEWEST}:", _fenced("", _output(example))]
    return "\n\n".join(parts) + "\n"


_OFF = " · off unless asked for with `--enable {}`"


def _bare(sql: str) -> str:
    """The change without the spec's marks."""
    return "\n".join(line.split("-- finding:")[0].rstrip() for line in sql.strip().splitlines())


def _output(example: Case) -> str:
    found = check(
        [migration_of("change.sql", "change.sql", _bare(example.change))], _before(example.schema), PlanOptions(asked=(example.rule,))
    )
    return findings_text(found)


def _before(schema: str) -> Catalog:
    """What the example's schema makes, as a database of which nothing else is known."""
    catalog = Catalog(ServerVersion.of_major(NEWEST), known=False)
    for statement in parse_file(schema, "schema.sql"):
        for action in actions(statement):
            catalog = after(action, catalog)
    return replace(catalog, tables={n: replace(t, made_by_run=False) for n, t in catalog.tables.items()})


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
