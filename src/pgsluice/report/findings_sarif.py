"""Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), for code scanning."""

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from pgsluice import __version__
from pgsluice.model.errors import Place
from pgsluice.model.finding import Finding, Findings, RulePage, Severity
from pgsluice.report.findings import plain
from pgsluice.report.fingerprints import fingerprints

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def findings_sarif(findings: Findings, pages: Sequence[RulePage] = ()) -> str:
    """The report as JSON text; `pages` are the rules that it may name."""
    index = {page.name: number for number, page in enumerate(pages)}
    marks = fingerprints(findings.found)
    run = {
        "tool": {"driver": {"name": "pgsluice", "version": __version__, "rules": [_rule(page) for page in pages]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(findings)}],
        "results": [_result(f, index, mark) for f, mark in zip(findings.found, marks, strict=True)],
        "properties": {"statements": findings.statements, "statementsAnalysed": findings.analysed},
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True)


def _rule(page: RulePage) -> dict[str, Any]:
    return {
        "id": page.name,
        "shortDescription": {"text": page.summary},
        "help": {"text": page.page, "markdown": page.page},
        "defaultConfiguration": {"level": _LEVELS[page.severity], "enabled": not page.optional},
        "properties": {"tags": [page.category]},
    }


def _result(finding: Finding, index: dict[str, int], mark: str) -> dict[str, Any]:
    known = {"ruleIndex": index[finding.rule]} if finding.rule in index else {}
    return {
        "ruleId": finding.rule,
        **known,
        "level": _LEVELS[finding.severity],
        "message": {"text": plain(finding)},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"statement/v1": mark},
    }


def _notifications(findings: Findings) -> list[dict[str, Any]]:
    return [
        {"level": "note", "message": {"text": f"not analysed: {e.reason}"}, "locations": [_location(e.place)]}
        for e in findings.not_analysed
    ]


def _location(place: Place) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.path)}, "region": region}}


def _uri(path: str) -> str:
    pure = PurePath(path)
    return f"file://{quote(pure.as_posix(), errors='replace')}" if pure.is_absolute() else quote(pure.as_posix(), errors="replace")
