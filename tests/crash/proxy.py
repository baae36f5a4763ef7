"""A TCP proxy that understands enough of PostgreSQL's protocol to count what a program sends, and to strike at a point of it.

A unit is what asks for one answer: a Query, or everything from Parse to Sync. Units are counted by purpose, which is the
application_name without "pgsluice ", over all connections of that purpose.
Source: PostgreSQL documentation, "Frontend/Backend Protocol", message formats.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from psycopg import conninfo

PROTOCOL_3, CANCEL_REQUEST, SSL_REQUEST, GSS_REQUEST = 3, 80877102, 80877103, 80877104


class Harm(StrEnum):
    KILL_BEFORE = "killed before it was sent"
    KILL_AFTER = "killed after it was sent"
    TERMINATE = "backend terminated during it"
    WITHHOLD = "done, and the connection cut before the answer"


@dataclass(frozen=True, slots=True)
class Point:
    """The `number`-th unit (from 0) that is sent for a purpose; `sql` as it was sent."""

    purpose: str
    number: int
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Interference:
    """What happens at a point. `kill` ends the program, `terminate` the server process whose id it is given."""

    point: Point
    harm: Harm
    kill: Callable[[], None]
    terminate: Callable[[int], None]


@dataclass
class Proxy:
    """Listens on `port` of 127.0.0.1 until `close`, and notes in `sent` what passes. `interference` may be set later,
    but before the program connects; `struck` tells whether it happened."""

    server: tuple[str, int]
    interference: Interference | None = None
    sent: list[Point] = field(default_factory=list)
    struck: threading.Event = field(default_factory=threading.Event)
    _counts: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def reaching(self, dsn: str, password: str) -> str:
        """The connection string, by way of the proxy."""
        return conninfo.make_conninfo(dsn, host="127.0.0.1", port=self.port, password=password, sslmode="disable", gssencmode="disable")

    def note(self, purpose: str, sql: str) -> Point:
        """Counts one unit."""
        with self._lock:
            number = self._counts.get(purpose, 0)
            self._counts[purpose] = number + 1
            self.sent.append(Point(purpose, number, sql))
            return self.sent[-1]

    def harm_at(self, point: Point) -> Interference | None:
        """The interference, where it is for this point and has not happened yet."""
        wanted = self.interference
        if wanted is None or self.struck.is_set() or (point.purpose, point.number) != (wanted.point.purpose, wanted.point.number):
            return None
        self.struck.set()
        return wanted

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client, socket.create_connection(self.server) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Relay(self, client, server).run()


class Relay:
    """One client's connection."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._pid = 0
        self._withhold = threading.Event()

    def run(self) -> None:
        """Relays until one end closes, or the harm is done; both are closed then."""
        try:
            purpose = self._start()
            if purpose is not None:
                threading.Thread(target=self._answers, daemon=True).start()
                self._relay(purpose)
        finally:
            self._cut()

    def _relay(self, purpose: str) -> None:
        for unit, sql in self._units():
            if sql is None:
                self._server.sendall(unit)
            elif not self._pass(unit, self._proxy.note(purpose, sql)):
                return

    def _start(self) -> str | None:
        """The startup packet; None for a cancel request, which is passed on."""
        while True:
            body = _exactly(self._client, struct.unpack("!I", _exactly(self._client, 4))[0] - 4)
            (code,) = struct.unpack("!I", body[:4])
            if code in (SSL_REQUEST, GSS_REQUEST):
                self._client.sendall(b"N")
                continue
            self._server.sendall(struct.pack("!I", len(body) + 4) + body)
            if code >> 16 != PROTOCOL_3:
                self._client.sendall(self._server.recv(1))
                return None
            words = body[4:].split(b"\0")
            settings = dict(zip(words[::2], words[1::2], strict=False))
            return settings.get(b"application_name", b"").decode().removeprefix("pgsluice ")

    def _units(self) -> Iterator[tuple[bytes, str | None]]:
        """Whole units with their SQL; None for what is not counted (passwords, Terminate)."""
        gathered, sql = b"", ""
        while True:
            kind = _exactly(self._client, 1)
            length = _exactly(self._client, 4)
            body = _exactly(self._client, struct.unpack("!I", length)[0] - 4)
            message = kind + length + body
            if kind == b"Q":
                yield message, body.rstrip(b"\0").decode()
            elif kind in b"PBDECFH":
                gathered += message
                sql = body.split(b"\0")[1].decode() if kind == b"P" else sql
            elif kind == b"S":
                yield gathered + message, sql
                gathered, sql = b"", ""
            else:
                yield message, None

    def _pass(self, unit: bytes, point: Point) -> bool:
        """Sends the unit on, with the harm that is due; False where the connection ends here."""
        due = self._proxy.harm_at(point)
        harm = due.harm if due else None
        if due and harm is Harm.KILL_BEFORE:
            due.kill()
            return False
        if harm is Harm.WITHHOLD:
            self._withhold.set()
        self._server.sendall(unit)
        if due and harm is Harm.KILL_AFTER:
            due.kill()
            return False
        if due and harm is Harm.TERMINATE:
            due.terminate(self._pid)
        return True

    def _answers(self) -> None:
        """Server to client. An answer to be withheld is read to its end, then both connections are cut."""
        with suppress(OSError, EOFError):
            while True:
                head = _exactly(self._server, 5)
                body = _exactly(self._server, struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] == b"K":
                    self._pid = struct.unpack("!I", body[:4])[0]
                if not self._withhold.is_set():
                    self._client.sendall(head + body)
                elif head[:1] == b"Z":
                    break
        self._cut()

    def _cut(self) -> None:
        """Closing alone would not reach the other side while the other thread reads."""
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _exactly(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = source.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found
