"""Rehearses bad examples of rules about locks and shows what the reports say of them, as docs/guide/rehearsals.md and pictures beside it.

    python tools/rehearsal_pages.py RULE...        (with chromium; half a minute each, on a machine that does nothing else)

Each is the first example of the rule's spec whose plain SQL goes through with made-up rows.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pgsluice.model.rehearsal import Limits, Rehearsal  # noqa: E402
from pgsluice.report.rehearsal_html import rehearsal_html  # noqa: E402
from pgsluice.report.rehearsal_text import rehearsal_table, verdict  # noqa: E402
from tests.rules.spec import Case  # noqa: E402
from tests.support.hazards import bad_examples, rehearsed  # noqa: E402

GUIDE = ROOT / "docs" / "guide"
CHROMIUM = "/usr/bin/chromium"
LIMITS = Limits(0.1)
WIDTH = 760
INTRODUCTION = """<!-- made by tools/rehearsal_pages.py on a server; run it again to make it anew -->

# Rehearsals of five hazards

What `pgsluice rehearse` says of bad examples from the specs of the rules: the SQL as its author wrote it, run as plain SQL and by plan, on
PostgreSQL {version}, on 2 cores that were also busy with other work. The pictures are the top of the reports (`--html`). Your figures will
be others: these tables are small, and what stalls the application in most of them is the lock request that waits behind a job of 2 to 5
seconds, not the work. [Rehearse a migration](rehearse.md) tells how.
"""


BY_HAND = "\n<!-- from here on by hand -->\n"
"""What comes behind it on the page stays as it is."""


def section(case: Case, found: Rehearsal) -> str:
    """What the report of one example says, in Markdown."""
    said = "\n".join(f"- {line}" for line in verdict(found, LIMITS))
    picture = f"![Waits over time: no migration, plain SQL, pgsluice](rehearsal-{case.rule}.png)"
    title = f"## [{case.rule}](../rules/{case.rule}.md)\n\n{case.title}; {sum(found.rows.values()):,} rows."
    change = f"```sql\n{case.change.strip()}\n```"
    return f"\n{title}\n\n{change}\n\n```\n{rehearsal_table(found)}\n```\n\n{said}\n\n{picture}\n"


def photograph(browser: Browser, page: Path, picture: Path) -> None:
    """The top of a report, through its last chart; raises AssertionError where the browser complains."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(page.as_uri())
    box = tab.locator("figure").last.bounding_box()
    assert box is not None and not said, said
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": box["y"] + box["height"] + 8}
    tab.screenshot(path=picture, full_page=True, clip=clip)  # type: ignore[arg-type]
    context.close()


def report_on(rule: str, browser: Browser, folder: Path) -> tuple[str, str]:
    """The section of a rule, and the server's version; its picture is written. The report stays in the folder."""
    for case in (case for case in bad_examples() if case.rule == rule):
        found = rehearsed(case, folder, lambda line: None)
        if found is not None:
            page = folder / f"{rule}.html"
            page.write_text(rehearsal_html(found, LIMITS))
            photograph(browser, page, GUIDE / f"rehearsal-{rule}.png")
            print(f"{rule}: {found.naive.felt.max_ms:.0f} ms plain, {found.plan.felt.max_ms:.0f} ms by plan; {page}", flush=True)
            return section(case, found), found.server_version
    raise SystemExit(f"{rule}: with made-up rows plain SQL fails in each of its examples")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rules", nargs="+", metavar="RULE")
    rules = parser.parse_args().rules
    folder = Path(tempfile.mkdtemp(prefix="rehearsals-"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = [report_on(rule, browser, folder) for rule in rules]
        browser.close()
    page = GUIDE / "rehearsals.md"
    _, mark, kept = page.read_text().partition(BY_HAND)
    page.write_text("".join((INTRODUCTION.replace("{version}", made[0][1]), *(text for text, _ in made), mark, kept)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
