"""The rules, for people and for programs."""

import json
from collections.abc import Sequence

from pgsluice.model.finding import RulePage
from pgsluice.report.style import Style


def rules_text(pages: Sequence[RulePage], style: Style) -> str:
    """One line a rule, without the last newline."""
    wide = max((len(page.name) for page in pages), default=0)
    return "\n".join(
        f"{style(page.name.ljust(wide), 'bold')}  {page.severity:<7}  {page.category:<7}  {_off(page)}{page.summary}" for page in pages
    )


def _off(page: RulePage) -> str:
    return "(off) " if page.optional else ""


def rules_json(pages: Sequence[RulePage]) -> str:
    """The list as JSON text."""
    entries = [
        {"name": p.name, "severity": p.severity, "category": p.category, "summary": p.summary, "on_by_default": not p.optional}
        for p in pages
    ]
    return json.dumps({"schema_version": 1, "rules": entries}, indent=2, ensure_ascii=True)


def rule_text(page: RulePage, style: Style) -> str:
    """A rule's page, without the last newline."""
    off = ", off unless asked for with --enable" if page.optional else ""
    return f"{style(page.name, 'bold')}: {page.severity}, {page.category}{off}\n\n{page.page.strip()}"
