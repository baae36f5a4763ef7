"""The lease: one run at a time works on a database, and a dead one's backends are gone before the next one begins.

Two advisory locks of the session level tell what is true; the row in pgsluice.lease tells people who it is.
- RUN, exclusive, held by the control session: who has it is the run.
- PRESENCE, shared, held by every session of a run that can change something: a backend that goes on after its client
  died (a concurrent build does) still holds it, whatever role looks, and is ended or awaited by whoever takes over.
Only pg_try_ functions: whoever *waits* in pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY waits for it.
"""

import getpass
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal.installation import installed_version
from pgsluice.model.errors import PatienceError
from pgsluice.model.progress import LeaseHolder

_QUERIES = named_queries(__package__)
_SPACE = int.from_bytes(b"pgsl")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is worked on by one at a time: the keys of its two locks."""

    run: int
    presence: int

    @property
    def run_lock(self) -> dict[str, int]:
        return {"space": _SPACE, "key": self.run}

    @property
    def presence_lock(self) -> dict[str, int]:
        return {"space": _SPACE, "key": self.presence}


MIGRATIONS = Scope(1, 2)
_RUN = MIGRATIONS.run_lock

HEARTBEAT_S = 5.0
"""How often a living run speaks on its control session."""

SILENCE_S = 60.0
"""After so much silence a run's connection is taken for dead although the server has not noticed (a lost network: TCP
keepalive takes two hours by default). Twelve heartbeats; a run that was only suspended finds its sessions ended, and is fenced."""

GRACE_S = 3.0
"""Everybody waits this long at least: the server needs a moment to see that a killed client is gone."""

POLL_S = 0.1
"""Between two tries for the lease; each is one short statement."""


def try_lock(control: Session, scope: Scope = MIGRATIONS) -> bool:
    """Whether the session holds the run's lock now."""
    return bool(control.value(_QUERIES["try_lock"], scope.run_lock))


def unlock(control: Session, scope: Scope = MIGRATIONS) -> None:
    """Gives the lock back before the session ends."""
    control.value(_QUERIES["unlock_run"], scope.run_lock)


def holders(session: Session, scope: Scope) -> tuple[int, ...]:
    """The server processes that hold the lock."""
    return tuple(h["pid"] for h in session.rows(_QUERIES["holders"], scope.run_lock))


def end_silent(control: Session, scope: Scope = MIGRATIONS) -> None:
    """Ends a holder that has been silent for SILENCE_S."""
    for held in control.rows(_QUERIES["holders"], scope.run_lock):
        if held["quiet_s"] is not None and held["quiet_s"] > SILENCE_S:
            _terminate(control, held["pid"])


def await_lock(control: Session, wait_s: float, waiting: Callable[[LeaseHolder | None], None]) -> None:
    """Takes the run's lock; `waiting` is told once who has it. A holder that has been silent for SILENCE_S is ended.

    Raises PatienceError `another-run` where it is not free after `wait_s` seconds (at least GRACE_S); nothing has been changed then."""
    end, told = time.monotonic() + max(wait_s, GRACE_S), False
    while not try_lock(control):
        end_silent(control)
        if time.monotonic() >= end:
            raise _another_run(holder(control), control)
        if not told:
            waiting(holder(control))
            told = True
        time.sleep(POLL_S)


def _another_run(found: LeaseHolder | None, control: Session) -> PatienceError:
    pids = ", ".join(str(h["pid"]) for h in control.rows(_QUERIES["holders"], _RUN))
    who = found.describe() if found and found.alive else f"server process {pids or 'unknown'}"
    return PatienceError(
        "another-run",
        f"another run works on this database: {who}",
        where=f"server process {pids}" if pids else None,
        next="wait until it has ended and run again; `pgsluice status` shows how far it is",
    )


def mark_present(session: Session, scope: Scope = MIGRATIONS) -> None:
    """The session says that it belongs to the run; the first thing that it does after connecting. Nobody ever holds
    this lock exclusively, so the try always succeeds."""
    session.value(_QUERIES["try_presence"], scope.presence_lock)


def clear_backends(control: Session, own: Sequence[int], wait_s: float, scope: Scope = MIGRATIONS) -> tuple[int, ...]:
    """Ends what earlier runs left working in the server, and waits until it is gone; the run's lock must be held.

    `own` are process ids to leave alone. Returns the process ids that were ended or awaited. Raises PatienceError
    `backend-alive` where one that our role may not end still works after `wait_s` seconds."""
    end, seen, asked = time.monotonic() + wait_s, set[int](), set[int]()
    while left := [h["pid"] for h in control.rows(_QUERIES["holders"], scope.presence_lock) if h["pid"] not in own]:
        for pid in set(left) - asked:
            _terminate(control, pid)
        asked.update(left)
        seen.update(left)
        if time.monotonic() >= end:
            raise _backend_alive(left)
        time.sleep(POLL_S / 5)
    return tuple(sorted(seen))


def _terminate(control: Session, pid: int) -> None:
    """Not being permitted is no error here: then the backend is waited for."""
    try:
        control.value(_QUERIES["terminate"], {"pid": pid})
    except DatabaseError as error:
        if trouble_of(error) is not Trouble.NOT_PERMITTED:
            raise


def _backend_alive(pids: Sequence[int]) -> PatienceError:
    named = ", ".join(str(pid) for pid in pids)
    return PatienceError(
        "backend-alive",
        f"an earlier run's server process {named} still works, and this role may not end it",
        where=f"server process {named}",
        next=f"wait for it, or run as its role or a superuser: SELECT pg_terminate_backend({pids[0]});",
    )


def take(control: Session) -> int:
    """Writes us into the lease; returns the new fencing number. The run's lock must be held and the journal be there."""
    me = {"host": socket.gethostname(), "pid": os.getpid(), "os_user": _os_user()}
    return int(control.value(_QUERIES["take_lease"], me))


def name_backends(control: Session, fence: int, pids: Sequence[int]) -> None:
    """Writes down which server processes are ours, for people who look for those of a dead run."""
    identity = control.value(_QUERIES["backends"], {"pids": list(pids)})
    control.value(_QUERIES["set_backends"], {"backends": identity, "fence": fence})


def rest(control: Session, fence: int) -> None:
    """Says that the holder of that number does nothing any more, as the last word of the session: no standby is waited for."""
    control.run("SET synchronous_commit = local")
    control.rows(_QUERIES["rest"], {"fence": fence})


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def holder(session: Session) -> LeaseHolder | None:
    """Who has the lease or had it last; None where nobody ever had. Changes nothing."""
    if installed_version(session) is None:
        return None
    row = session.rows(_QUERIES["lease"])[0]
    return _holder(row, alive=bool(session.rows(_QUERIES["holders"], _RUN))) if row["fence"] else None


def _holder(row: dict[str, Any], *, alive: bool) -> LeaseHolder:
    backends = json.loads(row["backends"])
    return LeaseHolder(
        fence=row["fence"],
        host=row["host"],
        pid=row["pid"],
        user=row["os_user"],
        role=row["role"],
        since=row["since"],
        doing=row["doing"],
        backends=tuple(b["pid"] for b in backends),
        alive=alive,
    )
