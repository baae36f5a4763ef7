"""Findings for programs. The shape is one that they may rely on."""

import json
from collections.abc import Sequence
from typing import Any

from pgsluice.model.finding import Finding, Findings, RulePage

SCHEMA_VERSION = 1
"""Grows when a program that reads the former shape would misread the new one."""


def findings_json(findings: Findings, pages: Sequence[RulePage] = ()) -> str:
    """The report as JSON text."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "files": findings.files,
        "statements": findings.statements,
        "findings": [_finding(f) for f in findings.found],
        "not_analysed": [{"path": e.place.path, "line": e.place.line, "reason": e.reason} for e in findings.not_analysed],
        "notes": list(findings.notes),
    }
    return json.dumps(report, indent=2, ensure_ascii=True)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "category": finding.category,
        "path": finding.place.path,
        "line": finding.place.line,
        "column": finding.place.column,
        "message": finding.message,
        "statement": finding.statement,
        "locks": [{"relation": lock.relation, "mode": lock.mode} for lock in finding.locks],
        "scans": list(finding.scans),
        "rewrites_table": finding.rewrites_table,
        "rewrite": None if finding.rewrite is None else list(finding.rewrite),
        "no_rewrite_reason": finding.no_rewrite_reason,
    }
