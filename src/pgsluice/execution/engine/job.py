"""A backfill of the command line: written down, taken over from the dead, worked on, ended."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import chain, repeat

from pgsluice.execution.backfill.fill import FillResult, Worker
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.signals import probe_of, signals_of, try_query
from pgsluice.execution.backfill.steered import run_steered
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, sqlstate_of, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.tenure import PAUSES_S, Connect, is_lost, set_search_path
from pgsluice.execution.journal import backfills, lease
from pgsluice.execution.journal.installation import install, installed_version, schema_parts
from pgsluice.execution.journal.jobs import await_job, end_job, find_job, new_job, take_job
from pgsluice.execution.journal.recording import LEASE_LOST, batch_record
from pgsluice.execution.throttle.throttle import Throttle
from pgsluice.model.backfills import Bounds, Job, JobState, PaceName
from pgsluice.model.errors import ConnectionFailedError, InputError, PatienceError, PgsluiceError, StepFailedError, StoppedError, UsageError
from pgsluice.model.events import Event, Notice

_DURABLE = """SELECT pg_catalog.set_config('synchronous_commit', 'local', false)
WHERE pg_catalog.current_setting('synchronous_commit') = 'off'"""


def settle_job(control: Session, job: Job) -> Job:
    """Writes the job down, with the journal where it is missing. Returns what is to be done: one of the same name that has begun
    and not ended is gone on with. Raises UsageError `other-backfill` where that does something else, PatienceError."""
    _try(control, job)
    control.run(_DURABLE)
    if installed_version(control) != max(schema_parts()):
        lease.await_lock(control, 0.0, lambda holder: None)
        install(control)
        lease.unlock(control)
    found = find_job(control, job.name)
    if found is None or found[1] is JobState.DONE:
        new_job(control, job)
    elif found[0].sql != job.sql:
        raise UsageError(
            "other-backfill",
            f"a backfill called {job.name} has begun and not ended, and does something else: {found[0].sql}",
            next=f"`pgsluice resume {job.name}` goes on with it; or give this one another --name",
        )
    backfills.open_backfill(control, "", job.name)
    return job if found is None or found[1] is JobState.DONE else found[0]


def _try(control: Session, job: Job) -> None:
    """Whether the server understands the statement; nothing runs. Raises InputError `not-understood`, PatienceError."""
    try:
        control.run(f"BEGIN READ ONLY; SET LOCAL lock_timeout = '1s'; EXPLAIN {job.sql}")
    except DatabaseError as error:
        if trouble_of(error) is Trouble.LOCK_TIMEOUT:
            locked = f"{job.fill.table} is locked by somebody"
            raise PatienceError("table-locked", locked, next="`SELECT * FROM pg_locks` shows by whom; try again") from error
        if trouble_of(error) is Trouble.CONNECTION_LOST:
            raise
        raise InputError("not-understood", f"the server refuses: {message_of(error)}", next="correct --set and --where") from error
    finally:
        if control.in_transaction:
            control.run("ROLLBACK")


class JobRun:
    """One runner of a job, from `run` to its end; a lost connection is made anew until the patience limit."""

    def __init__(
        self,
        connect: Connect,
        job: Job,
        *,
        limits: FillLimits,
        pace: PaceName = PaceName.NORMAL,
        workers: int = 1,
        bounds: Bounds | None = None,
        report: Callable[[Event], None] = lambda event: None,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        self._connect, self._job, self._limits, self._pace = connect, job, limits, pace
        self._workers, self._bounds = workers, bounds or Bounds()
        self._report, self._checkpoint = report, checkpoint
        self._tally = Tally()

    def run(self) -> FillResult:
        """Raises as `run_fill`, PatienceError `another-backfill`, StoppedError `lease-lost`, ConnectionFailedError."""
        give_up, pauses = time.monotonic() + self._limits.patience_s, chain(PAUSES_S, repeat(PAUSES_S[-1]))
        while True:
            began = time.monotonic()
            try:
                return self._once()
            except (DatabaseError, ConnectionFailedError) as error:
                if isinstance(error, DatabaseError) and sqlstate_of(error) == LEASE_LOST:
                    raise StoppedError("lease-lost", "somebody else works on it now", next="see `pgsluice status`") from error
                if time.monotonic() - began > max(PAUSES_S) * 2:
                    give_up = time.monotonic() + self._limits.patience_s
                if not is_lost(error) or time.monotonic() >= give_up:
                    raise self._in_words(error) from error
                self._report(Notice("", self._job.name, f"the connection was lost and is made anew: {message_of(error)}"))
            time.sleep(next(pauses))

    def _once(self) -> FillResult:
        with ExitStack() as open_sessions:

            def session(purpose: str) -> Session:
                opened = self._connect(purpose)
                open_sessions.callback(_close, opened)
                return opened

            control = session("control")
            control.run(_DURABLE)
            found = find_job(control, self._job.name)
            if found is None:
                raise StoppedError("lease-lost", f"the backfill {self._job.name} is not in the journal any more")
            scope = found[2]
            if self._bounds.query is not None:
                try_query(control, self._bounds.query)
            await_job(control, self._job.name, scope)
            crew = [session("backfill") for _ in range(1 if self._job.fill.key else self._workers)]
            lease.clear_backends(control, (control.pid, *(s.pid for s in crew)), self._limits.patience_s, scope)
            fence = take_job(control, self._job.name)
            for one in crew:
                self._prepare(one, scope)
            return self._work(control, crew, fence)

    def _prepare(self, session: Session, scope: lease.Scope) -> None:
        lease.mark_present(session, scope)
        set_search_path(session, self._job.search_path)
        if self._job.skip_triggers:
            try:
                session.run("SET session_replication_role = replica")
            except DatabaseError as error:
                if trouble_of(error) is not Trouble.NOT_PERMITTED:
                    raise
                raise ConnectionFailedError(
                    "triggers-not-skipped",
                    "this role may not skip triggers (session_replication_role)",
                    next="run as a superuser; or GRANT SET ON PARAMETER session_replication_role (PostgreSQL 15 and newer)",
                ) from error

    def _work(self, control: Session, crew: list[Session], fence: int) -> FillResult:
        name = self._job.name
        workers = [self._worker(control, one, number, fence) for number, one in enumerate(crew)]

        def bad(place: str, error: str) -> None:
            backfills.add_bad_row(control, "", name, place, error)

        try:
            result = run_steered(
                workers,
                self._job.fill,
                self._limits,
                self._pace,
                ("", name),
                looks=control,
                throttle=self._throttle([one.pid for one in crew]),
                tally=self._tally,
                report=self._report,
                checkpoint=self._checkpoint,
                bad=bad if self._job.skip_failing else None,
            )
        except (PatienceError, StepFailedError) as error:
            end_job(control, name, fence, JobState.FAILED, str(error))
            raise
        end_job(control, name, fence, JobState.DONE)
        return result

    def _throttle(self, pids: list[int]) -> Throttle:
        name = self._job.name
        signals = signals_of(self._bounds, self._job.fill.table, lambda: pids, probe_of("", name))
        return Throttle(lambda: self._connect("throttle"), signals, lambda text: self._report(Notice("", name, text)))

    def _worker(self, control: Session, session: Session, number: int, fence: int) -> Worker:
        name = self._job.name

        def record(position: str, rows: str) -> str:
            return batch_record(fence, "", name, position, rows, worker=number, job=name)

        return Worker(session, record, backfills.position(control, "", name, number))

    def _in_words(self, error: DatabaseError | ConnectionFailedError) -> PgsluiceError:
        if isinstance(error, ConnectionFailedError):
            return error
        return StepFailedError(
            "statement-failed", f"the server refused: {message_of(error)}", next=f"correct the cause; `pgsluice resume {self._job.name}`"
        )


def _close(session: Session) -> None:
    with suppress(DatabaseError):
        session.close()
