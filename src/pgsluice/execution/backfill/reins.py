"""What the workers of one backfill obey: pace, pause, and what a throttle says."""

import threading
import time
from collections.abc import Callable

from pgsluice.execution.backfill.pace import FillLimits

LOOK_S = 0.1
"""Between two looks of a worker that holds or rests; a stop holds within a second."""

SLOWEST = 1 / 32
"""Of the pace: what only slows work down never ends it."""


class Reins:
    """Shared between threads. `limits` may be changed at any time, as may `held` (the reason why no batch may begin) and `ease`
    (the share of the pace that is asked for, above 0 to 1). `stop` ends all workers."""

    def __init__(self, limits: FillLimits, checkpoint: Callable[[], None] = lambda: None) -> None:
        self.limits, self.ease = limits, 1.0
        self.held: str | None = None
        self.held_s = 0.0
        self._waits: dict[int, str] = {}
        self._checkpoint = checkpoint
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def before_batch(self) -> None:
        """Returns when a batch may begin; raises what stops the backfill. Nothing is held meanwhile."""
        self._look()
        began = time.monotonic()
        while self.held is not None:
            time.sleep(LOOK_S)
            self._look()
        if (waited := time.monotonic() - began) > LOOK_S:
            with self._lock:
                self.held_s += waited

    def rest(self, seconds: float) -> None:
        """After a batch of so many seconds."""
        self._sleep(seconds * (self.limits.rest + 1 / max(self.ease, SLOWEST) - 1))

    def wait(self, seconds: float, why: str) -> None:
        """For what only time brings."""
        if seconds > 0:
            self._waits[threading.get_ident()] = why
            self._sleep(seconds)
            del self._waits[threading.get_ident()]

    @property
    def waiting(self) -> str | None:
        """What a worker waits for of its own accord, while one does."""
        return next(iter(tuple(self._waits.values())), None)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_S))
            if self._failure is not None or self.held is not None:
                return

    def stop(self, failure: BaseException) -> None:
        """Every worker ends before its next batch; the first failure is the one that counts."""
        with self._lock:
            self._failure = self._failure or failure

    @property
    def failure(self) -> BaseException | None:
        return self._failure

    def _look(self) -> None:
        if self._failure is not None:
            raise self._failure
        with self._lock:  # what it does is of one thread at a time
            self._checkpoint()
