"""Looking again and again at something while something else happens."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from pgsluice.execution.db.errors import DatabaseError

_Sample = TypeVar("_Sample")


class Sampling(Generic[_Sample]):
    """Entered, it calls `take` every `every_s` seconds in a thread of its own, and once more when it is left. `taken` are the
    answers with their times on the monotonic clock; a look that the server refuses is left out."""

    def __init__(self, take: Callable[[], _Sample], every_s: float) -> None:
        self._take, self._every_s = take, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.taken: list[tuple[float, _Sample]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        stopped = False
        while not stopped:
            stopped = self._stop.wait(self._every_s)
            try:
                found = self._take()
            except DatabaseError:
                continue
            self.taken.append((time.monotonic(), found))
