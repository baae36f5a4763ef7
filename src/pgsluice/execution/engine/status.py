"""What `pgsluice status` shows: the journal, and what stands in the catalog that no run explains."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.gate.looking import look_at_gate
from pgsluice.execution.journal.backfills import BACKFILLS_SINCE, backfills
from pgsluice.execution.journal.installation import installed_version
from pgsluice.execution.journal.lease import holder
from pgsluice.execution.journal.store import Journal
from pgsluice.model.postgres.identifiers import HELPER_PREFIX
from pgsluice.model.progress import Leftover, Status

_QUERIES = named_queries(__package__)


def read_status(session: Session, *, gates: bool = False) -> Status:
    """One reading in one snapshot, with a look at the `gates` of what waits where that is asked for; needs no lease, changes
    nothing, and works on a database without a journal too.

    Raises ConnectionFailedError `journal-not-permitted` or `journal-newer`, DatabaseError."""
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        return _read(session, gates)
    finally:
        if session.in_transaction:
            session.run("ROLLBACK")


def _read(session: Session, gates: bool) -> Status:
    version = installed_version(session)
    if version is None:
        return Status(None, leftovers=tuple(_leftovers(session, ())))
    journal = Journal(session)
    leftovers = tuple(_leftovers(session, journal.unsettled_plans()))
    fills = backfills(session) if version >= BACKFILLS_SINCE else ()
    found = Status(version, journal.migrations(), fills, holder(session), leftovers)
    waiting = found.waiting_for_contract if gates else ()
    return replace(found, gates=tuple(look_at_gate(session, journal.plan(name)) for name in waiting))


def _leftovers(session: Session, plans: Sequence[str]) -> Iterator[Leftover]:
    """What a plan that is under way mentions is explained: running it to its end, or back, takes care of it."""
    for row in session.rows(_QUERIES["invalid_indexes"]):
        if not _mentioned(row["plain"], plans):
            what = "invalid index, perhaps being built" if row["building"] else "invalid index"
            yield Leftover(what, row["name"], f"DROP INDEX CONCURRENTLY {row['name']}; then build it again if it is wanted")
    for row in session.rows(_QUERIES["helper_objects"], {"prefix": HELPER_PREFIX}):
        if not _mentioned(row["plain"], plans):
            yield Leftover(f"helper {row['kind']}", row["name"], "made by pgsluice for a step that no journal knows; drop it by hand")


def _mentioned(name: str, plans: Sequence[str]) -> bool:
    return any(json.dumps(name, ensure_ascii=False)[1:-1] in plan for plan in plans)
