"""What the journal knows of a backfill: where it stands, what is wanted of it, and its news.

A backfill is named by migration and step, or by '' and its own name where the command line began it.
"""

import json
from dataclasses import asdict

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal import lease
from pgsluice.execution.journal.jobs import scope_of
from pgsluice.model.backfills import JobState, News, Orders, PaceName, Wanted
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.progress import BackfillProgress

_QUERIES = named_queries(__package__)

BACKFILLS_SINCE = 2
"""The version of the journal that first has what is read here; an older one is brought up to date by whoever runs."""


def open_backfill(session: Session, migration: str, step: str) -> None:
    """Makes its row, so that it can be steered before its first batch."""
    session.connection.execute(_QUERIES["open_backfill"], {"migration": migration, "step": step})


def position(session: Session, migration: str, step: str, worker: int = 0) -> str | None:
    """The cursor that the worker's last batch saved, JSON text; None where there was none."""
    facts = {"migration": migration, "step": step, "worker": worker}
    found: str | None = session.value(_QUERIES["backfill_position"], facts)
    return found


def orders(session: Session, migration: str, step: str) -> Orders:
    """What is wanted of it now."""
    rows = session.rows(_QUERIES["orders"], {"migration": migration, "step": step})
    return Orders(Wanted(rows[0]["wanted"]), rows[0]["pace"] and PaceName(rows[0]["pace"])) if rows else Orders()


def order(session: Session, migration: str, step: str, wanted: Wanted | None = None, pace: PaceName | None = None) -> bool:
    """Asks it to pause, to go on, or for another pace; False where there is no such backfill."""
    facts = {"migration": migration, "step": step, "wanted": wanted and wanted.value, "pace": pace and pace.value}
    return bool(session.rows(_QUERIES["order"], facts))


def write_news(session: Session, migration: str, step: str, news: News) -> None:
    """Waits for no disk and no standby: losing news loses nothing."""
    session.run(f"""BEGIN; SET LOCAL synchronous_commit = off;
UPDATE pgsluice.backfill SET news = {literal(json.dumps(asdict(news)))}::pg_catalog.jsonb, updated_at = pg_catalog.clock_timestamp()
WHERE migration = {literal(migration)} AND step = {literal(step)};
COMMIT""")


def add_bad_row(session: Session, migration: str, step: str, place: str, error: str) -> None:
    """Takes down a row that could not be changed."""
    session.connection.execute(_QUERIES["add_bad_row"], {"migration": migration, "step": step, "place": place, "error": error})


def backfills(session: Session) -> tuple[BackfillProgress, ...]:
    """All of them, each with what its workers have done together."""
    return tuple(
        BackfillProgress(
            migration=row["migration"],
            step=row["step"],
            rows_done=row["rows_done"],
            updated_at=row["updated_at"],
            wanted=Wanted(row["wanted"]),
            news=News(**json.loads(row["news"])) if row["news"] != "{}" else None,
            bad_rows=row["bad_rows"],
            state=row["state"] and JobState(row["state"]),
            error=row["error"],
            sql=row["sql"],
            alive=bool(row["number"] and lease.holders(session, scope_of(row["number"]))),
        )
        for row in session.rows(_QUERIES["backfills"])
    )
