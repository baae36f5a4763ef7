"""The signals that a backfill heeds."""

from collections.abc import Callable, Iterable, Sequence

from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.active_sessions import ActiveSessions
from pgsluice.execution.throttle.archive import Archive
from pgsluice.execution.throttle.commit_latency import CommitLatency
from pgsluice.execution.throttle.query import Query
from pgsluice.execution.throttle.replica_bytes import ReplicaBytes
from pgsluice.execution.throttle.replica_lag import ReplicaLag
from pgsluice.execution.throttle.signal import Signal, UnreadableError
from pgsluice.execution.throttle.slots import Slots
from pgsluice.execution.throttle.waiting_on_us import WaitingOnUs
from pgsluice.execution.throttle.wal_rate import WalRate
from pgsluice.execution.throttle.window import Window
from pgsluice.execution.throttle.wraparound import Wraparound
from pgsluice.model.backfills import Bounds
from pgsluice.model.errors import UsageError
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.settings import Settings


def signals_of(bounds: Bounds, table: str, pids: Callable[[], Sequence[int]], probe: str | None = None) -> list[Signal]:
    """Those that are always watched, and those that `bounds` ask for. `pids` are the workers' backends, `probe` SQL that writes a
    little of ours (None: commit latency is not watched). Raises UsageError `bad-option`."""
    found: list[Signal] = [ReplicaLag(bounds.lag_s), ReplicaBytes(), Slots(), Archive(), WaitingOnUs(pids), Wraparound((table,))]
    if probe is not None:
        found.append(CommitLatency(probe))
    return [*found, *_asked_for(bounds)]


def _asked_for(bounds: Bounds) -> Iterable[Signal]:
    if bounds.wal_rate is not None:
        yield WalRate(bounds.wal_rate)
    if bounds.active is not None:
        yield ActiveSessions(bounds.active)
    if bounds.query is not None:
        yield Query(bounds.query)
    if bounds.during is not None:
        yield window_of(bounds.during)


def bounds_of(settings: Settings) -> Bounds:
    """What the settings ask for; raises UsageError `bad-option` for numbers that make no sense."""
    for name in ("workers", "max_wal_rate", "max_active"):
        if (value := getattr(settings, name)) is not None and value < 1:
            raise UsageError("bad-option", f"{name.replace('_', '-')} cannot be {value}", next="give 1 or more")
    if settings.during is not None:
        window_of(settings.during)
    rate = None if settings.max_wal_rate is None else settings.max_wal_rate * 1e6
    return Bounds(settings.max_lag, rate, settings.max_active, settings.hold_while, settings.during)


def window_of(text: str) -> Window:
    """Raises UsageError `bad-option`."""
    try:
        return Window.of(text)
    except ValueError:
        raise UsageError("bad-option", f"during cannot be {text!r}", where="--during", next="give it as 22:00-06:00") from None


def try_query(session: Session, sql: str) -> None:
    """Whether the user's query can be asked at all; raises UsageError `bad-query`."""
    try:
        Query(sql).read(session)
    except UnreadableError as error:
        raise UsageError("bad-query", f"the query of --hold-while cannot be used: {error}", next="correct it") from error


def probe_of(migration: str, step: str) -> str:
    """A little write of ours that commits as the application's transactions do."""
    return (
        "UPDATE pgsluice.backfill SET updated_at = pg_catalog.clock_timestamp() "
        f"WHERE migration = {literal(migration)} AND step = {literal(step)}"
    )
