"""Findings in Markdown, for a comment on a pull request."""

import re
from collections.abc import Iterator, Sequence

from pgsluice.model.finding import Finding, Findings, RulePage
from pgsluice.report.findings import by_statement, coverage, script, tally, why


def findings_markdown(findings: Findings, pages: Sequence[RulePage] = ()) -> str:
    """The comment without its last newline."""
    blocks = ["### pgsluice check", f"{tally(findings)}; {coverage(findings)}."]
    for group in by_statement(findings):
        blocks += _statement(group)
    if findings.not_analysed:
        entries = (f"- {_code(f'{e.place.path}:{e.place.line}')}: {_plain(e.reason)}" for e in findings.not_analysed)
        blocks.append("\n".join(["Not analysed:", "", *entries]))
    blocks += [f"Note: {_plain(note)}" for note in findings.notes]
    return "\n\n".join(blocks)


def _statement(group: list[Finding]) -> Iterator[str]:
    place = group[0].place
    yield f"#### {_code(f'{place.path}:{place.line}')}"
    yield _fenced(group[0].statement)
    yield "\n".join(map(_line, group))
    rewrite = next((f.rewrite for f in group if f.rewrite), None)
    if rewrite is not None:
        yield f"<details><summary>The safe way</summary>\n\n{_fenced(script(rewrite))}\n\n</details>"


def _line(finding: Finding) -> str:
    said = [f"- **{finding.severity}** {_code(finding.rule)}: {_plain(finding.message)}"]
    said += [_plain(why(finding))] if why(finding) else []
    said += [f"_{_plain(finding.no_rewrite_reason)}_"] if finding.rewrite is None and finding.no_rewrite_reason else []
    return "  \n  ".join(said)


def _plain(text: str) -> str:
    """Text in which nothing is taken for markup or for somebody's name."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return f"``{text}``" if "`" in text else f"`{text}`"


def _fenced(sql: str) -> str:
    longest = max((len(run) for run in re.findall("`+", sql)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sql\n{sql}\n{fence}"
