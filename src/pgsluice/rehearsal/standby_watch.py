"""A standby while the migrations run: what its readers feel, and how far it lags behind."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

from pgsluice.execution.db.session import Session
from pgsluice.model.rehearsal import StandbySide
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.latency.recording import SUCCESS, Recording
from pgsluice.rehearsal.load.definition import Load, RequestKind
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.load.trial import outcome_of
from pgsluice.rehearsal.place import Place, session
from pgsluice.rehearsal.sampling import Sampling

SHARE = 0.25
"""Of the load's rate: the standby shares the machine with the server that is measured."""
HOLD_S, PAUSE_S = (1.0, 2.0), (0.5, 1.5)
"""The standby's report leaves longer gaps than the server's: a strike that waits for both would wait for minutes."""
LOOK_EVERY_S = 0.05

_WRITTEN = "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint"
_REPLAYED = "SELECT (pg_catalog.pg_last_wal_replay_lsn() - '0/0')::bigint"
_CONFLICTS = """
SELECT confl_lock AS lock, confl_snapshot AS snapshot, confl_bufferpin AS bufferpin, confl_deadlock AS deadlock
FROM pg_catalog.pg_stat_database_conflicts WHERE datname = pg_catalog.current_database()"""


@dataclass(slots=True)
class StandbyWatch:
    """What was seen on the standby; `recording` is None where no request of the load only reads."""

    recording: Recording | None = None
    lags: list[tuple[float, tuple[float, int]]] = field(default_factory=list)
    cancelled: dict[str, int] = field(default_factory=dict)

    def side(self, since_s: float, until_s: float) -> StandbySide:
        """What was felt in a stretch of time, on the monotonic clock."""
        within = [lag for at_s, lag in self.lags if since_s <= at_s < until_s]
        felt = None if self.recording is None else measure(self.recording, since_s, until_s)
        lag_s, lag_bytes = (max((lag[n] for lag in within), default=0) for n in (0, 1))
        return StandbySide(felt, lag_s, int(lag_bytes), self.cancelled)


@contextmanager
def standby_watched(place: Place, name: str, load: Load) -> Iterator[StandbyWatch | None]:
    """Inside, the standby's copy of the database is read by the reading part of the load; what was seen is complete
    afterwards. None without a standby."""
    dsn = place.dsn_on_standby(name)
    if dsn is None:
        yield None
        return
    watch = StandbyWatch()
    reading = reading_load(dsn, load)
    with ExitStack() as stack:
        primary, standby = stack.enter_context(session(place.base)), stack.enter_context(session(dsn, read_only=True))
        before = _conflicts(standby)
        sampling = stack.enter_context(Sampling(_Lag(primary, standby).look, LOOK_EVERY_S))
        with LoadProcess(dsn, reading) if reading else nullcontext() as process:
            yield watch
            watch.recording = process.stop() if process else None
        watch.lags = sampling.taken
        with session(dsn, read_only=True) as later:
            after = _conflicts(later)
    watch.cancelled = {what: after[what] - before[what] for what in after if after[what] > before[what]}


def reading_load(dsn: str, load: Load) -> Load | None:
    """The part of a load that a standby answers; None without any."""
    kinds = tuple(kind for kind in load.kinds if outcome_of(dsn, kind) == SUCCESS)
    if not kinds:
        return None
    share = SHARE * _weight(kinds) / _weight(load.kinds)
    readers = tuple(replace(reader, hold_s=HOLD_S, pause_s=PAUSE_S) for reader in load.slow_readers)
    return replace(load, kinds=kinds, rate=max(1.0, load.rate * share), slow_readers=readers)


def _weight(kinds: Sequence[RequestKind]) -> float:
    return sum(kind.weight for kind in kinds)


class _Lag:
    """For how long the oldest of what was written and is not replayed has been waiting, and how many bytes that are."""

    def __init__(self, primary: Session, standby: Session) -> None:
        self._primary, self._standby = primary, standby
        self._written: list[tuple[float, int]] = []

    def look(self) -> tuple[float, int]:
        self._written.append((time.monotonic(), self._primary.value(_WRITTEN)))
        replayed = self._standby.value(_REPLAYED)
        self._written = [(at_s, lsn) for at_s, lsn in self._written if lsn > replayed]
        if not self._written:
            return 0.0, 0
        return time.monotonic() - self._written[0][0], self._written[-1][1] - replayed


def _conflicts(standby: Session) -> dict[str, int]:
    return standby.rows(_CONFLICTS)[0]
