"""Findings as a GitLab code quality report (docs.gitlab.com, "Code Quality report format")."""

import json
from collections.abc import Sequence

from pgsluice.model.finding import Findings, RulePage, Severity
from pgsluice.report.findings import plain
from pgsluice.report.fingerprints import fingerprints

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def findings_gitlab(findings: Findings, pages: Sequence[RulePage] = ()) -> str:
    """The report as JSON text; GitLab shows what is new in a merge request by the fingerprints."""
    report = [
        {
            "description": plain(finding),
            "check_name": finding.rule,
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[finding.severity],
            "location": {"path": finding.place.path.removeprefix("./"), "lines": {"begin": finding.place.line}},
        }
        for finding, fingerprint in zip(findings.found, fingerprints(findings.found), strict=True)
    ]
    return json.dumps(report, indent=2, ensure_ascii=True)
