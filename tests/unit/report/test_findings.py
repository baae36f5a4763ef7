"""Every format of findings: its structure, and that nothing in a file can break it."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from pgsluice.model.errors import Place
from pgsluice.model.finding import Category, Finding, Findings, NotAnalysed, RulePage, Severity
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock
from pgsluice.report.findings_github import findings_github
from pgsluice.report.findings_gitlab import findings_gitlab
from pgsluice.report.findings_json import findings_json
from pgsluice.report.findings_junit import findings_junit
from pgsluice.report.findings_markdown import findings_markdown
from pgsluice.report.findings_sarif import findings_sarif
from pgsluice.report.findings_text import findings_text
from pgsluice.report.style import Style

NASTY = 'a "b" <c> & 100%, ]]> ```` \x00\x1b[31m \r\n\ud800 é'

REWRITTEN = Finding(
    "set-not-null-scan",
    Severity.ERROR,
    Category.OUTAGE,
    Place("m/1,2: a.sql", 3, 5),
    "nobody can read 100% of it\nfor long",
    "ALTER TABLE t\n  ALTER a SET NOT NULL",
    (Lock("public.t", LockMode.ACCESS_EXCLUSIVE),),
    ("public.t",),
    rewrite=("ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT c;"),
)
BARE = Finding("drop-column", Severity.WARNING, Category.RELEASE, Place("b.sql", 1), NASTY, NASTY, no_rewrite_reason="it stays")
PAGE = RulePage("set-not-null-scan", Severity.ERROR, Category.OUTAGE, "A scan.", "A scan.\n\n## What it does")
FINDINGS = Findings(2, 7, (REWRITTEN, BARE), (NotAnalysed(Place("b.sql", 9), f"dynamic {NASTY}"),), ("a note",), analysed=6)
NONE = Findings(1, 1, (), analysed=1)
ALL = [findings_github, findings_gitlab, findings_json, findings_junit, findings_markdown, findings_sarif, findings_text]
COUNTING = [findings_github, findings_junit, findings_markdown, findings_text]


@pytest.mark.parametrize("render", COUNTING)
def test_it_is_always_said_how_much_was_analysed(render):
    assert "6 of 7 statements analysed" in render(FINDINGS)
    assert "1 of 1 statements analysed" in render(NONE)


@pytest.mark.parametrize("render", ALL)
def test_every_finding_is_in_every_format(render):
    text = render(FINDINGS)
    assert "set-not-null-scan" in text and "drop-column" in text


def test_text_shows_the_source_the_reason_and_the_safe_way():
    assert findings_text(Findings(1, 1, (REWRITTEN,), analysed=1)).splitlines() == [
        "m/1,2: a.sql:3:5",
        "      3 | ALTER TABLE t",
        "      4 |   ALTER a SET NOT NULL",
        "  error: set-not-null-scan (outage)",
        "    what: nobody can read 100% of it",
        "for long",
        "    why:  ACCESS EXCLUSIVE on public.t (blocks reads and writes); reads all of public.t",
        "  safe way:",
        "      ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID;",
        "      ALTER TABLE t VALIDATE CONSTRAINT c;",
        "",
        "1 finding (1 error) in 1 file",
        "1 of 1 statements analysed",
    ]


def test_text_lets_no_file_move_the_cursor():
    assert "\x1b" not in findings_text(Findings(1, 1, (BARE,)))
    assert "\x1b[" in findings_text(Findings(1, 1, (REWRITTEN,)), style=Style(True))


def test_json_has_the_promised_shape():
    report = json.loads(findings_json(FINDINGS))
    assert {k: v for k, v in report.items() if k not in ("findings", "not_analysed", "notes")} == {
        "schema_version": 1,
        "files": 2,
        "statements": 7,
    }
    assert report["findings"][0] == {
        "rule": "set-not-null-scan",
        "severity": "error",
        "category": "outage",
        "path": "m/1,2: a.sql",
        "line": 3,
        "column": 5,
        "message": REWRITTEN.message,
        "statement": REWRITTEN.statement,
        "locks": [{"relation": "public.t", "mode": "ACCESS EXCLUSIVE"}],
        "scans": ["public.t"],
        "rewrites_table": False,
        "rewrite": list(REWRITTEN.rewrite or ()),
        "no_rewrite_reason": None,
    }
    assert report["findings"][1]["rewrite"] is None and report["findings"][1]["no_rewrite_reason"] == "it stays"
    assert [set(entry) for entry in report["not_analysed"]] == [{"path", "line", "reason"}]


def test_github_annotations_are_escaped():
    first, second, third, _ = findings_github(FINDINGS).split("\n")
    assert first.startswith(
        "::error file=m/1%2C2%3A a.sql,line=3,col=5,title=set-not-null-scan::nobody can read 100%25 of it%0Afor long%0A"
    )
    assert second.startswith("::warning file=b.sql,line=1,col=1,title=drop-column::") and "100%25" in second and "%0D%0A" in second
    assert third.startswith("::notice file=b.sql,line=9,col=1,title=not analysed::dynamic")


def test_gitlab_tells_like_findings_apart():
    report = json.loads(findings_gitlab(Findings(1, 2, (REWRITTEN, REWRITTEN))))
    assert len({entry["fingerprint"] for entry in report}) == 2
    assert [set(entry) for entry in report] == [{"description", "check_name", "fingerprint", "severity", "location"}] * 2
    assert report[0]["location"] == {"path": "m/1,2: a.sql", "lines": {"begin": 3}}


def test_sarif_has_the_structure_of_2_1_0():
    log = json.loads(findings_sarif(FINDINGS, [PAGE]))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    assert run["tool"]["driver"]["name"] == "pgsluice"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["set-not-null-scan"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("set-not-null-scan", 0, "error")
    assert second["level"] == "warning" and "ruleIndex" not in second
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "m/1%2C2%3A%20a.sql"}, "region": {"startLine": 3, "startColumn": 5}}
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["level"] == "note" and notification["message"]["text"].startswith("not analysed: dynamic")


def test_junit_is_xml_whatever_the_file_holds():
    root = ElementTree.fromstring(findings_junit(FINDINGS).encode())
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "4", "2")
    assert [(suite.get("name"), suite.get("failures")) for suite in root] == [
        ("m/1,2: a.sql", "1"),
        ("b.sql", "1"),
        ("pgsluice check", "0"),
    ]
    assert [failure.get("type") for failure in root.iter("failure")] == ["error", "warning"]
    assert len(list(root.iter("skipped"))) == 1
    assert sum(1 for _ in root.iter("testcase")) == 4


def test_markdown_fences_hold_what_they_hold():
    text = findings_markdown(FINDINGS)
    assert "`````sql\n" in text
    assert "<details><summary>The safe way</summary>" in text
    assert "\\<c\\>" in text and "- **warning** `drop-column`" in text


def test_severities_are_ordered():
    assert FINDINGS.at_least(Severity.ERROR)
    assert not Findings(1, 1, (BARE,)).at_least(Severity.ERROR)
    assert Findings(1, 1, (BARE,)).at_least(Severity.WARNING)
    assert not NONE.at_least(Severity.INFO)
