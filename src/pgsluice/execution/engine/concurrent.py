"""Statements that run outside a transaction, and for long: concurrent builds and drops, VACUUM and the like.

They have no timeout: lock_timeout or statement_timeout would kill a concurrent build and leave an invalid index.
"""

import time
from collections.abc import Iterable

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.engine.attempt import absorb_cancel
from pgsluice.execution.engine.context import StepContext
from pgsluice.execution.engine.refusals import blocks_application, lost
from pgsluice.execution.engine.vigil import Vigil
from pgsluice.execution.monitor.builds import build_progress, index_state, possible_builders
from pgsluice.execution.monitor.holders import Sightings
from pgsluice.execution.monitor.waiting import Waiter, activity_of
from pgsluice.model.activity import Blocker
from pgsluice.model.backfills import PaceName
from pgsluice.model.errors import StepFailedError
from pgsluice.model.events import Notice, Progress, Waiting

BUILDER_LOOK_S = 0.25


class Concurrently:
    """Runs such statements for one step, watched: reports progress and waits, and cancels what harms the application."""

    def __init__(self, context: StepContext, *, vital: bool = False) -> None:
        """`vital`: the statement may be one that blocks the application, so that it must not run unwatched."""
        self._context, self._vital = context, vital
        self._told: object = None
        self._harmed: Waiter | None = None
        self._began = time.monotonic()

    def run(self, sql: str) -> DatabaseError | None:
        """Runs one statement to its end; what failed, None after success. The statement was cancelled where application
        queries waited behind it. Raises OutcomeUnknownError where the connection is lost, DatabaseError where the watching one is."""
        context, failure = self._context, None
        if context.limits.pace is PaceName.GENTLE:
            context.work.run("SET max_parallel_maintenance_workers = 0")
        if context.step.session:
            context.work.run(context.step.session)
        context.work.run("SET lock_timeout = 0; SET statement_timeout = 0")
        with Vigil(context, self._progress, vital=self._vital) as vigil:
            try:
                context.work.run(sql)
            except DatabaseError as error:
                failure = error
        if failure is not None and trouble_of(failure) is Trouble.CONNECTION_LOST:
            raise lost(context, failure) from failure
        if failure is not None and vigil.failure is not None and self._vital:
            raise vigil.failure  # cancelled because nobody watched any more
        self._harmed = vigil.harmed
        if vigil.harmed is not None:
            absorb_cancel(context)
        return failure

    def drop_leftovers(self, indexes: Iterable[str], table: str) -> None:
        """Drops those of the indexes that are still invalid once nobody can be building them any more. Raises StepFailedError."""
        for index in indexes:
            self.await_builders(table)
            state = index_state(self._context.watch, index)
            if state is None or state.usable:
                continue
            failure = self.run(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
            if failure is not None:
                raise self.failed(failure, f"the invalid index {index} could not be dropped")
            self._notice(f"dropped the invalid index {index}, which an unfinished build had left")

    def await_builders(self, table: str) -> None:
        """Returns when nobody holds a lock on the table that a build holds. Says who does; `checkpoint` may end it."""
        sightings = Sightings()
        while holders := possible_builders(self._context.watch, table, ours=self._context.own_pids, sightings=sightings):
            self._context.checkpoint()
            self._tell("whoever may be building an index on the table", holders)
            time.sleep(BUILDER_LOOK_S)

    def failed(self, failure: DatabaseError, what: str) -> StepFailedError:
        """The error for a statement that the server refused, or that was cancelled for the application's sake."""
        if self._harmed is not None and trouble_of(failure) is Trouble.CANCELLED:
            return blocks_application(self._context, 1, self._harmed.what)
        return StepFailedError(
            "statement-failed",
            f"{what}: {message_of(failure)}",
            where=self._context.place,
            next="correct the cause and run again, or roll back",
        )

    def _progress(self) -> bool:
        """Reports how far a build is; whether that said all there is to say."""
        context = self._context
        found = build_progress(context.watch, context.work.pid)
        if found is None:
            return False
        if found.waiting:
            pids = [found.locker] if found.locker else []
            self._tell(found.phase, activity_of(context.watch, pids))
            return bool(pids)
        context.report(Progress(context.migration, context.step.id, found.done, found.total or None, found.unit, found.phase))
        return True

    def _tell(self, what: str, blockers: tuple[Blocker, ...]) -> None:
        key = (what, frozenset((b.pid, b.gid) for b in blockers))
        if blockers and key != self._told:
            self._told = key
            waited_s = time.monotonic() - self._began
            self._context.report(Waiting(self._context.migration, self._context.step.id, what, blockers, waited_s))

    def _notice(self, message: str) -> None:
        self._context.report(Notice(self._context.migration, self._context.step.id, message))
