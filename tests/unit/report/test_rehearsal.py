import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from pgsluice.model.measurement import Measurement, TimelineSlice
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.rehearsal import Felt, Limits, Rehearsal, RehearsedPart, RehearsedSide, Waiters
from pgsluice.model.steps import Lock
from pgsluice.report.rehearsal_html import rehearsal_html
from pgsluice.report.rehearsal_json import rehearsal_to_json
from pgsluice.report.rehearsal_text import MOST_NOTES, rehearsal_markdown, rehearsal_text, summary

LIMITS = Limits(0.1)


def felt(max_ms: float, failed: int = 0) -> Measurement:
    timeline = (TimelineSlice(0.0, 40, 0, 0.3, 1.2), TimelineSlice(0.1, 40, failed, 0.4, max_ms))
    return Measurement(80, failed, {"55P03": failed} if failed else {}, 0.3, 0.9, 2.0, max_ms, 0, 0, 0, 0.0, 0.2, timeline)


LOCKS = (Lock("public.t", LockMode.ACCESS_EXCLUSIVE), Lock("public.u", LockMode.ROW_SHARE))
NAIVE = RehearsedSide(
    felt(3100.0, 5),
    3.4,
    parts=(RehearsedPart("002", "ALTER TABLE t ADD <c> int", 0.0, 0.15, Felt(60, 5, 3100.0, 9), locks=LOCKS),),
    by_request={"read public.t": Felt(80, 5, 3100.0, 9)},
    waiters=(Waiters(0.05, 20), Waiters(0.15, 0)),
    wal_bytes=2_500_000,
)
PLAN = RehearsedSide(
    felt(40.0),
    6.1,
    parts=(
        RehearsedPart("002", "ALTER TABLE t ADD c int", 0.0, 0.05, Felt(20, 0, 12.0, 0), "strike", LOCKS),
        RehearsedPart("002", "UPDATE t SET c = 1", 0.1, 2.1, Felt(60, 0, 40.0, 0), "backfill", rows=10_000, live_rows=3_000_000),
    ),
    by_request={"read public.t": Felt(80, 0, 40.0, 0)},
)


def rehearsed(**changes: Any) -> Rehearsal:
    made = Rehearsal(
        server_version="18.6",
        migrations=("002_<b>",),
        rows={"public.t": 10_000},
        rate=400.0,
        connections=20,
        requests=("read public.t",),
        baseline=felt(12.0),
        naive=NAIVE,
        plan=PLAN,
        same_end=True,
    )
    return replace(made, **changes)


SLOW, STOPPED = RehearsedSide(felt(180.0), 6.1), RehearsedSide(felt(20.0), 1.0, error="refused")


@pytest.mark.parametrize(
    ("changes", "passes", "said"),
    [
        ({}, True, "PASSED: that is 28 ms above the quiet baseline; 100 ms is the limit."),
        ({"plan": SLOW}, False, "NOT PASSED: that is 168 ms above the quiet baseline, and 100 ms is the limit."),
        ({"plan": replace(PLAN, felt=felt(180.0), beside=Felt(9, 0, 180.0, 1))}, False, "No step ran then: the machine was busy"),
        ({"baseline": felt(130.0)}, True, "Without any migration a request waited for 130 ms already"),
        ({"plan": STOPPED}, False, "NOT PASSED: pgsluice did not reach the end: refused"),
        ({"same_end": False}, False, "NOT PASSED: the two ways did not leave the same schema."),
        ({"same_end": None}, True, "was not compared"),
        ({"naive": RehearsedSide(felt(15.0), 0.1, error="no such column")}, True, "Plain SQL failed: no such column"),
        ({"plan": RehearsedSide(felt(20.0), 9.0, killed=3)}, True, "although it was killed 3 times"),
        ({"plan": RehearsedSide(replace(felt(20.0, 7), errors={"42703": 7}), 9.0)}, True, "7 of the failed requests ask"),
        ({"plan": RehearsedSide(felt(20.0, 2), 9.0)}, False, "NOT PASSED: 2 requests failed that would not have, and 0 may."),
        ({"plan": RehearsedSide(felt(20.0, 2), 9.0), "baseline": felt(12.0, 1)}, True, "PASSED"),
        ({"unexercised": ("public.u",)}, False, "NOT EXERCISED: the plan locks public.u"),
    ],
)
def test_the_verdict(changes: dict[str, object], passes: bool, said: str):
    rehearsal = rehearsed(**changes)
    assert rehearsal.passes(LIMITS) is passes
    for text in (rehearsal_text(rehearsal, LIMITS), rehearsal_markdown(rehearsal, LIMITS)):
        assert said in text
    assert rehearsal_to_json(rehearsal, LIMITS)["passed"] is passes
    badge = "passed" if passes else "not-exercised" if rehearsal.unexercised else "not-passed"
    assert f'class="badge {badge}"' in rehearsal_html(rehearsal, LIMITS)


