"""Findings for people: the source line, what happens, why, and the safe way."""

from collections.abc import Iterator, Sequence

from pgsluice.model.finding import Finding, Findings, RulePage, Severity
from pgsluice.report.findings import by_statement, coverage, script, tally, why
from pgsluice.report.style import Style
from pgsluice.report.texts import indented

SOURCE_LINES = 8
"""As much of a statement as is shown."""

_LINE_WIDTH = 200
_LOOKS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def findings_text(findings: Findings, pages: Sequence[RulePage] = (), style: Style | None = None) -> str:
    """The report without its last newline; its last line says how many statements were analysed."""
    paint = style or Style()
    lines = [line for group in by_statement(findings) for line in _statement(group, paint)]
    lines += [*_not_analysed(findings), *(f"note: {note}" for note in findings.notes)]
    return "\n".join([*lines, tally(findings), coverage(findings)])


def _statement(group: list[Finding], style: Style) -> Iterator[str]:
    yield style(_visible(str(group[0].place)), "bold")
    yield from _source(group[0], style)
    for finding in group:
        yield from _finding(finding, style)
    rewrite = next((f.rewrite for f in group if f.rewrite is not None), None)
    if rewrite is not None:
        yield f"  {style('safe way:', 'dim')}{'' if rewrite else ' nothing; it has no effect'}"
    if rewrite:
        yield indented(style(_visible(script(rewrite)), "green"), "      ")
    yield ""


def _source(finding: Finding, style: Style) -> Iterator[str]:
    lines = finding.statement.splitlines()
    for number, line in enumerate(lines[:SOURCE_LINES], finding.place.line):
        yield f"  {style(f'{number:>5} |', 'dim')} {_shown(line)}".rstrip()
    if len(lines) > SOURCE_LINES:
        yield f"  {style('      |', 'dim')} ... {len(lines) - SOURCE_LINES} more lines"


def _shown(line: str) -> str:
    """A line of a file in the length that a terminal has room for."""
    return _visible(line if len(line) <= _LINE_WIDTH else line[: _LINE_WIDTH - 3] + "...")


def _visible(text: str) -> str:
    """The text without what would move a terminal's cursor: files hold anything."""
    return "".join(c if c.isprintable() or c in "\t\n" else "\ufffd" for c in text)


def _finding(finding: Finding, style: Style) -> Iterator[str]:
    yield f"  {style(f'{finding.severity}: {finding.rule}', _LOOKS[finding.severity], 'bold')} ({finding.category})"
    yield f"    {style('what:', 'dim')} {_visible(finding.message)}"
    if reason := why(finding):
        yield f"    {style('why:', 'dim')}  {reason}"
    if finding.rewrite is None and finding.no_rewrite_reason:
        yield f"    {style('safe way:', 'dim')} {_visible(finding.no_rewrite_reason)}"


def _not_analysed(findings: Findings) -> Iterator[str]:
    """What was not analysed, where no finding says so already."""
    said = {(f.place.path, f.place.line, f.message.removeprefix("not analysed: ")) for f in findings.found}
    left = [e for e in findings.not_analysed if (e.place.path, e.place.line, e.reason) not in said]
    yield from (f"{entry.place}: not analysed: {_visible(entry.reason)}" for entry in left)
    if left:
        yield ""
