"""Which request comes next, and with which values: drawn from a seed, so that two runs see the same requests."""

import random
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

from pgsluice.rehearsal.load.definition import RequestKind


class Draws:
    """Draws requests: the number of the kind, by weight, and the values of its variables as text."""

    def __init__(self, kinds: Sequence[RequestKind], seed: int) -> None:
        self._random = random.Random(seed).random
        self._bounds = list(accumulate(k.weight for k in kinds))
        self._ranges = [tuple((v.low, v.high - v.low + 1) for v in k.variables) for k in kinds]

    def draw(self) -> tuple[int, list[bytes]]:
        """The next request."""
        uniform = self._random
        kind = min(bisect(self._bounds, uniform() * self._bounds[-1]), len(self._bounds) - 1)
        return kind, [b"%d" % (low + int(uniform() * span)) for low, span in self._ranges[kind]]
