"""Beside the workers of a backfill: hands them what the journal and the throttle say, and writes down how far they are."""

import re
import threading
import time
from collections.abc import Callable

from pgsluice.execution.backfill.reins import Reins
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal import backfills
from pgsluice.execution.throttle.throttle import Verdict
from pgsluice.model.backfills import News, PaceName, Wanted
from pgsluice.model.events import Event, Notice

LOOK_S = 0.25
"""Between two looks at the orders: a stop holds within a second, and one short statement four times a second is no load."""

NEWS_S = 1.0
"""Between two news in the journal."""

_NUMBERS = re.compile(r"[\d.,]+ ?(ms|s|min|MB)?")
"""What changes in a reason from look to look."""

_PAUSED = "paused (`pgsluice resume` goes on)"


class Overseer:
    """Works in a thread of its own while the `with` block runs, on the session `looks`, which is busy meanwhile. `verdict` gives what
    the throttle said last. Where the session is lost the workers are stopped: nobody could stop them any more."""

    def __init__(
        self,
        looks: Session,
        reins: Reins,
        tally: Tally,
        name: tuple[str, str],
        pace: PaceName,
        *,
        workers: int = 1,
        report: Callable[[Event], None] = lambda event: None,
        verdict: Callable[[], Verdict] = Verdict,
    ) -> None:
        self._session, self._reins, self._tally = looks, reins, tally
        self._name, self._pace, self._workers, self._report, self._verdict = name, pace, workers, report, verdict
        self._base = reins.limits
        self._told: str | None = None
        self._stop = threading.Event()
        self._wal = 0
        self._thread = threading.Thread(target=self._keep, name="pgsluice overseer", daemon=True)

    def __enter__(self) -> "Overseer":
        self._wal = _wal_written(self._session)
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if not self._session.closed and self._reins.failure is None:
            self._write()

    def _keep(self) -> None:
        next_news = time.monotonic()
        try:
            while not self._stop.wait(LOOK_S):
                self._look()
                if time.monotonic() >= next_news:
                    next_news = time.monotonic() + NEWS_S
                    self._write()
        except DatabaseError as error:
            self._reins.stop(error)

    def _look(self) -> None:
        said, verdict = backfills.orders(self._session, *self._name), self._verdict()
        pace = said.pace or self._pace
        self._reins.limits = self._base.at(pace)
        self._reins.ease = verdict.ease
        self._reins.held = _PAUSED if said.wanted is Wanted.PAUSE else verdict.held
        self._slowed = verdict.slowed
        self._tell(self._reins.held or verdict.slowed)
        self._now = pace

    def _tell(self, reason: str | None) -> None:
        """Each reason once, and when it is gone."""
        kind = reason and _NUMBERS.sub("", reason)
        if kind != self._told:
            self._told = kind
            said = f"the backfill {'waits' if self._reins.held else 'slows down'}: {reason}" if reason else "the backfill goes on"
            self._report(Notice(*self._name, said))

    def _write(self) -> None:
        rate, eta = self._tally.look(self._workers)
        news = News(
            share=self._tally.share(self._workers),
            rows_per_s=round(rate, 1),
            hot=round(self._tally.hot_share, 3),
            wal_bytes=_wal_written(self._session) - self._wal,
            eta_s=None if eta is None else round(eta, 1),
            waiting=self._reins.held or (self._slowed and f"slowed down: {self._slowed}") or self._reins.waiting,
            pace=self._now,
        )
        backfills.write_news(self._session, *self._name, news)


def _wal_written(session: Session) -> int:
    return int(session.value("SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')"))
