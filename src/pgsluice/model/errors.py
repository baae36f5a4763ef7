"""Every error that a user can meet. Each says what happened, where, and what to do next, and has a stable code.

PgsluiceError
├── UsageError               exit 2   what was asked for makes no sense
│   ├── InputError                    the SQL, a directive or a file
│   ├── RefusedError                  a plan that we will not make or run
│   └── PlanOutdatedError             a saved plan no longer fits the database
├── ConnectionFailedError    exit 3   cannot connect, or not permitted
├── PatienceError            exit 4   nothing changed, safe to run again
├── StoppedError             exit 5   by a guard or a pause, resumable
└── StepFailedError          exit 6   in the middle: needs `run` again or `rollback`
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column count from 1."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class PgsluiceError(Exception):
    """`code` is stable and has a page in docs/errors; `what` happened, `where`, and what to do `next`."""

    exit_code = 6

    def __init__(self, code: str, what: str, *, where: Place | str | None = None, next: str | None = None) -> None:
        super().__init__(what)
        self.code, self.what, self.where, self.next = code, what, where, next

    def __str__(self) -> str:
        lines = [f"{self.what} [{self.code}]"]
        if self.where is not None:
            lines.append(f"  where: {self.where}")
        if self.next:
            lines.append(f"  next:  {self.next}")
        return "\n".join(lines)


class UsageError(PgsluiceError):
    exit_code = 2


class InputError(UsageError):
    """SQL that does not parse, an unknown directive, a file that cannot be read."""


class RefusedError(UsageError):
    """A change that would hurt and has no safe way; nothing was changed."""


class PlanOutdatedError(UsageError):
    """The fingerprint of a saved plan no longer fits the database."""


class ConnectionFailedError(PgsluiceError):
    """No connection, or not permitted: wrong password, missing right, read-only standby, pooled connection."""

    exit_code = 3


class PatienceError(PgsluiceError):
    """The patience limit passed with nothing changed by the step; `next` names who was in the way."""

    exit_code = 4


class StoppedError(PgsluiceError):
    exit_code = 5


class StepFailedError(PgsluiceError):
    exit_code = 6
