"""One look at all that the server tells of itself at a bounded cost: everything of a Snapshot but what the journal knows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import Sightings
from pgsluice.execution.monitor.queues import LockReading, backend_of, read_locks
from pgsluice.model.postgres.locks import from_pg_locks
from pgsluice.model.snapshot import Backend, Counts, Horizon, Operation, Replica, Slot, Snapshot, StandbyLook

_QUERIES = named_queries(__package__)

LONG_S = 1.0
"""A transaction older than this is shown: what a strike does not outwait by itself is far younger, what people ask about far older."""

_Part = TypeVar("_Part")
_Row = Mapping[str, Any]


class Observer:
    """Takes one look after the other on a session of its own, which it gives short timeouts. `standbys` are sessions on hot standbys by
    the names under which to show them."""

    def __init__(self, session: Session, standbys: Sequence[tuple[str, Session]] = ()) -> None:
        self._session, self._standbys = session, standbys
        self._sightings = Sightings()
        self._last_wal: tuple[float, int] | None = None
        for one in (session, *(standby for _, standby in standbys)):
            one.run(_QUERIES["settings"])
            one.keep_plans()
        self._place = session.rows(_QUERIES["place"])[0]

    def look(self) -> Snapshot:
        """One look. A part that cannot be read within its time, or that our role may not see, is said in `unseen`; a lost connection
        raises DatabaseError."""
        began = time.monotonic()
        session, place, unseen = self._session, self._place, list[str]()
        nothing: list[dict[str, Any]] = []

        def part(what: str, read: Callable[[], _Part], otherwise: _Part) -> _Part:
            return _attempt(what, read, otherwise, unseen)

        if not place["sees_all"]:
            unseen.append("state, age and query of other roles' sessions: grant pg_monitor to this role to see them")
        locks = part("who waits for locks", lambda: read_locks(session), LockReading((), ()))
        rows = part("the sessions", lambda: session.rows(_QUERIES["activity"], {"pids": locks.pids, "older_s": LONG_S}), nothing)
        wal = part("the WAL's position", lambda: int(session.value(_QUERIES["wal"])), None)
        seen = Snapshot(
            taken_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            database=place["database"],
            server_version=place["server_version"],
            role=place["role"],
            in_recovery=place["in_recovery"],
            counts=_counts(rows),
            queues=locks.queues(_sessions(rows), place["database"], self._sightings),
            long=_long(rows),
            operations=part("progress", lambda: tuple(Operation(**r) for r in session.rows(_QUERIES["operations"])), ()),
            replicas=part("standbys", lambda: tuple(Replica(**r) for r in session.rows(_QUERIES["replicas"])), ()),
            slots=part("slots", lambda: tuple(Slot(**r) for r in session.rows(_QUERIES["slots"])), ()),
            wal_bytes=wal,
            wal_bytes_per_s=self._rate(wal),
            horizon=part("the oldest snapshot", lambda: _horizon(session, rows), None),
            standbys=tuple(_standby(name, standby) for name, standby in self._standbys),
        )
        return replace(seen, unseen=tuple(unseen), cost_ms=(time.monotonic() - began) * 1000)

    def _rate(self, wal: int | None) -> float | None:
        """WAL a second since the last look; None for the first one."""
        now, before = time.monotonic(), self._last_wal
        self._last_wal = None if wal is None else (now, wal)
        return None if wal is None or before is None or now <= before[0] else max(0.0, (wal - before[1]) / (now - before[0]))


def _attempt(what: str, read: Callable[[], _Part], otherwise: _Part, unseen: list[str]) -> _Part:
    try:
        return read()
    except DatabaseError as error:
        if trouble_of(error) is Trouble.CONNECTION_LOST:
            raise
        unseen.append(f"{what}: {message_of(error)}")
        return otherwise


def _sessions(rows: Sequence[_Row]) -> list[_Row]:
    """A look without any session of interest still has a row with its counts."""
    return [row for row in rows if row["pid"] is not None]


def _counts(rows: Sequence[_Row]) -> Counts:
    return Counts(**{f.name: rows[0][f.name] for f in fields(Counts)}) if rows else Counts()


def _long(rows: Sequence[_Row]) -> tuple[Backend, ...]:
    return tuple(backend_of(row, holds=_holds(row["held"] or ())) for row in _sessions(rows) if row["long"])


def _holds(held: Sequence[str]) -> tuple[str, ...]:
    """The strongest mode on each relation in words, the strongest first, at most six."""
    strongest: dict[str, str] = {}
    for mode, relation in (entry.split(" ", 1) for entry in held):
        if relation not in strongest or from_pg_locks(mode).strength > from_pg_locks(strongest[relation]).strength:
            strongest[relation] = mode
    ranked = sorted(strongest.items(), key=lambda item: (-from_pg_locks(item[1]).strength, item[0]))
    return tuple(f"{from_pg_locks(mode).value} on {relation}" for relation, mode in ranked[:6])


def _horizon(session: Session, rows: Sequence[_Row]) -> Horizon | None:
    found = [Horizon(**row) for row in session.rows(_QUERIES["horizon"])]
    if rows and rows[0]["oldest_pid"] is not None:
        found.append(Horizon("session", f"pid {rows[0]['oldest_pid']}", rows[0]["oldest_age"]))
    return max(found, key=lambda one: one.age, default=None)


def _standby(name: str, session: Session) -> StandbyLook:
    """A standby that cannot be looked at is a problem of its own, not of the look."""
    try:
        found = session.rows(_QUERIES["conflicts"])
        row = found[0] if found else {}
        conflicts = tuple(
            f"{row[f'confl_{cause}']} by {cause}"
            for cause in ("tablespace", "lock", "snapshot", "bufferpin", "deadlock")
            if row.get(f"confl_{cause}")
        )
        lag = 0.0 if row.get("caught_up") else row.get("replay_lag_s")
        return StandbyLook(
            name, lag, bool(row.get("paused")), conflicts, _long(session.rows(_QUERIES["activity"], {"pids": [], "older_s": LONG_S}))
        )
    except DatabaseError as error:
        return StandbyLook(name, problem=message_of(error))
