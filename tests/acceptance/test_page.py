"""The page of `pgsluice watch --web` in a real browser: it loads, updates, draws, asks nobody else, and obeys only with the token."""

import json
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.server.monitor.looking import READ, ddl_with_readers_behind
from tests.support.command import COMMAND, environment
from tests.support.scenes import columns, holding, make_shop, until

pytestmark = pytest.mark.newest("the page is the same whatever the server")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "<img src=x onerror=alert(1)>"

pytest.importorskip("starlette")


@contextmanager
def served(dsn: str, *options: str) -> Iterator[str]:
    """The address of the page while the block runs."""
    command = [*COMMAND, "watch", "--web", "--listen", "127.0.0.1:0", "--interval", "200ms", "--database", dsn, *options]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 0


def comes(page, expression: str) -> None:
    """Returns when it holds in the page. Playwright's own waiting needs eval, which the page forbids."""
    until(lambda: page.evaluate(expression) or page.wait_for_timeout(100), limit_s=60)


@contextmanager
def opened(address: str, **context) -> Iterator:
    """The page in a browser; afterwards it has asked no other host and has had no error."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(30_000)
        asked, said = set(), []
        page.on("request", lambda request: asked.add(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        comes(page, "Number(document.documentElement.dataset.looks) > 1")
        yield page
        browser.close()
    own = address.split("#")[0]
    assert [url for url in asked if not url.startswith((own, "data:"))] == [] and said == []


def test_the_jam_is_shown_and_goes(owner_dsn: str):
    make_shop(owner_dsn)
    with served(owner_dsn) as address, holding(owner_dsn, READ, HOSTILE), opened(address) as page:
        assert "nobody waits" in page.inner_text("#locks") and not page.is_visible("#orders")
        with ddl_with_readers_behind(owner_dsn, 8):
            comes(page, "document.getElementById('locks').textContent.includes('8 sessions wait for ACCESS SHARE')")
            text = page.inner_text("#locks")
            assert HOSTILE in text and "└─ pid" in text and "ALTER TABLE: waits" in text
            assert "8 sessions wait behind it" in page.inner_text("#alarms") and page.query_selector("#locks img") is None
            assert page.query_selector("#locks button") is None
        comes(page, "document.getElementById('locks').textContent.includes('nobody waits')")
        drawn = (
            "[...document.querySelectorAll('canvas')].map(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x))"
        )
        assert page.evaluate(drawn) == [True] * 4


def test_on_a_phone_and_in_the_dark(owner_dsn: str):
    make_shop(owner_dsn)
    with served(owner_dsn) as address, opened(address, viewport={"width": 360, "height": 700}, color_scheme="dark") as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing makes the whole page scroll sideways"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"


def test_with_the_token_a_statement_is_cancelled_by_keyboard(owner_dsn: str):
    make_shop(owner_dsn)
    with served(owner_dsn, "--control") as address, holding(owner_dsn, READ, "report"), opened(address) as page:
        with ddl_with_readers_behind(owner_dsn, 3) as deploy:
            button = f"button[aria-label='cancel pid {deploy}']"
            page.wait_for_selector(button)
            page.focus(button)
            page.keyboard.press("Enter")
            page.keyboard.type("yes")
            page.keyboard.press("Enter")
            comes(page, "document.getElementById('said').textContent === 'cancelled'")
            comes(page, "document.getElementById('locks').textContent.includes('nobody waits')")
        assert columns(owner_dsn) == ["id", "v"]


def order(address: str, **headers: str) -> tuple[int, str]:
    body = json.dumps({"order": "pause"}).encode()
    request = urllib.request.Request(address + "control", body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_control_is_refused_without_the_token(owner_dsn: str):
    with served(owner_dsn) as address:
        assert order(address)[0] == 403 == order(address, Authorization="Bearer ")[0] == order(address, Authorization="Bearer None")[0]
        assert order(address, Host="evil.example:80")[0] == 421
    with served(owner_dsn, "--control") as address:
        own, token = address.split("#token=")
        assert re.fullmatch(r"[\w-]{20,}", token)
        assert order(own)[0] == 403 == order(own, Authorization=f"Bearer {token}x")[0]
        code, said = order(own, Authorization=f"Bearer {token}")
        assert code == 409 and "no backfill" in said
        with urllib.request.urlopen(own + "uplot-LICENSE.txt", timeout=20) as answer:
            assert b"MIT" in answer.read() and "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_two_pages_cost_one_look(owner_dsn: str):
    """And none is left behind by a page that goes away."""
    with served(owner_dsn) as address:
        streams = [urllib.request.urlopen(address + "events", timeout=20) for _ in range(2)]
        for stream in streams:
            assert stream.readline() == b"event: history\n"
            stream.close()
        until(lambda: order(address)[0] == 403)
