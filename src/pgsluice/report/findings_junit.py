"""Findings as a JUnit report, for whatever shows test results."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from pgsluice.model.finding import Finding, Findings, NotAnalysed, RulePage
from pgsluice.report.findings import coverage, plain

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def findings_junit(findings: Findings, pages: Sequence[RulePage] = ()) -> str:
    """A suite for each file with findings, a failed test for each finding, a skipped one for what was not analysed; and a test
    that passes and says how many statements were."""
    suites = [_suite(path, list(group)) for path, group in groupby(findings.found, key=lambda f: f.place.path)]
    skipped = [_case(_name(e), e.place.path, f"<skipped message={_attribute(e.reason)}/>") for e in findings.not_analysed]
    whole = [_case(coverage(findings), "pgsluice", ""), *skipped]
    suites.append(_element("pgsluice check", len(whole), 0, len(skipped), whole))
    head = f'<testsuites name="pgsluice check" tests="{len(findings.found) + len(whole)}" failures="{len(findings.found)}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>"])


def _suite(path: str, found: list[Finding]) -> str:
    return _element(path, len(found), len(found), 0, _failures(found))


def _element(name: str, tests: int, failures: int, skipped: int, cases: Sequence[str] | Iterator[str]) -> str:
    numbers = f'tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"'
    return "\n".join([f"<testsuite name={_attribute(name)} {numbers}>", *cases, "</testsuite>"])


def _failures(found: list[Finding]) -> Iterator[str]:
    for finding in found:
        text = f"{finding.place}\n{finding.statement}\n\n{plain(finding)}"
        failure = f"<failure type={_attribute(finding.severity)} message={_attribute(finding.message)}>{_text(text)}</failure>"
        yield _case(f"{finding.rule} in line {finding.place.line}", finding.place.path, failure)


def _name(entry: NotAnalysed) -> str:
    return f"not analysed: line {entry.place.line}"


def _case(name: str, path: str, inside: str) -> str:
    return f"<testcase name={_attribute(name)} classname={_attribute(path)} file={_attribute(path)}>{inside}</testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text))


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
