"""A recording: every single request with its start, its wait and its outcome."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

SUCCESS = ""
"""The outcome of a request that succeeded; others are SQLSTATEs or the words of `pgsluice.model.measurement`."""


@dataclass(frozen=True, slots=True)
class Request:
    """`start_s` is when it should have started, on this machine's monotonic clock; `wait_s` counts from then."""

    kind: str
    start_s: float
    wait_s: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Columns of equal length, one row for each request in the order in which they ended. `kind` and `outcome` index
    into `kinds` and `outcomes`. `cpu_s` is the processor time that the recorder itself used over its `wall_s`."""

    kinds: tuple[str, ...]
    outcomes: tuple[str, ...]
    start_s: "array[float]" = field(repr=False)
    wait_s: "array[float]" = field(repr=False)
    kind: "array[int]" = field(repr=False)
    outcome: "array[int]" = field(repr=False)
    cpu_s: float
    wall_s: float

    def __len__(self) -> int:
        return len(self.start_s)

    def requests(self) -> Iterator[Request]:
        """Each request."""
        for start_s, wait_s, kind, outcome in zip(self.start_s, self.wait_s, self.kind, self.outcome, strict=True):
            yield Request(self.kinds[kind], start_s, wait_s, self.outcomes[outcome])


class Recorder:
    """Takes down requests as they end; cheap enough to stand in the path of each."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._kinds = kinds
        self._outcomes = {SUCCESS: 0}
        self._start_s, self._wait_s = array("d"), array("d")
        self._kind, self._outcome = array("H"), array("H")

    def add(self, kind: int, start_s: float, end_s: float, outcome: str) -> None:
        """One request has ended."""
        self._start_s.append(start_s)
        self._wait_s.append(end_s - start_s)
        self._kind.append(kind)
        self._outcome.append(self._outcomes.setdefault(outcome, len(self._outcomes)))

    def recording(self, cpu_s: float, wall_s: float) -> Recording:
        """All that was taken down."""
        columns = (self._start_s, self._wait_s, self._kind, self._outcome)
        return Recording(self._kinds, tuple(self._outcomes), *columns, cpu_s=cpu_s, wall_s=wall_s)
