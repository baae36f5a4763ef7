"""The open loop: requests start when they are due, whatever became of the ones before them.

One thread waits in select() for answers and for the next due request; at 2,000 requests a second it must not take
more than a small part of a core, which the server under test needs.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from select import select

from pgsluice.model.errors import PgsluiceError
from pgsluice.model.measurement import NO_CONNECTION, UNFINISHED
from pgsluice.rehearsal.latency.recording import Recorder
from pgsluice.rehearsal.load.connection import PooledConnection
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.draws import Draws

ACQUIRE_TIMEOUT_S = 1.0
"""A request that got no connection for so long has failed. Pools of applications are set to 0.5 to 30 s: HTTP requests
seldom wait for longer than a second or two for their database."""
GRID_S = 0.001
"""Requests are due on a grid of this width: at 2,000 a second two share one wake-up, and wake-ups are most of what the
loop costs (17 % of a core without the grid, 13 % with it; 2 cores, PostgreSQL 18)."""
DRAIN_S = 2.0
"""After the end running requests may still finish for so long; then they are cancelled."""


class OpenLoop:
    """Drives the requests of `load` until `stop` (a file descriptor) becomes readable."""

    def __init__(self, dsn: str, load: Load, recorder: Recorder) -> None:
        self._dsn, self._load, self._recorder = dsn, load, recorder
        self._draws = Draws(load.kinds, load.seed)
        self._idle = deque(PooledConnection(dsn, load.kinds) for _ in range(load.connections))
        self._busy: dict[int, PooledConnection] = {}
        self._queue: deque[tuple[float, int, Sequence[bytes]]] = deque()

    def run(self, stop: int) -> None:
        """Send requests until `stop` is readable, then let the running ones end or cancel them."""
        begin, number, rate = time.monotonic(), 0, self._load.rate
        due = begin
        while True:
            now = time.monotonic()
            while due <= now:
                self._queue.append((due, *self._draws.draw()))
                number += 1
                due = begin + int(number / rate / GRID_S) * GRID_S
            self._serve_queue(now)
            wake = min(due, self._queue[0][0] + ACQUIRE_TIMEOUT_S) if self._queue else due
            if stop in self._wait([stop, *self._busy], wake):
                break
        self._finish()

    def close(self) -> None:
        for connection in (*self._idle, *self._busy.values()):
            connection.close()

    def _serve_queue(self, now: float) -> None:
        """Requests get connections in the order in which they were due; the ones that waited too long fail."""
        queue, idle = self._queue, self._idle
        while queue and now - queue[0][0] >= ACQUIRE_TIMEOUT_S:
            due, kind, _ = queue.popleft()
            self._recorder.add(kind, due, now, NO_CONNECTION)
        while queue and idle:
            due, kind, values = queue.popleft()
            connection = idle.popleft()
            connection.send(kind, due, values)
            self._busy[connection.socket] = connection

    def _wait(self, sockets: Sequence[int], until: float) -> Sequence[int]:
        """Waits for answers, at the longest until `until`, and takes them down; returns what was readable."""
        readable, _, _ = select(sockets, (), (), max(0.0, until - time.monotonic()))
        for socket in readable:
            connection = self._busy.get(socket)
            if connection is not None and (outcome := connection.receive()) is not None:
                self._recorder.add(connection.kind, connection.start_s, time.monotonic(), outcome)
                del self._busy[socket]
                self._give_back(connection)
        return readable

    def _give_back(self, connection: PooledConnection) -> None:
        if not connection.lost:
            self._idle.append(connection)
            return
        connection.close()
        threading.Thread(target=self._replace, daemon=True).start()

    def _replace(self) -> None:
        """As a pool does, in the background: a new connection for a lost one."""
        while True:
            try:
                self._idle.append(PooledConnection(self._dsn, self._load.kinds))
                return
            except PgsluiceError:
                time.sleep(0.1)

    def _finish(self) -> None:
        self._drain(DRAIN_S)
        unfinished = list(self._busy.values())
        now = time.monotonic()
        for connection in unfinished:
            self._recorder.add(connection.kind, connection.start_s, now, UNFINISHED)
        for due, kind, _ in self._queue:
            self._recorder.add(kind, due, now, UNFINISHED)
        for connection in unfinished:
            connection.cancel()

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (self._busy or self._queue) and time.monotonic() < end:
            self._serve_queue(time.monotonic())
            self._wait(list(self._busy), min(end, time.monotonic() + 0.05))
