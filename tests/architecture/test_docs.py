"""The pages that are made from the code are what the code says, and links between pages lead somewhere."""

import re

from gen_docs import outdated
from tests.architecture.sources import ROOT, relative

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_made_pages_are_up_to_date():
    assert outdated() == [], "make docs"


def test_links_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{relative(page)}: {link}"
        for page in pages
        for link in _LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert dead == []
