"""Makes a strike durable, after its locks are gone: it was committed without waiting for anybody."""

import threading
import time

from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.engine.context import StepContext
from pgsluice.execution.engine.refusals import lost
from pgsluice.execution.monitor.waiting import cancel
from pgsluice.model.errors import StoppedError
from pgsluice.model.events import Notice

TELL_AFTER_S = 2.0
"""A write that takes longer than this waits for a standby, or for a disk that is as good as dead."""

_WRITE = """BEGIN READ WRITE;
SELECT pg_catalog.set_config('synchronous_commit', 'local', true)
WHERE pg_catalog.current_setting('synchronous_commit') = 'off';
SELECT pg_catalog.pg_logical_emit_message(true, 'pgsluice', '');
COMMIT"""
"""A commit record of its own flushes every earlier one; it waits for the synchronous standbys as the user's own commits do."""


def make_durable(context: StepContext) -> None:
    """Returns when what was committed is on disk here and on the synchronous standbys, as the role's synchronous_commit asks.

    Raises StoppedError `standby-silent` after the patience limit: the step is done, and on disk here, but no standby says so."""
    done, silent = threading.Event(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(context, done, silent), name="pgsluice-durable", daemon=True)
    watcher.start()
    try:
        context.work.run(_WRITE)
    except DatabaseError as error:
        raise lost(context, error) from error
    finally:
        done.set()
        watcher.join()
    if silent.is_set():
        raise StoppedError(
            "standby-silent",
            f"the step is done here, but no synchronous standby has confirmed it within {context.limits.patience_s:.0f} s",
            where=context.place,
            next="bring the standby back (or correct synchronous_standby_names), then run again",
        )


def _watch(context: StepContext, done: threading.Event, silent: threading.Event) -> None:
    """Says that we wait for a standby, and ends the wait (the write stands all the same) after the patience limit."""
    began = time.monotonic()
    if done.wait(min(TELL_AFTER_S, context.limits.patience_s)):
        return
    text = "the step is done; waiting for a synchronous standby (or the disk) to confirm it, with no lock held"
    context.report(Notice(context.migration, context.step.id, text))
    while not done.wait(max(0.2, context.limits.patience_s - (time.monotonic() - began))):
        silent.set()
        try:
            cancel(context.watch, context.work.pid)
        except DatabaseError:
            return
