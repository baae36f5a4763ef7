"""Waiting for what comes sooner or later."""

import time
from collections.abc import Callable


def wait_until(there: Callable[[], object], otherwise: str = "it did not come", seconds: float = 60.0) -> None:
    """Returns once it is true; the test fails with `otherwise` where that takes longer."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
