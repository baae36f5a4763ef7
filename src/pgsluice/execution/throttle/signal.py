"""What a signal is: something that is looked at again and again, as a share of its limit."""

from dataclasses import dataclass
from typing import Protocol

from pgsluice.execution.db.session import Session


@dataclass(frozen=True, slots=True)
class Reading:
    """`share` of the limit; from 1 on it is reached. `says` what was seen, with its numbers, for people."""

    share: float
    says: str


NOTHING = Reading(0.0, "")


class UnreadableError(Exception):
    """The signal cannot be read here, by this role or at all; the text says why."""


class Signal(Protocol):
    """`stops`: at its limit no batch begins; otherwise the pace is halved. `name` is what people call it."""

    @property
    def name(self) -> str: ...

    @property
    def stops(self) -> bool: ...

    def read(self, session: Session) -> Reading:
        """Raises UnreadableError, DatabaseError."""
        ...


def seconds(number: float) -> str:
    return f"{number:.1f} s" if number < 100 else f"{number / 60:.0f} min"


def size(number: float) -> str:
    return f"{number / 1e6:,.0f} MB"
