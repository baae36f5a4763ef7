"""Backfills of the command line: what each does, and who works on it.

Each has locks of its own, so that an eight-hour backfill holds up no migration, nor another backfill.
"""

import json
import os
import socket
import time
from dataclasses import asdict

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal import lease
from pgsluice.model.backfills import Job, JobState
from pgsluice.model.errors import PatienceError, StoppedError
from pgsluice.model.steps import Copy, Fill

_QUERIES = named_queries(__package__)

FIRST_KEY = 16
"""Of the advisory locks: below are those of migrations."""


def scope_of(number: int) -> lease.Scope:
    """The locks of the job with that number."""
    return lease.Scope(FIRST_KEY + 2 * number, FIRST_KEY + 2 * number + 1)


def find_job(session: Session, name: str) -> tuple[Job, JobState, lease.Scope] | None:
    """The job of that name with its state and its locks; None without one."""
    rows = session.rows(_QUERIES["job"], {"name": name})
    if not rows:
        return None
    facts = json.loads(rows[0]["job"])
    fill = facts.pop("fill")
    copy = Copy(**fill["copy"]) if fill.get("copy") else None
    made = Fill(**{**fill, "assignments": tuple((c, e) for c, e in fill["assignments"]), "key": tuple(fill["key"]), "copy": copy})
    job = Job(**{**facts, "fill": made, "search_path": tuple(facts["search_path"])})
    return job, JobState(rows[0]["state"]), scope_of(rows[0]["number"])


def new_job(session: Session, job: Job) -> None:
    """Writes it down, in the place of one of the same name that has ended."""
    session.rows(_QUERIES["new_job"], {"name": job.name, "job": json.dumps(asdict(job), ensure_ascii=False)})


def await_job(control: Session, name: str, scope: lease.Scope) -> None:
    """Takes the job's lock; a dead holder is gone within moments, a silent one is ended.

    Raises PatienceError `another-backfill` where somebody else works on it."""
    end = time.monotonic() + lease.GRACE_S
    while not lease.try_lock(control, scope):
        lease.end_silent(control, scope)
        if time.monotonic() >= end:
            pids = ", ".join(map(str, lease.holders(control, scope)))
            raise PatienceError(
                "another-backfill",
                f"the backfill {name} is being worked on by server process {pids or 'unknown'}",
                next="`pgsluice status` shows how far it is; `pgsluice pause` and `pgsluice throttle` steer it",
            )
        time.sleep(lease.POLL_S)


def take_job(control: Session, name: str) -> int:
    """Writes us down as who works on it; returns the new fencing number. Its lock must be held."""
    return int(control.value(_QUERIES["take_job"], {"name": name, "host": socket.gethostname(), "pid": os.getpid()}))


def end_job(control: Session, name: str, fence: int, state: JobState, error: str | None = None) -> None:
    """Says how it ended; the synchronous write that makes its batches durable."""
    if not control.rows(_QUERIES["end_job"], {"name": name, "fence": fence, "state": state.value, "error": error}):
        raise StoppedError("lease-lost", f"somebody else works on the backfill {name} now", next="see `pgsluice status`")
