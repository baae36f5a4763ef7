"""All signals together: which share of the pace is asked for, whether any batch may begin, and why."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.signal import Reading, Signal, UnreadableError
from pgsluice.model.errors import ConnectionFailedError

LOOK_S = 0.5
"""Between two rounds of looks; a stop holds within a second."""

LOST_S = 15.0
"""A signal that could be read and cannot any more stops the work after so long."""

GROW, HOLD, SHED = 0.4, 0.7, 1.0
"""Shares of a limit: below the first the pace grows again, up to the second it stays, up to the third it shrinks a little."""

RELEASE = 0.8
"""A stop ends where the share has fallen below: at the limit itself it would come and go."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The share of the pace that is asked for, and the reason why no batch may begin (None: it may), or why the pace is less."""

    ease: float = 1.0
    held: str | None = None
    slowed: str | None = None


class Throttle:
    """Looks in a thread of its own while the `with` block runs; `verdict` is what it said last.

    `connect` opens the session that it looks with, again where that is lost. What cannot be read from the start is off, and said
    through `say`. Entering looks once, so that nothing begins that should not. `lent`: the session is somebody else's, too."""

    def __init__(
        self,
        connect: Callable[[], Session],
        signals: Sequence[Signal],
        say: Callable[[str], None] = lambda text: None,
        *,
        lent: bool = False,
    ) -> None:
        self._connect, self._signals, self._say, self._lent = connect, list(signals), say, lent
        self._session: Session | None = None
        self._read_at: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._lost: dict[str, str] = {}
        self._ease = 1.0
        self._verdict = Verdict()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="pgsluice throttle", daemon=True)

    def __enter__(self) -> "Throttle":
        self._session = self._connect()
        for signal in list(self._signals):
            try:
                signal.read(self._session)
                self._read_at[signal.name] = time.monotonic()
            except UnreadableError as error:
                self._signals.remove(signal)
                self._say(f"not watched: {signal.name}: {error}")
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._session is not None and not self._lent:
            with suppress(DatabaseError):
                self._session.close()

    @property
    def verdict(self) -> Verdict:
        return self._verdict

    def _keep(self) -> None:
        while not self._end.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        readings = {signal.name: self._reading(signal) for signal in self._signals}
        stops = [s.name for s in self._signals if s.stops and self._stops(s.name, readings[s.name])]
        slows = [readings[s.name] for s in self._signals if not s.stops]
        worst = max(slows, key=lambda r: r.share, default=Reading(0.0, ""))
        self._ease = _eased(self._ease, worst.share)
        held = "; ".join((*(readings[name].says for name in stops), *self._lost.values())) or None
        self._verdict = Verdict(self._ease, held, worst.says if self._ease < 0.9 else None)

    def _stops(self, name: str, reading: Reading) -> bool:
        """With memory of what it said before."""
        stops = reading.share >= (RELEASE if name in self._stopped else 1.0)
        (self._stopped.add if stops else self._stopped.discard)(name)
        return stops

    def _reading(self, signal: Signal) -> Reading:
        """While it cannot be read the last word holds: what stopped goes on stopping."""
        try:
            found = signal.read(self._opened())
        except (UnreadableError, DatabaseError, ConnectionFailedError) as error:
            if time.monotonic() - self._read_at[signal.name] > LOST_S:
                why = message_of(error) if isinstance(error, DatabaseError) else str(error)
                self._lost[signal.name] = f"{signal.name} cannot be read any more: {why}"
            return Reading(1.0, f"{signal.name} cannot be read") if signal.name in self._stopped else Reading(0.0, "")
        self._lost.pop(signal.name, None)
        self._read_at[signal.name] = time.monotonic()
        return found

    def _opened(self) -> Session:
        if self._session is None or self._session.closed:
            self._session = self._connect()
        return self._session


def _eased(ease: float, share: float) -> float:
    if share >= SHED:
        return max(1 / 32, ease / 2)
    if share >= HOLD:
        return max(1 / 32, ease * 0.9)
    return ease if share >= GROW else min(1.0, ease * 1.5)
