"""What the journal says of work under way, for those who watch: a few short queries, whatever the history's length."""

import time
from dataclasses import replace

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal.backfills import BACKFILLS_SINCE
from pgsluice.execution.journal.installation import installed_version
from pgsluice.execution.journal.lease import holder
from pgsluice.model.snapshot import RunBackfill, Runs, RunStep

_QUERIES = named_queries(__package__)


class JournalReader:
    """Reads again and again, and so knows at what rate backfills fill."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[float, int]] = {}

    def read(self, session: Session) -> Runs:
        """What is under way; empty where there is no journal. Raises ConnectionFailedError `journal-not-permitted` or `journal-newer`."""
        version = installed_version(session)
        if version is None:
            return Runs()
        filling = session.rows(_QUERIES["under_way_backfills"]) if version >= BACKFILLS_SINCE else ()
        held = holder(session)
        return Runs(
            holder=held.describe() if held else "",
            alive=bool(held and held.alive),
            doing=held.doing if held else "",
            backends=held.backends if held and held.alive else (),
            migrations=tuple(row["said"] for row in session.rows(_QUERIES["under_way_migrations"])),
            steps=tuple(RunStep(**row) for row in session.rows(_QUERIES["under_way_steps"])),
            backfills=tuple(self._rated(RunBackfill(**row)) for row in filling),
        )

    def _rated(self, fill: RunBackfill) -> RunBackfill:
        key, now = (fill.migration, fill.step), time.monotonic()
        before = self._before.get(key)
        self._before[key] = (now, fill.rows_done)
        if before is None or now <= before[0]:
            return fill
        return replace(fill, rows_per_s=max(0.0, (fill.rows_done - before[1]) / (now - before[0])))
