"""Who waits for locks in this database, and behind whom: one look, at a bounded cost."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import Sightings
from pgsluice.model.postgres.locks import LockMode, from_pg_locks
from pgsluice.model.snapshot import Backend, Holding, LockQueues, LockWait, prepared_id

_QUERIES = named_queries(__package__)

ROW_KINDS = ("transactionid", "tuple", "spectoken")
"""What a query waits for that wants to change a row which another transaction has changed (or a build that waits for that one)."""

_Key = tuple[Any, ...]
_Row = Mapping[str, Any]


def read_queues(session: Session, database: str) -> LockQueues:
    """One look at the queues of `database`, the session's own; empty where nobody waits, which costs one reading of pg_locks. Takes no
    lock on any table but those of the catalog; raises DatabaseError."""
    reading = read_locks(session)
    return reading.queues(session.rows(_QUERIES["backends"], {"pids": reading.pids}), database) if reading.pids else LockQueues()


def read_locks(session: Session) -> "LockReading":
    """The first half of it: the locks, without the sessions that they belong to."""
    rows = session.rows(_QUERIES["queues"])
    return LockReading(rows, session.rows(_QUERIES["prepared"]) if any(row["pid"] is None for row in rows) else ())


class LockReading:
    """Locks that were read; `pids` are the sessions of which `queues` has to be told."""

    def __init__(self, rows: Sequence[_Row], prepared: Iterable[_Row]) -> None:
        locks = _Locks(rows, prepared)
        self._waits = tuple(_infer([locks.wait(row) for row in locks.waiting]))
        self._holdings = tuple(locks.holdings(self._waits))
        self._prepared = tuple(locks.prepared.values())
        self._transactions = locks.transactions()
        self._on_old = {row["pid"] for row in rows if row["granted"] and row["old"]}
        self.pids = sorted({int(id) for wait in self._waits for id in (wait.waiter, *wait.blockers) if id.isdigit()})

    def queues(self, rows: Iterable[_Row], database: str, sightings: Sightings | None = None) -> LockQueues:
        """All together. Rows of other sessions do no harm. With `sightings`, which the caller keeps, hidden ages are lower bounds from
        what we saw. Parallel workers count as their leaders; who waits in another database is left out, who blocks stays."""
        found = _found(rows, self._transactions, self._on_old, sightings or Sightings())
        leaders = {str(pid): str(f.leader) for pid, f in found.items() if f.leader is not None}
        folded: dict[str, LockWait] = {}
        for wait in self._waits:
            waiter = found.get(int(wait.waiter))
            one = replace(wait, waiter=leaders.get(wait.waiter, wait.waiter))
            if waiter is not None and waiter.database in (database, None):
                if one.waiter not in folded or folded[one.waiter].waited_s < one.waited_s:
                    folded[one.waiter] = one
        named = {id for wait in folded.values() for id in (wait.waiter, *wait.blockers)}
        return LockQueues(
            backends=tuple(b for b in (*(f.backend for f in found.values()), *self._prepared) if b.id in named),
            waits=tuple(folded.values()),
            holdings=tuple(dict.fromkeys(h for h in self._holdings if h.holder in named)),
            waiting=len(folded),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    backend: Backend
    leader: int | None
    database: str | None


class _Locks:
    """The rows of pg_locks that matter, by what they are on."""

    def __init__(self, rows: Sequence[_Row], prepared: Iterable[_Row]) -> None:
        self.waiting = [row for row in rows if not row["granted"] and row["pid"] is not None]
        self._granted: dict[_Key, list[_Row]] = {}
        for row in rows:
            if row["granted"]:
                self._granted.setdefault(_key(row), []).append(row)
        self._rows = rows
        gids = {p["transaction"]: p for p in prepared}
        owners = {row["virtualtransaction"]: row["transactionid"] for row in rows if row["pid"] is None and row["transactionid"]}
        self.prepared = {v: _prepared_backend(gids[x]) for v, x in owners.items() if x in gids}
        self._tuples = {row["pid"]: row for row in rows if row["granted"] and row["locktype"] == "tuple"}

    def wait(self, row: _Row) -> LockWait:
        """`blockers` is () where it has not been asked for."""
        on = self._tuples.get(row["pid"], row) if row["locktype"] == "transactionid" else row
        blockers = [id for pid in row["blockers"] or () for id in ([str(pid)] if pid else self._prepared_on(row))]
        return LockWait(
            waiter=str(row["pid"]),
            kind=row["locktype"],
            mode=_mode(row),
            relation=on["name"] or "",
            object=_object(row),
            waited_s=max(0.0, row["waited_s"] or 0.0),
            blockers=tuple(dict.fromkeys(blockers)),
            row=row["locktype"] in ROW_KINDS,
            inferred=row["blockers"] is None,
        )

    def holdings(self, waits: Iterable[LockWait]) -> Iterable[Holding]:
        """The strongest that each of their blockers holds of what they wait for."""
        keys = {str(row["pid"]): _key(row) for row in self.waiting}
        queues: dict[_Key, tuple[LockWait, set[str]]] = {}
        for wait in waits:
            queues.setdefault(keys[wait.waiter], (wait, set()))[1].update(wait.blockers)
        for key, (wait, blockers) in queues.items():
            for held in sorted(self._granted.get(key, ()), key=_strength):
                if self._id(held) in blockers:
                    yield Holding(self._id(held), wait.kind, _mode(held), held["name"] or wait.relation, wait.object)

    def transactions(self) -> dict[int, str]:
        """A transaction of each pid, to tell it from the next one of the same session."""
        return {row["pid"]: row["virtualtransaction"] for row in self._rows if row["pid"] is not None}

    def _id(self, row: _Row) -> str:
        owner = self.prepared.get(row["virtualtransaction"])
        return str(row["pid"]) if row["pid"] is not None else owner.id if owner else prepared_id("")

    def _prepared_on(self, row: _Row) -> Iterable[str]:
        """The prepared transactions that hold something in conflict with what it waits for."""
        held = (h for h in self._granted.get(_key(row), ()) if h["pid"] is None)
        return [self._id(h) for h in held if h["locktype"] != "relation" or _conflict(h["mode"], row["mode"])]


def _infer(waits: Sequence[LockWait]) -> Iterable[LockWait]:
    """Gives each wait that was not asked about the blockers of the one before it in the same queue, and those that came between
    and want what conflicts (all that want a strong lock are asked about)."""
    queues: dict[_Key, list[LockWait]] = {}
    for wait in sorted(waits, key=lambda w: (-w.waited_s, int(w.waiter))):
        queues.setdefault((wait.kind, wait.object), []).append(wait)
    for queue in queues.values():
        before: dict[str, LockWait] = {}
        between: dict[str, list[str]] = {}
        for wait in queue:
            known = before.get(wait.mode)
            if wait.inferred and known is not None:
                yield replace(wait, blockers=tuple(dict.fromkeys((*known.blockers, *between.get(wait.mode, ())))))
                continue
            yield wait
            if not wait.inferred:
                before[wait.mode] = wait
                between[wait.mode] = []
                for mode in (m for m in before if m != wait.mode and wait.kind == "relation" and _conflict_words(m, wait.mode)):
                    between[mode].append(wait.waiter)


def _found(rows: Iterable[_Row], transactions: Mapping[int, str], on_old: Set[int], sightings: Sightings) -> dict[int, _Found]:
    known = {row["pid"]: row for row in rows}
    sightings.note(transactions.get(pid, "") for pid in known)
    leaders = [row["leader_pid"] for row in known.values()]
    found: dict[int, _Found] = {}
    for pid, row in known.items():
        backend = backend_of(row, leaders.count(pid))
        if backend.age_s is None and backend.state is None:
            backend = replace(backend, age_s=sightings.age_s(transactions.get(pid, "")), age_is_lower_bound=True)
        if backend.autovacuum and backend.query is None:
            backend = replace(backend, wraparound=pid in on_old)
        found[pid] = _Found(backend, row["leader_pid"], row["datname"])
    return found


def backend_of(row: _Row, workers: int = 0, holds: tuple[str, ...] = ()) -> Backend:
    """A row of the queries of this package that read pg_stat_activity."""
    port = row["client_port"]
    return Backend(
        pid=row["pid"],
        user=row["user"],
        application=row["application"],
        client=f"{row['client']}:{port}" if row["client"] else None if port is None else "local",
        state=row["state"],
        query=row["query"],
        kind=row["kind"],
        age_s=row["age_s"],
        state_s=row["state_s"],
        waits_on=row["waits_on"],
        workers=workers,
        autovacuum=row["autovacuum"],
        wraparound=row["wraparound"],
        holds=holds,
        transaction_began=row["transaction_began"],
        statement_began=row["statement_began"],
    )


def _prepared_backend(row: _Row) -> Backend:
    return Backend(None, gid=row["gid"], user=row["user"], state="prepared", kind="prepared transaction", age_s=row["age_s"])


_OBJECT = ("database", "relation", "page", "tuple", "virtualxid", "transactionid", "classid", "objid", "objsubid")


def _key(row: _Row) -> _Key:
    return (row["locktype"], *(row[name] for name in _OBJECT))


def _object(row: _Row) -> str:
    relation = row["name"] or f"relation {row['relation']}"
    match row["locktype"]:
        case "relation":
            return relation
        case "tuple":
            return f"row ({row['page']},{row['tuple']}) of {relation}"
        case "transactionid":
            return f"transaction {row['transactionid']}"
        case "virtualxid":
            return f"snapshot {row['virtualxid']}"
        case "advisory":
            return f"advisory lock ({row['classid']}, {row['objid']})"
        case kind:
            return f"{kind} of {relation}" if row["relation"] else kind


def _mode(row: _Row) -> str:
    return from_pg_locks(row["mode"]).value


def _strength(row: _Row) -> int:
    return from_pg_locks(row["mode"]).strength


def _conflict(one: str, other: str) -> bool:
    return from_pg_locks(one).conflicts_with(from_pg_locks(other))


def _conflict_words(one: str, other: str) -> bool:
    return LockMode(one).conflicts_with(LockMode(other))
