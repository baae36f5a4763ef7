"""What `guard` does to other programs' DDL, and what it tells of it."""

from dataclasses import dataclass
from enum import StrEnum

from pgsluice.model.snapshot import Backend


class Deed(StrEnum):
    """What was done about a DDL behind which others waited."""

    CANCELLED = "cancelled"
    """Its statement."""
    ENDED = "ended"
    """Its session: it held the lock and ran nothing that could be cancelled, or did not obey a cancel."""
    WOULD_CANCEL = "would cancel"
    """With --dry-run."""
    REPORTED = "reported"
    """Left alone: it cannot be told to be of the command, or runs no DDL at this moment."""
    REFUSED = "refused"
    """The server does not let our role signal that session."""
    TIMED_OUT = "timed out"
    """The lock_timeout that was handed down ended its wait."""


@dataclass(frozen=True, slots=True)
class GuardEvent:
    """`deed` was done about what `backend` runs, because `waiting` sessions waited behind it, the longest for `longest_s`. `ddl` is
    such as 'ALTER TABLE'. `blockers` are those behind which it waited itself. `why` says why it was left alone. Times in ISO 8601."""

    at: str
    deed: Deed
    backend: Backend
    ddl: str
    waiting: int
    longest_s: float
    blockers: tuple[Backend, ...] = ()
    why: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class GuardNotice:
    """Other news: a lost connection, another attempt."""

    at: str
    message: str
    attempt: int = 1


STOPPED = (Deed.CANCELLED, Deed.ENDED, Deed.TIMED_OUT)
"""The deeds after which a command that fails has failed because of us."""
