"""Findings as annotations of a GitHub workflow.

The commands and their escapes: toolkit/packages/core/src/command.ts of github.com/actions."""

from collections.abc import Sequence

from pgsluice.model.finding import Finding, Findings, RulePage, Severity
from pgsluice.report.findings import coverage, plain

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def findings_github(findings: Findings, pages: Sequence[RulePage] = ()) -> str:
    """One command a line, and a last line for the log."""
    commands = [_annotation(finding) for finding in findings.found]
    said = {(f.place.path, f.place.line) for f in findings.found if f.rule == "not-analysed"}
    rest = [e for e in findings.not_analysed if (e.place.path, e.place.line) not in said]
    commands += [_command("notice", e.place.path, e.place.line, e.place.column, "not analysed", e.reason) for e in rest]
    return "\n".join([*commands, coverage(findings)])


def _annotation(finding: Finding) -> str:
    place = finding.place
    return _command(_COMMANDS[finding.severity], place.path, place.line, place.column, finding.rule, plain(finding))


def _command(name: str, path: str, line: int, column: int, title: str, text: str) -> str:
    return f"::{name} file={_property(path)},line={line},col={column},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
