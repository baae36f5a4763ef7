"""How much one batch takes: a window that follows a target time, measured on the server."""

from collections import deque
from dataclasses import dataclass, field, replace

from pgsluice.model.backfills import PaceName

TARGET_S = 0.020
"""Batches of 10 to 20 ms left an application's longest wait at 9 to 14 ms; of 2 s at 2 s (ENGINE.md section 2)."""

FIRST_PAGES = 4
MOST_PAGES = 2048
GROWTH, SHRINKAGE = 1.5, 0.2
"""The most that the window may change by from one batch to the next; growing slower than shrinking."""

_PACES = {PaceName.GENTLE: (0.005, 6.0), PaceName.NORMAL: (TARGET_S, 0.5), PaceName.FULL: (TARGET_S, 0.0)}
"""Target and rest. Gentle: a seventh of the time kept a p99 of 1 ms within 20 % on 2 cores at 12,000 rows a second, a quarter did not."""

_SAMPLES = 10
"""The window follows the second longest of so many batches: one lucky batch must not make the next ones long."""


@dataclass(frozen=True, slots=True)
class FillLimits:
    """`stall_budget_s`: no application query waits longer because of a batch. `target_s`: how long a batch should hold its row
    locks. `rest`: the pause after a batch, as a share of its duration. `patience_s`: how long rows that somebody else
    keeps locked are tried again."""

    stall_budget_s: float = 0.100
    target_s: float = TARGET_S
    rest: float = 0.5
    patience_s: float = 600.0

    @property
    def aim_s(self) -> float:
        """The target, never over half of the budget: a query may wait for two batches' worth of bad luck."""
        return min(self.target_s, self.stall_budget_s / 4)

    @property
    def lock_timeout_ms(self) -> int:
        """For a row that somebody else has locked. We hold the batch's other rows meanwhile, and a deadlock is over by then."""
        return max(1, round(min(0.020, self.stall_budget_s / 5) * 1000))

    @property
    def statement_timeout_ms(self) -> int:
        return max(2, round(self.stall_budget_s / 2 * 1000))

    def at(self, pace: PaceName) -> "FillLimits":
        target_s, rest = _PACES[pace]
        return replace(self, target_s=target_s, rest=rest)


@dataclass(slots=True)
class Pace:
    """The width of the next window, in units of its own: lines, of which one page counts `page`; or rows, with `page` 1."""

    page: int
    width: float = 0.0
    most: float = 0.0
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    def __post_init__(self) -> None:
        self.width = self.width or FIRST_PAGES * self.page
        self.most = self.most or MOST_PAGES * self.page

    def took(self, seconds: float, aim_s: float) -> None:
        """A batch of this width was committed after `seconds`; it should have been `aim_s`."""
        if seconds > 5 * aim_s:
            self.shrink(10)
            return
        per_unit = seconds / self.width
        self._took.append(per_unit)
        usual = sorted(self._took)[len(self._took) * 9 // 10 - (len(self._took) % 10 == 0)]
        self._set(self.width * min(GROWTH, max(SHRINKAGE, aim_s / max(usual * self.width, 1e-6))))

    def shrink(self, by: float) -> None:
        """A batch of this width could not be done, or hurts."""
        self._set(self.width / by)

    def rescale(self, by: float) -> None:
        """From now on a unit costs `1 / by` of what it did."""
        self._took.clear()
        self._set(self.width * by)

    def end(self, start: int, last: int) -> int:
        """Where a window from `start` ends; whole pages where it is at least one."""
        if self.width >= self.page:
            return min(last, (start + int(self.width)) // self.page * self.page)
        return min(last, start + max(1, int(self.width)), (start // self.page + 1) * self.page)

    def _set(self, width: float) -> None:
        self.width = min(self.most, max(1.0, width))