def test_parts_say_what_was_locked_felt_and_would_take():
    text, markdown, page = (show(rehearsed(), LIMITS) for show in (rehearsal_text, rehearsal_markdown, rehearsal_html))
    for shown in (text, markdown):
        assert "Felt most with plain SQL: 3.1 s during ALTER TABLE t ADD <c> int (locks against the application: ACCESS EXCLUSIVE" in shown
        assert "about 10 min 0 s: UPDATE t SET c = 1 (2.0 s for 10,000 rows here, 3,000,000 there by its statistics)" in shown
        assert "With plain SQL: 2.5 MB of WAL" in shown
    assert "| 1 | 0.0 s | 50 ms | 12 ms | 0 | 0 | ACCESS EXCLUSIVE on public.t | strike: ALTER TABLE t ADD c int |" in markdown
    assert "ADD &lt;c&gt; int" in page and "<title>20 waiting" in page
    unknown = replace(PLAN, parts=(replace(PLAN.parts[1], live_rows=None),))
    assert "is not estimated: the sizes there are not known" in rehearsal_text(rehearsed(plan=unknown), LIMITS)
    found = rehearsal_to_json(rehearsed(), LIMITS)
    assert found["plan"]["parts"][1]["live_estimate_s"] == 600 and found["naive"]["parts"][0]["locks"][0]["mode"] == "ACCESS EXCLUSIVE"


def test_json_has_what_programs_rely_on():
    found = json.loads(json.dumps(rehearsal_to_json(rehearsed(), LIMITS)))
    assert found["schema_version"] == 1 and found["server_version"] == "18.6"
    keys = {"requests", "failed", "errors", "p50_ms", "p99_ms", "p999_ms", "max_ms", "over_20_ms", "over_100_ms", "over_500_ms"}
    for side in ("baseline", "naive", "plan"):
        assert keys | {"stalled_ms", "duration_s", "timeline"} <= set(found[side])
    assert found["naive"]["errors"] == {"55P03": 5}


def test_many_notes_are_cut_in_text_and_whole_on_the_page():
    rehearsal = rehearsed(notes=tuple(f"note {n}." for n in range(MOST_NOTES + 3)))
    text, page = rehearsal_text(rehearsal, LIMITS), rehearsal_html(rehearsal, LIMITS)
    assert "... and 3 more" in text and f"note {MOST_NOTES + 2}." not in text and f"note {MOST_NOTES + 2}." in page


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.bars: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "iframe") and not {"src", "href"} & {name for name, _ in attrs}
        if tag not in ("meta",):
            self.open.append(tag)
        if tag == "rect":
            self.bars.append(str(dict(attrs)["class"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_nothing_and_escapes():
    page = Page()
    text = rehearsal_html(rehearsed(), LIMITS)
    page.feed(text)
    assert page.open == [] and "002_&lt;b&gt;" in text and "<b>" not in text
    assert page.bars == ["good", "good", "band1", "good", "bad", "queue", "band1", "band0", "good", "good"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "waiting for longer than 40 ms. As plain SQL it kept one waiting for 3.1 s, and 5 requests failed.",
        ),
        ({"plan": SLOW}, "kept a request of the application waiting for 180 ms."),
        ({"plan": STOPPED}, "pgsluice did not get through this migration: refused"),
        ({"plan": RehearsedSide(felt(20.0, 2), 9.0)}, "made 2 requests of the application fail."),
        ({"same_end": False}, "left another schema"),
        (
            {"unexercised": ("public.u", "public.v")},
            "Nothing can be said: while pgsluice locked public.u and public.v, no request asked for it.",
        ),
    ],
)
def test_the_sentence_on_top(changes: dict[str, object], said: str):
    rehearsal = rehearsed(**changes)
    assert said in summary(rehearsal, LIMITS)
    assert said in rehearsal_html(rehearsal, LIMITS)
    assert said in rehearsal_markdown(rehearsal, LIMITS)
