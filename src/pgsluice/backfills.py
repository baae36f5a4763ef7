"""The door for changes of rows: backfills begun, steered and gone on with, by programs and by the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgsluice.api import Report, _catalog, _in_words, _session
from pgsluice.model.errors import UsageError
from pgsluice.model.settings import Settings

if TYPE_CHECKING:
    from pgsluice.execution.db.session import Session
    from pgsluice.model.backfills import Job, Wanted
    from pgsluice.model.progress import BackfillProgress


@dataclass(frozen=True, slots=True)
class Change:
    """What `backfill` shall do: `assignments` (`column = expression`) or `delete`, for the rows of `table` for which `where` holds; or
    insert into `table`, which may name its columns, what `select` says, all that follows the word. All texts as in SQL. `name` None:
    made of the rest."""

    table: str
    assignments: tuple[str, ...] = ()
    delete: bool = False
    where: str | None = None
    select: str | None = None
    name: str | None = None
    skip_triggers: bool = False
    skip_failing: bool = False


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """`rows` changed by this call, `hot` of the updates on their page; `bad` could not be changed and are recorded. `complete` False:
    rows that need it keep coming, all that were there at the beginning are done."""

    name: str
    rows: int
    hot: int
    bad: int
    complete: bool
    duration_s: float


def backfill(change: Change, settings: Settings | None = None, report: Report = lambda event: None) -> BackfillResult:
    """Changes rows in batches that give way to traffic; goes on where an earlier call for the same change was interrupted.

    Raises UsageError, RefusedError `not-in-batches`, PatienceError `another-backfill` and whatever a backfill step raises."""
    from pgsluice.analysis.planner.backfilling import job_of, statement_of
    from pgsluice.execution.backfill.signals import bounds_of, try_query
    from pgsluice.execution.engine.job import settle_job

    chosen = settings or Settings()
    bounds_of(chosen)
    sql = statement_of(change.table, change.assignments, change.where, delete=change.delete, select=change.select)
    with _session("backfill", chosen) as session:
        made = job_of(sql, _catalog(session), name=change.name, skip_triggers=change.skip_triggers, skip_failing=change.skip_failing)
        if chosen.hold_while is not None:
            try_query(session, chosen.hold_while)
        job = settle_job(session, made)
    return _work_on(job, chosen, report)


def pause(name: str | None = None, settings: Settings | None = None) -> str:
    """Holds a backfill, by default the only one; returns its name. Raises UsageError `name-needed`, `no-such-backfill`."""
    from pgsluice.model.backfills import Wanted

    return _order(name, settings or Settings(), Wanted.PAUSE).name


def throttle(name: str | None = None, settings: Settings | None = None) -> str:
    """Gives a backfill the pace of the settings; otherwise as `pause`."""
    return _order(name, settings or Settings(), None).name


def resume(
    name: str | None = None, settings: Settings | None = None, report: Report = lambda event: None
) -> tuple[str, BackfillResult | None]:
    """Lets a paused backfill go on; one of the command line that nobody works on is worked on here. Returns its name, and in
    that case how it ended. Raises as `pause` and `backfill`."""
    from pgsluice.execution.journal.jobs import find_job
    from pgsluice.model.backfills import Wanted

    chosen = settings or Settings()
    found = _order(name, chosen, Wanted.RUN)
    if found.migration or found.alive:
        return found.name, None
    with _session("backfill", chosen) as session:
        job = find_job(session, found.step)
    return found.name, _work_on(job[0], chosen, report) if job else None


def _order(name: str | None, settings: Settings, wanted: Wanted | None) -> BackfillProgress:
    """Writes down what is wanted of a backfill that has not ended (None: another pace)."""
    from pgsluice.execution.engine.status import read_status
    from pgsluice.execution.journal import backfills
    from pgsluice.model.backfills import PaceName

    with _session("steer", settings) as session:
        there = read_status(session).running_backfills
        meant = [b for b in there if name is None or name in (b.name, b.step, b.migration)]
        names = ", ".join(b.name for b in there)
        if not meant:
            what = "there is no backfill that has not ended" if name is None else f"there is no backfill {name!r} that has not ended"
            raise UsageError("no-such-backfill", what, next=f"there are: {names}" if names else "`pgsluice status` shows what there is")
        if len(meant) > 1:
            raise UsageError("name-needed", f"{len(meant)} backfills could be meant: {names}", next="name one of them")
        pace = PaceName(settings.pace) if wanted is None else None
        backfills.order(session, meant[0].migration, meant[0].step, wanted, pace)
        return meant[0]


def _work_on(job: Job, settings: Settings, report: Report) -> BackfillResult:
    from pgsluice.execution.backfill.pace import FillLimits
    from pgsluice.execution.backfill.signals import bounds_of
    from pgsluice.execution.db.connect import connect
    from pgsluice.execution.engine.job import JobRun
    from pgsluice.model.backfills import PaceName

    limits = FillLimits(stall_budget_s=settings.stall_budget, patience_s=settings.patience)

    def open_session(purpose: str) -> Session:
        return connect(settings.database, purpose, environment=os.environ)

    with _in_words():
        runner = JobRun(
            open_session,
            job,
            limits=limits,
            pace=PaceName(settings.pace),
            workers=settings.workers,
            bounds=bounds_of(settings),
            report=report,
        )
        done = runner.run()
    return BackfillResult(job.name, done.rows, done.hot, done.bad, done.complete, done.duration_s)
