"""The guard's figures for Prometheus, in its text format, at /metrics."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pgsluice.model.errors import UsageError
from pgsluice.model.guarding import Deed


class Figures:
    """What is counted. Set and read from several threads; each is one assignment."""

    def __init__(self) -> None:
        self.deeds = dict.fromkeys(Deed, 0)
        self.attempts = 1
        self.watching: Callable[[], tuple[bool, int, int, float]] = lambda: (False, 0, 0, 0.0)
        """Connected, looks so far, sessions that wait behind DDL now, the longest of those waits in seconds."""

    def text(self) -> str:
        connected, looks, waiting, longest = self.watching()
        metrics = (
            ("up", "gauge", "Whether the database can be watched", int(connected)),
            ("looks_total", "counter", "Looks at the queues of locks", looks),
            ("waiting_sessions", "gauge", "Sessions that wait for too long behind a DDL", waiting),
            ("longest_wait_seconds", "gauge", "The longest of those waits", longest),
            ("attempts_total", "counter", "Attempts of the command", self.attempts),
        )
        lines = [line for metric in metrics for line in _metric(*metric)]
        lines += _head("deeds_total", "counter", "What was done about DDL behind which sessions waited")
        lines += [f'pgsluice_guard_deeds_total{{deed="{deed.value.replace(" ", "_")}"}} {count}' for deed, count in self.deeds.items()]
        return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, help: str, value: float) -> list[str]:
    return [*_head(name, kind, help), f"pgsluice_guard_{name} {value:g}"]


def _head(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP pgsluice_guard_{name} {help}.", f"# TYPE pgsluice_guard_{name} {kind}"]


def serve(figures: Figures, address: str) -> ThreadingHTTPServer:
    """Serves them at HOST:PORT (`:PORT` is loopback) until `shutdown`; raises UsageError `bad-address`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.split("?")[0] == "/metrics"
            body = (figures.text() if found else "see /metrics\n").encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    host, _, port = address.rpartition(":")
    try:
        server = ThreadingHTTPServer((host.strip("[]") or "127.0.0.1", int(port)), Handler)
    except (OSError, ValueError, OverflowError) as error:
        raise UsageError("bad-address", f"cannot listen on {address!r}: {error}", next="give HOST:PORT, such as 127.0.0.1:9187") from None
    threading.Thread(target=server.serve_forever, name="pgsluice-metrics", daemon=True).start()
    return server
