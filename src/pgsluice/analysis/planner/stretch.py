"""A part of a long list that is looked at without being copied: each statement has all others before and behind it."""

from collections.abc import Iterator, Sequence
from typing import overload

from pgsluice.analysis.parsing.statement import Action


class Stretch(Sequence[Action]):
    """The actions from `start` up to and without `stop` of a list that nobody changes any more."""

    __slots__ = ("_actions", "_range")

    def __init__(self, actions: Sequence[Action], start: int, stop: int) -> None:
        self._actions, self._range = actions, range(start, stop)

    def __len__(self) -> int:
        return len(self._range)

    def __iter__(self) -> Iterator[Action]:
        return (self._actions[number] for number in self._range)

    @overload
    def __getitem__(self, at: int) -> Action: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Action, ...]: ...
    def __getitem__(self, at: int | slice) -> Action | tuple[Action, ...]:
        if isinstance(at, slice):
            return tuple(self._actions[number] for number in self._range[at])
        return self._actions[self._range[at]]
