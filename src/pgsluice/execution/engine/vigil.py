"""Keeps watch from the second connection while the first one works for long: harm to the application, waits, progress."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.engine.context import StepContext
from pgsluice.execution.monitor.waiting import Waiter, blockers_of, cancel, end_backend, waiters_on
from pgsluice.model.events import Waiting

CANCEL_SHARE, END_SHARE = 0.5, 1.0
"""Parts of the stall budget after which a waiting application query cancels us, and ends our backend where a trigger of the
user's has caught the cancel: the first half leaves time for looking and for rolling back."""

HARM_LOOK_S, LOOK_COST_FACTOR, LONGEST_PAUSE_SHARE = 0.010, 20, 0.25
"""Looks take a twentieth of the time; but the pause between two never outgrows this part of the stall budget, because on a busy
machine, where a look takes long, harm is done as quickly as elsewhere."""

TELL_EVERY_S = 1.0


class Vigil:
    """While the `with` block runs: cancels the work session when an application query waits behind it for too long, reports
    for whom it waits itself, and calls `progress` once a second.

    Afterwards `harmed` is the waiter for whose sake it was cancelled. Where the watching connection is lost, the work is
    cancelled if `vital`: nobody would notice the harm it does. The watch session is busy meanwhile."""

    def __init__(self, context: StepContext, progress: Callable[[], bool] = lambda: False, *, vital: bool = True) -> None:
        self._context, self._progress, self._vital = context, progress, vital
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="pgsluice-vigil", daemon=True)
        self._told: frozenset[tuple[int | None, str]] = frozenset()
        self._began = time.monotonic()
        self.harmed: Waiter | None = None
        self.failure: DatabaseError | None = None

    def __enter__(self) -> "Vigil":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        pause, next_tell = HARM_LOOK_S, time.monotonic() + TELL_EVERY_S
        try:
            while not self._stop.wait(pause):
                began = time.monotonic()
                self._prevent_harm()
                pause = self._pause_s(time.monotonic() - began)
                if began >= next_tell:
                    next_tell = began + TELL_EVERY_S
                    if not self._progress():
                        self._tell()
        except DatabaseError as error:
            self.failure = error
            if self._vital:
                with suppress(DatabaseError):  # the work may have lost its connection, too
                    self._context.work.cancel()

    def _pause_s(self, cost_s: float) -> float:
        longest_s = LONGEST_PAUSE_SHARE * self._context.limits.stall_budget_s
        return min(max(HARM_LOOK_S, LOOK_COST_FACTOR * cost_s), longest_s)

    def _prevent_harm(self) -> None:
        context = self._context
        waiters = waiters_on(context.watch, context.work.pid, ours=context.own_pids)
        waited_s, budget_s = waiters[0].waited_s if waiters else 0.0, context.limits.stall_budget_s
        if waited_s >= CANCEL_SHARE * budget_s:
            (end_backend if waited_s >= END_SHARE * budget_s and self.harmed else cancel)(context.watch, context.work.pid)
            self.harmed = self.harmed or waiters[0]

    def _tell(self) -> None:
        """For whom we wait: once for each set, and again when it changes."""
        blockers = blockers_of(self._context.watch, self._context.work.pid)
        key = frozenset((b.pid, b.transaction) for b in blockers)
        if blockers and key != self._told:
            waited_s = time.monotonic() - self._began
            self._context.report(
                Waiting(self._context.migration, self._context.step.id, "a lock, without blocking anybody", blockers, waited_s)
            )
        self._told = key
