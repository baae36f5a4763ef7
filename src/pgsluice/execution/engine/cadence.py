"""When to strike, and for how long: a function of what was seen. Keeps time, does nothing."""

import random
from collections.abc import Sequence

from pgsluice.execution.engine.attempt import LOCK_SHARE
from pgsluice.model.activity import Blocker

QUIET_S = 0.020
"""A transaction younger than this is taken for a short one, which ends by itself within the strike's first lock_timeout."""

FIRST_LOCK_MS = 20
"""With 20 ms the longest wait of an application query was the one of a table without any migration (20 to 30 ms)."""

BLIND_AFTER_LONG_S, BLIND_AFTER_SHORT_S = 10.0, 1.0
"""No gap was seen for so long: strike all the same. Long transactions are given the time in which a reader of 2 to 5 s
ends, and are not struck at for longer: 80 ms instead of 20 against transactions of seconds is worth no wait of the application.
Where all are shorter than the budget, a longer strike outlasts them."""

BLIND_PAUSES_S = (1.0, 2.0, 5.0, 10.0)
HOPELESS = 3
"""So many long transactions that overlap: the odds of a strike of 0.4 s were 0.6 %. Only looking goes on."""

GAP_PAUSE_S, GAP_PAUSE_GROWTH, LONGEST_GAP_PAUSE_S = 0.2, 1.5, 10.0
"""After a strike that failed although there was a gap. Strikes must not become one stall after another."""

REST = 10
"""After a failed strike the application gets at least so many times as long as it may have waited."""


class Regulars:
    """Remembers the backends whose last transaction was a long one: their next one is young only for now.

    Each skipped chance shows whether that still holds, so that a backend of a pool is held back once at most."""

    def __init__(self, long_s: float) -> None:
        self._long_s = long_s
        self._there: dict[str, Blocker] = {}
        self._known: set[int | None] = set()

    def note(self, holders: Sequence[Blocker]) -> None:
        """Takes down who is there now, and what became of those who were there before."""
        now = {holder.transaction: holder for holder in holders}
        for gone in (old for transaction, old in self._there.items() if transaction not in now):
            (self._known.add if gone.age_s > self._long_s else self._known.discard)(gone.pid)
        self._there = now

    def expects_long(self, holder: Blocker) -> bool:
        return holder.pid in self._known


class Cadence:
    """The rhythm of the strikes of one step. Times are those of one monotonic clock, in seconds."""

    def __init__(self, budget_s: float, now: float) -> None:
        self._budget_s = budget_s
        self._longest_ms = max(1, int(budget_s * 1000 * LOCK_SHARE))
        self._regulars = Regulars(budget_s)
        self._last_gap = self._next_in_gap = self._next_blind = now
        self._in_gaps = self._blind = 0
        self._is_blind = False

    def lock_ms(self, holders: Sequence[Blocker], now: float) -> int | None:
        """The lock_timeout with which to strike now, None: not now. `holders` is what every look has seen, one after the other."""
        self._regulars.note(holders)
        self._is_blind = any(holder.oldest_s > QUIET_S or self._regulars.expects_long(holder) for holder in holders)
        long = sum(holder.oldest_s > self._budget_s or self._regulars.expects_long(holder) for holder in holders)
        if not self._is_blind:
            self._last_gap = now
            return min(FIRST_LOCK_MS, self._longest_ms) if now >= self._next_in_gap else None
        if now < self._next_blind or not self._has_odds(holders, long, now - self._last_gap):
            return None
        return min(FIRST_LOCK_MS if long else FIRST_LOCK_MS << self._blind, self._longest_ms)

    def failed(self, lock_ms: int, now: float) -> None:
        """The strike that the last answer allowed has failed: when the next ones may come."""
        jitter = random.uniform(0.75, 1.25)
        if self._is_blind:
            self._next_blind = now + BLIND_PAUSES_S[min(self._blind, len(BLIND_PAUSES_S) - 1)] * jitter
            self._blind += 1
        else:
            pause = min(GAP_PAUSE_S * GAP_PAUSE_GROWTH**self._in_gaps, LONGEST_GAP_PAUSE_S)
            self._next_in_gap = self._next_blind = now + pause * jitter
            self._in_gaps += 1
        self._next_in_gap = max(self._next_in_gap, now + REST * lock_ms / 1000 * jitter)

    @staticmethod
    def _has_odds(holders: Sequence[Blocker], long: int, without_gap_s: float) -> bool:
        """Whether a strike without a gap can succeed at all: vacuums and prepared transactions do not end within one."""
        if any(holder.autovacuum or holder.gid for holder in holders):
            return False
        return long < HOPELESS and without_gap_s >= (BLIND_AFTER_LONG_S if long else BLIND_AFTER_SHORT_S)
