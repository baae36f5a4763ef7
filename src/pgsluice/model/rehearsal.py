"""What a rehearsal found: the same migrations on identical copies, as plain SQL and as pgsluice runs them, both measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pgsluice.model.measurement import Measurement
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock

GONE = frozenset({"42703", "42P01", "42883", "42704", "3F000"})
"""SQLSTATEs of a column, relation, function, type or schema that is not there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan may do to the application: keep a request waiting for so long above the quiet baseline, and let so many fail."""

    max_stall_s: float
    max_errors: int = 0


@dataclass(frozen=True, slots=True)
class Felt:
    """What the requests felt that were due in a stretch of time, or were of one kind; waits in milliseconds."""

    requests: int
    failed: int
    max_ms: float
    over_100_ms: int


@dataclass(frozen=True, slots=True)
class RehearsedPart:
    """A statement of the plain SQL (each attempt is one) or a step of the plan: from `begin_s` to `end_s` since the start of the
    measurement, and the locks that it took on tables that were there before. `rows` are those of its table here, `live_rows` those in
    production; None where it does not work through a table, or that is not known."""

    migration: str
    sql: str
    begin_s: float
    end_s: float
    felt: Felt
    kind: str = ""
    locks: tuple[Lock, ...] = ()
    rows: int | None = None
    live_rows: int | None = None
    error: str | None = None

    @property
    def took_s(self) -> float:
        return self.end_s - self.begin_s

    @property
    def live_estimate_s(self) -> float | None:
        """How long it would take on the live rows, if it takes as long for each row as here."""
        return self.took_s * self.live_rows / self.rows if self.rows and self.live_rows is not None else None


@dataclass(frozen=True, slots=True)
class Waiters:
    """How many of the application's sessions waited for a lock when somebody looked."""

    at_s: float
    count: int


@dataclass(frozen=True, slots=True)
class StandbySide:
    """What a streaming standby felt meanwhile. `felt` are its readers' waits, None where the load has no request that only reads;
    `lag_s` and `lag_bytes` how far it was behind at most; `cancelled` counts the queries that replay cancelled, by the reason
    (lock, snapshot, bufferpin, deadlock)."""

    felt: Measurement | None
    lag_s: float
    lag_bytes: int
    cancelled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RehearsedSide:
    """One way of running the migrations. `took_s` is what they took themselves, `failed_attempts` how often one failed and was
    run again, `killed` how often the runner was killed and started again. `error` says why the way did not reach its end, None
    where it did. `standby` is None where there was none.

    `parts` are in the order in which they began; of a runner that was killed each step from its last start on. `by_request` is what
    each kind of request felt, `beside` what those felt that met no part. `wal_bytes` were written meanwhile, the load's included;
    `disk_bytes` is by how much the database grew at most."""

    felt: Measurement
    took_s: float
    failed_attempts: int = 0
    killed: int = 0
    error: str | None = None
    standby: StandbySide | None = None
    parts: tuple[RehearsedPart, ...] = ()
    by_request: Mapping[str, Felt] = field(default_factory=dict)
    beside: Felt = Felt(0, 0, 0.0, 0)
    waiters: tuple[Waiters, ...] = ()
    wal_bytes: int = 0
    disk_bytes: int = 0

    @property
    def most_waiters(self) -> int:
        return max((found.count for found in self.waiters), default=0)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`rows` are those of the tables before the migrations, by name. `rate` is in requests a second. `baseline` is the same load
    without any migration. `same_end`: whether both ways left the same schema, None where that cannot be told. `unexercised` are
    the tables that the plan locks against the application and that no request asked meanwhile.
    `notes` say what is not as in production: what could not be made, filled or asked."""

    server_version: str
    migrations: tuple[str, ...]
    rows: Mapping[str, int]
    rate: float
    connections: int
    requests: tuple[str, ...]
    baseline: Measurement
    naive: RehearsedSide
    plan: RehearsedSide
    same_end: bool | None
    notes: tuple[str, ...] = ()
    unexercised: tuple[str, ...] = ()

    @property
    def longest_added_ms(self) -> float:
        """By how much the plan's longest wait of a request exceeds that of the quiet baseline."""
        return max(0.0, self.plan.felt.max_ms - self.baseline.max_ms)

    @property
    def gone(self) -> int:
        """Requests that asked for what the migrations drop or rename while the plan ran."""
        return sum(count for state, count in self.plan.felt.errors.items() if state in GONE)

    @property
    def added_errors(self) -> int:
        """Requests that failed while the plan ran, in ways that the quiet baseline does not know; those that asked for what the
        migrations drop are aside."""
        return sum(count for state, count in self.plan.felt.errors.items() if state not in GONE and state not in self.baseline.errors)

    def passes(self, limits: Limits) -> bool:
        """Whether the plan reached its end within the limits, was felt by somebody wherever it locks, and left what plain SQL leaves."""
        kept = self.longest_added_ms <= limits.max_stall_s * 1000 and self.added_errors <= limits.max_errors
        return self.plan.error is None and kept and self.same_end is not False and not self.unexercised


def strongest_blocking(locks: Iterable[Lock]) -> dict[str, LockMode]:
    """By relation the strongest mode for which a query of the application waits."""
    found = sorted((lock for lock in locks if lock.mode.blocks_application), key=lambda lock: lock.mode.strength)
    return {lock.relation: lock.mode for lock in found}
