"""News of the guard for other programs: each event as JSON to a web address, or on the standard input of a program.

In a thread of their own: the watch never waits for them, and a hook that fails is said once and hurts nobody.
"""

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any

HOOK_TIMEOUT_S, DRAIN_S = 10.0, 15.0
MOST_WAITING = 1000
"""Events beyond this are dropped: a hook that hangs must not fill the memory."""


class Hooks:
    """Sends what `put` takes to `webhook` (POST, application/json) and `program` (by the shell), in order. `say` is told of the first
    failure of each. Close it: what waits is sent, within DRAIN_S."""

    def __init__(self, webhook: str | None, program: str | None, say: Callable[[str], None]) -> None:
        self._webhook, self._program, self._say = webhook, program, say
        self._events: queue.Queue[Mapping[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._failed: set[str] = set()
        self._thread = threading.Thread(target=self._send_all, name="pgsluice-hooks", daemon=True)
        if webhook or program:
            self._thread.start()

    def put(self, event: Mapping[str, Any]) -> None:
        if self._thread.is_alive():
            try:
                self._events.put_nowait(event)
            except queue.Full:
                self._fail("the hooks", "too many events wait for them; some are dropped")

    def close(self) -> None:
        if self._thread.is_alive():
            self._events.put(None)
            self._thread.join(DRAIN_S)

    def _send_all(self) -> None:
        while (event := self._events.get()) is not None:
            body = json.dumps(event, ensure_ascii=False).encode()
            self._attempt("the webhook", _post, self._webhook, body)
            self._attempt("the hook program", _call, self._program, body)

    def _attempt(self, what: str, send: Callable[[str, bytes], None], to: str | None, body: bytes) -> None:
        try:
            if to:
                send(to, body)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._fail(what, str(error))

    def _fail(self, what: str, why: str) -> None:
        if what not in self._failed:
            self._failed.add(what)
            self._say(f"{what} failed: {why}")


def _post(address: str, body: bytes) -> None:
    import urllib.request

    if not address.startswith(("http://", "https://")):
        raise ValueError("give an http:// or https:// address")
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", "User-Agent": "pgsluice"})
    with urllib.request.urlopen(request, timeout=HOOK_TIMEOUT_S):
        pass


def _call(program: str, body: bytes) -> None:
    ran = subprocess.run(program, shell=True, input=body, capture_output=True, timeout=HOOK_TIMEOUT_S, check=False)
    if ran.returncode != 0:
        raise ValueError(f"exit code {ran.returncode}: {ran.stderr.decode(errors='replace').strip()[-200:]}")
