"""Serving the page until Ctrl-C."""

import socket
from collections.abc import Callable

import uvicorn

from pgsluice.model.errors import UsageError
from pgsluice.model.snapshot import Snapshot
from pgsluice.web.pages import Orders, application

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def serve(look: Callable[[], Snapshot], orders: Orders, interval_s: float, address: str, say: Callable[[str], None]) -> None:
    """Serves at HOST:PORT; port 0 takes a free one. `say` is told the page's address, with the token where there is one. Raises
    UsageError `bad-address`."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        listening = socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, ValueError, OverflowError) as error:
        next = "give HOST:PORT, such as 127.0.0.1:8410"
        raise UsageError("bad-address", f"cannot listen on {address!r}: {error}", next=next) from None
    hosts = None if host in ("0.0.0.0", "::") else _LOOPBACK | {host}
    named = f"[{host}]" if ":" in host else host
    say(f"http://{named}:{listening.getsockname()[1]}/{f'#token={orders.token}' if orders.token else ''}")
    app = application(look, orders, interval_s, hosts)
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1, server_header=False)
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
