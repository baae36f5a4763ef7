"""One look at a busy server, as plain frozen data: who waits behind whom, what runs for long, what our runs do.

Times are seconds unless they say otherwise. What the server hides from our role is None, and `Snapshot.unseen` says so.
"""

from dataclasses import dataclass

from pgsluice.model.postgres.statement_words import data_definition


@dataclass(frozen=True, slots=True)
class Backend:
    """A session of the server (its parallel workers folded into it), or a prepared transaction: then `pid` is None and `gid` set.

    `age_s` is the age of its transaction, or for how long we have seen it where that is hidden (`age_is_lower_bound`); `state_s` is for how
    long it has been in its state. `kind` is the server's backend_type. `holds` are its strongest relation locks in words.
    `transaction_began` and `statement_began`, the server's words, tell its transaction and statement from its next ones."""

    pid: int | None
    gid: str | None = None
    user: str | None = None
    application: str | None = None
    client: str | None = None
    state: str | None = None
    query: str | None = None
    kind: str | None = None
    age_s: float | None = None
    age_is_lower_bound: bool = False
    state_s: float | None = None
    waits_on: str | None = None
    workers: int = 0
    autovacuum: bool = False
    wraparound: bool = False
    holds: tuple[str, ...] = ()
    transaction_began: str | None = None
    statement_began: str | None = None

    @property
    def id(self) -> str:
        """What tells it from all others: the pid, or the gid of a prepared transaction."""
        return prepared_id(self.gid or "") if self.pid is None else str(self.pid)

    @property
    def ours(self) -> bool:
        """Whether it is a session of pgsluice itself (sessions of commands under `guard` are not)."""
        return (self.application or "").startswith("pgsluice ") and not (self.application or "").startswith(GUARDED_PREFIX)

    @property
    def definition(self) -> str | None:
        """The DDL that it runs, such as 'ALTER TABLE'; None where it runs none or its query is hidden."""
        return data_definition(self.query) if self.query and self.state != "idle" else None

    @property
    def idle_in_transaction(self) -> bool:
        return (self.state or "").startswith("idle in transaction")


GUARDED_PREFIX = "pgsluice guard "
"""The application_name of sessions of a command under `guard` begins with this."""


def prepared_id(gid: str) -> str:
    """The `Backend.id` of a prepared transaction."""
    return f"gid {gid}"


@dataclass(frozen=True, slots=True)
class LockWait:
    """The backend `waiter` has waited for `waited_s` for `mode` on an object of `kind` (pg_locks' locktype). `relation` is quoted and
    qualified, '' where there is none; `row`: it waits for another transaction's change of a row of it.

    `blockers` are the ids of all that it waits for, those ahead in the queue included. `inferred`: taken from a waiter of the same
    queue instead of asking the server, which would cost too much where very many wait."""

    waiter: str
    kind: str
    mode: str
    relation: str
    object: str
    waited_s: float
    blockers: tuple[str, ...]
    row: bool = False
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """The backend `holder` has `mode` on the object (as in LockWait) for which others wait."""

    holder: str
    kind: str
    mode: str
    relation: str
    object: str


@dataclass(frozen=True, slots=True)
class LockQueues:
    """Who waits for locks in one database, and behind whom. `waiting` counts all that wait, also where `waits` was cut off."""

    backends: tuple[Backend, ...] = ()
    waits: tuple[LockWait, ...] = ()
    holdings: tuple[Holding, ...] = ()
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """Long work whose progress the server tells: `command` such as CREATE INDEX, `done` of `total` in `unit` (0 where the phase does
    not count). `waits_for` is the pid that it waits for."""

    pid: int
    command: str
    relation: str
    phase: str
    done: int = 0
    total: int = 0
    unit: str = ""
    waits_for: int | None = None


@dataclass(frozen=True, slots=True)
class Replica:
    """A standby that streams from the server. Lags in bytes from the server's current position; None: hidden or unknown."""

    name: str
    client: str | None
    state: str | None
    sync: str | None
    lag_bytes: int | None
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot; `retained_bytes` of WAL are kept for it."""

    name: str
    kind: str
    active: bool
    retained_bytes: int | None
    wal_status: str | None


@dataclass(frozen=True, slots=True)
class Horizon:
    """What keeps dead rows alive: `who` holds the oldest xmin, `age` transactions old. `kind` is session, prepared transaction, slot
    or standby."""

    kind: str
    who: str
    age: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The client sessions of the database by state; the hidden ones are in `total` only."""

    total: int = 0
    active: int = 0
    idle: int = 0
    idle_in_transaction: int = 0
    waiting_for_locks: int = 0
    longest_transaction_s: float | None = None


@dataclass(frozen=True, slots=True)
class RunStep:
    """A step of a migration that is under way; words as in model.progress."""

    migration: str
    id: str
    phase: str
    kind: str
    sql: str
    state: str
    attempts: int = 0
    running_s: float | None = None
    error: str | None = None
    began_ago_s: float | None = None
    ended_ago_s: float | None = None


@dataclass(frozen=True, slots=True)
class RunBackfill:
    """A backfill in the journal; `rows_per_s` between two looks, None for the first one."""

    migration: str
    step: str
    rows_done: int
    quiet_s: float
    rows_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Runs:
    """What the journal says of work under way. `holder` describes who runs or ran last, `alive` whether it still does; `backends` are
    its pids. `doing` is 'migration step'."""

    holder: str = ""
    alive: bool = False
    doing: str = ""
    backends: tuple[int, ...] = ()
    migrations: tuple[str, ...] = ()
    steps: tuple[RunStep, ...] = ()
    backfills: tuple[RunBackfill, ...] = ()


@dataclass(frozen=True, slots=True)
class StandbyLook:
    """A hot standby that was named: its lag, its long sessions, and how many queries replay has cancelled, by cause, so far."""

    name: str
    replay_lag_s: float | None = None
    paused: bool = False
    conflicts: tuple[str, ...] = ()
    sessions: tuple[Backend, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look. `taken_at` is in ISO 8601. `problem`: the server could not be looked at, and all else is empty. `unseen` says what
    could not be seen and why. `cost_ms` is what the look took, sending and receiving included."""

    taken_at: str
    database: str = ""
    server_version: str = ""
    role: str = ""
    in_recovery: bool = False
    problem: str | None = None
    unseen: tuple[str, ...] = ()
    counts: Counts = Counts()
    queues: LockQueues = LockQueues()
    long: tuple[Backend, ...] = ()
    operations: tuple[Operation, ...] = ()
    runs: Runs = Runs()
    replicas: tuple[Replica, ...] = ()
    slots: tuple[Slot, ...] = ()
    wal_bytes: int | None = None
    wal_bytes_per_s: float | None = None
    horizon: Horizon | None = None
    standbys: tuple[StandbyLook, ...] = ()
    cost_ms: float = 0.0
