"""What the journal tells of a run whose news did not reach us: one that was killed and started again by another process."""

import time
from collections.abc import Iterator
from datetime import datetime

from pgsluice.execution.journal.installation import installed_version
from pgsluice.execution.journal.store import Journal
from pgsluice.model.events import Event, StepDone, StepStarted
from pgsluice.model.plan import Plan
from pgsluice.model.progress import MigrationProgress
from pgsluice.rehearsal.place import session
from pgsluice.rehearsal.sides import News


def journaled(dsn: str) -> tuple[News, Plan | None]:
    """The steps that ran, each from its last start on, with their times on this machine's monotonic clock, and the plan; nothing where
    no migration began."""
    with session(dsn) as found:
        if installed_version(found) is None:
            return [], None
        journal = Journal(found)
        begun = [migration for migration in journal.migrations() if migration.steps]
        plans = [journal.plan(migration.name) for migration in begun]
        now: datetime = found.value("SELECT pg_catalog.clock_timestamp()")
        clock = time.monotonic() - now.timestamp()
    if not plans:
        return [], None
    news = sorted((entry for migration in begun for entry in _news(migration, clock)), key=lambda entry: entry[0])
    return news, Plan(plans[0].server_version, plans[0].search_path, "", tuple(plan.migration for plan in plans))


def _news(migration: MigrationProgress, clock: float) -> Iterator[tuple[float, Event]]:
    for number, step in enumerate(migration.steps, 1):
        if step.started_at is None:
            continue
        begin_s = step.started_at.timestamp() + clock
        yield begin_s, StepStarted(migration.name, step.id, step.phase.value, step.kind.value, step.sql, number, len(migration.steps))
        if step.finished_at is not None:
            end_s = step.finished_at.timestamp() + clock
            yield end_s, StepDone(migration.name, step.id, end_s - begin_s)
