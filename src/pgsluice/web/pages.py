"""What the page's server answers: the page, its files, the looks as server-sent events, and orders that come with the token."""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pgsluice.model.errors import PgsluiceError
from pgsluice.model.snapshot import Backend, Snapshot
from pgsluice.report.activity_page import figures, page_data

KEPT = 600
"""Figures that a page which is opened later gets for its charts: ten minutes of a look a second."""

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "txt": "text/plain"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Nothing from elsewhere, nothing inline: a query's text can never become a script."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the page may do. `token` None: nothing. Each returns what to say, and raises PgsluiceError."""

    token: str | None
    cancel: Callable[[Backend], str]
    end: Callable[[Backend], str] | None
    steer: Callable[[str], str]


class Looks:
    """One look each `interval_s` at most, however many pages ask, and none where nobody asks."""

    def __init__(self, look: Callable[[], Snapshot], interval_s: float) -> None:
        self._look, self.interval_s = look, interval_s
        self._lock = asyncio.Lock()
        self._at = -1e9
        self._last: dict[str, Any] = {}
        self.history: deque[dict[str, Any]] = deque(maxlen=KEPT)

    async def latest(self) -> dict[str, Any]:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._at >= 0.9 * self.interval_s:
                snapshot = await run_in_threadpool(self._look)
                self._at, self._last = now, page_data(snapshot)
                if snapshot.problem is None:
                    self.history.append({"taken_at": snapshot.taken_at, **figures(snapshot)})
            return self._last


def application(look: Callable[[], Snapshot], orders: Orders, interval_s: float, hosts: frozenset[str] | None) -> Starlette:
    """`hosts` are the names by which the page may be asked for (None: any): another name would be a foreign page that had its own name
    point here."""
    looks = Looks(look, interval_s)

    async def events(request: Request) -> Response:
        return StreamingResponse(_stream(looks), media_type="text/event-stream")

    async def control(request: Request) -> Response:
        return await _control(request, orders)

    async def abilities(request: Request) -> Response:
        return JSONResponse({"control": orders.token is not None, "end": orders.end is not None, "interval_s": interval_s})

    routes = [
        Route("/", _file("page.html")),
        *(Route(f"/{name}", _file(name)) for name in ("page.js", "page.css", "uplot.js", "uplot.css", "uplot-LICENSE.txt")),
        Route("/events", events),
        Route("/abilities", abilities),
        Route("/control", control, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Careful, hosts=hosts)])


async def _stream(looks: Looks) -> AsyncIterator[str]:
    yield f"event: history\ndata: {json.dumps(list(looks.history))}\n\n"
    while True:
        yield f"data: {json.dumps(await looks.latest(), ensure_ascii=False)}\n\n"
        await asyncio.sleep(looks.interval_s)


async def _control(request: Request, orders: Orders) -> Response:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if orders.token is None or not hmac.compare_digest(given.encode(), orders.token.encode()):
        return JSONResponse({"said": "not permitted: this page only shows (--control, and the token)"}, 403)
    try:
        wanted = await request.json()
        backend = Backend(
            wanted.get("pid"), statement_began=wanted.get("statement_began"), transaction_began=wanted.get("transaction_began")
        )
        return JSONResponse({"said": await run_in_threadpool(_obey, wanted["order"], backend, orders)})
    except PgsluiceError as error:
        return JSONResponse({"said": error.what}, 409)
    except (ValueError, KeyError, AttributeError):
        return JSONResponse({"said": "this is no order"}, 400)


def _obey(order: str, backend: Backend, orders: Orders) -> str:
    if order in ("pause", "resume", "slower", "faster"):
        return orders.steer(order)
    if order == "end" and orders.end is None:
        return "ending sessions needs --allow-kill"
    act = {"cancel": orders.cancel, "end": orders.end}[order]
    if act is None or type(backend.pid) is not int:
        raise ValueError(order)
    return act(backend)


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = files("pgsluice.web").joinpath("files", name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=_TYPES[name.rsplit(".", 1)[1]])

    return answer


class _Careful:
    """Refuses foreign names of ours, and gives each answer the headers that keep the page to itself."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Request(scope).headers.get("host", "").rsplit(":", 1)[0].strip("[]")

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in _HEADERS.items())]
            await send(message)

        if self._hosts is not None and host not in self._hosts:
            await PlainTextResponse("ask for this page by the name that pgsluice printed\n", 421)(scope, receive, careful)
        else:
            await self._app(scope, receive, careful)
