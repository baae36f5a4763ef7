"""SIGTERM as an exception, so that what is being used is also put away."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM)

EXIT_CODE = 143
"""What a shell says of a program that SIGTERM ended: 128 + 15."""


@contextmanager
def sigterm_unwinds() -> Iterator[None]:
    """Inside, SIGTERM raises SystemExit(143) in the main thread. A handler that the program already has is left alone, and
    so is everything in other threads, where Python allows no handlers."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, _unwind)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _unwind(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(EXIT_CODE)


@contextmanager
def interrupts_restored() -> Iterator[None]:
    """Afterwards Ctrl-C and SIGTERM do what they did before."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


def ignore_interrupts() -> None:
    """From here on one more of them does not break off what cleans up, nor the programs that it starts."""
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
