"""Findings: hazards met at places in files, what was not analysed, and the rules' pages."""

from dataclasses import dataclass
from enum import StrEnum

from pgsluice.model.errors import Place
from pgsluice.model.steps import Lock


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Category(StrEnum):
    """What a hazard endangers."""

    OUTAGE = "outage"
    RELEASE = "release"
    DATA = "data"
    REPLICA = "replica"
    STYLE = "style"


@dataclass(frozen=True, slots=True)
class Finding:
    """`rewrite` is the SQL of the safe way, None where there is none: `no_rewrite_reason` then says why."""

    rule: str
    severity: Severity
    category: Category
    place: Place
    message: str
    statement: str
    locks: tuple[Lock, ...] = ()
    scans: tuple[str, ...] = ()
    rewrites_table: bool = False
    rewrite: tuple[str, ...] | None = None
    no_rewrite_reason: str | None = None


@dataclass(frozen=True, slots=True)
class NotAnalysed:
    """A statement, or a part of it at `place`, of which cannot be said what it does."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What checking some files came to: `files` and `statements` say how many there were; `notes` are for people."""

    files: int
    statements: int
    found: tuple[Finding, ...]
    not_analysed: tuple[NotAnalysed, ...] = ()
    notes: tuple[str, ...] = ()
    analysed: int = 0

    def at_least(self, severity: Severity) -> bool:
        """Whether one of the findings is as severe as this or more."""
        order = list(Severity)
        return any(order.index(f.severity) <= order.index(severity) for f in self.found)


@dataclass(frozen=True, slots=True)
class RulePage:
    """What a rule is called, what it costs, and its documentation in Markdown: `summary` is the first sentence of `page`.
    `optional`: it is off unless asked for."""

    name: str
    severity: Severity
    category: Category
    summary: str
    page: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class StatementLocks:
    """What one statement does to the traffic on the relations that exist before it; `reason` says why it is not analysed."""

    place: Place
    sql: str
    locks: tuple[Lock, ...] = ()
    scans: tuple[str, ...] = ()
    rewrites_table: bool = False
    in_transaction: bool = True
    reason: str | None = None
