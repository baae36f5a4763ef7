"""One pass over one heap: windows from the cursor to the end, smaller where they take too long or meet locks."""

import time
from dataclasses import dataclass, field

from pgsluice.execution.backfill.batch import Outcome
from pgsluice.execution.backfill.cursor import Cursor
from pgsluice.execution.backfill.filling import BadRowError, Filling
from pgsluice.execution.backfill.heap import Heap, Window
from pgsluice.execution.backfill.obstacles import row_blockers, table_blockers
from pgsluice.execution.backfill.pace import Pace
from pgsluice.execution.backfill.reach import InWindow
from pgsluice.execution.backfill.slicing import Slicing, Tour
from pgsluice.model.activity import Blocker

TRIES = 2
"""Of a window that met a lock, before it is made smaller: most locks of an application are gone by the second."""

SLOW_TRIES = 5
"""Of one row that is not done within half of the stall budget, before it is said to be too slow."""

SEEN_EVERY_S, FADING = 2.0, 0.8
"""Between two looks at the age of the oldest snapshot, and what is left of the last look: the oldest one may just have gone."""


SNAPSHOTS = "until snapshots of the application that still need the old rows are gone: the next updates stay on their pages then"


@dataclass
class HeapPass:
    """Goes over the pages of `span`. `at` is the place to go on from; `changed` the rows changed in this pass; `later` the windows
    in which somebody had locked a row."""

    work: Filling
    heap: Heap
    span: tuple[int, int]
    cursor: Cursor
    pace: Pace
    slicing: Slicing
    at: int = 0
    tries: int = 0
    changed: int = 0
    replaced: bool = False
    later: list[Window] = field(default_factory=list)
    _seen_at: float = field(default=-SEEN_EVERY_S, init=False)
    _seen_s: float = field(default=0.0, init=False)
    _slice: tuple[int, int, int] = field(default=(0, 0, 0), init=False)

    def run(self) -> bool:
        """To the end of the span, as far as the heap reached when it was listed; False where it was replaced meanwhile.

        A page that stays locked is put off to the end, and then insisted on: none is left out. Raises PatienceError."""
        tour = self.cursor.tour_in(self.heap)
        first, place = (self.cursor.slice, self.cursor.place(self.heap)) if tour else (0, 0)
        start = tour.start if tour else self.span[0]
        while start < self.span[1] and not self.replaced:
            tour = tour or self._next_tour(start)
            start = tour.end if self._walk(tour, first, place) else start
            tour, first, place = None, 0, 0
        if self.later and not self.replaced:
            where = self.later[0]
            self.work.insist(self._retry, lambda: row_blockers(self.work.session, self.heap, where), f"a row of {self.heap.name}")
        return not self.replaced

    def _next_tour(self, start: int) -> Tour:
        if time.monotonic() - self._seen_at > SEEN_EVERY_S and self.slicing.able:
            self._seen_at, self._seen_s = time.monotonic(), max(self.work.oldest_snapshot_s(), FADING * self._seen_s)
        return self.slicing.tour(start, self.span[1], self._seen_s)

    def _walk(self, tour: Tour, first: int, place: int) -> bool:
        """All slices of a tour, the first one from `place` on; False where it should be begun anew, wider."""
        lines = self.heap.lines_per_page
        if tour.slices != self.work.slices:
            self.pace.rescale(tour.slices / self.work.slices)
            self.work.slices = tour.slices
        for number in range(first, tour.slices):
            self.at, began, before = max(tour.start * lines, place), time.monotonic(), (self.work.rows, self.work.hot)
            while self.at < tour.end * lines and not self.replaced:
                end = self.pace.end(self.at, tour.end * lines)
                self._go_on(Window(self.at, end), tour, number)
                self._say(tour, number)
            place, rows, hot = 0, self.work.rows - before[0], self.work.hot - before[1]
            if number == 0:
                self.slicing.measured(tour, tour.end - tour.start, rows)
            elif not self.slicing.learn(tour, rows, hot, time.monotonic() - began) and number <= tour.slices // 2:
                return self.replaced
            if number + 1 < tour.slices and not self.replaced:
                self.work.reins.wait(began + tour.gap_s - time.monotonic(), SNAPSHOTS)
        return True

    def _say(self, tour: Tour, number: int) -> None:
        pages = tour.end - tour.start
        within = (number + (self.heap.page(self.at) - tour.start) / pages) / tour.slices if pages else 1.0
        self.work.say_progress(self.cursor.pass_number, self.span[0], tour.start + within * pages)

    def _go_on(self, window: Window, tour: Tour, number: int) -> None:
        try:
            outcome = self._batch(window, tour, number)
        except BadRowError as error:
            self._bad(window, error)
            return
        if outcome is Outcome.DONE:
            self.at, self.tries = window.end, 0
        elif outcome is Outcome.TOO_LONG and not window.is_one_line:
            self.pace.shrink(10)
            self.tries = 0
        elif outcome is Outcome.LOCKED and self.tries >= TRIES:
            self._locked(window)

    def _batch(self, window: Window, tour: Tour, number: int) -> Outcome:
        """Counts the tries; raises StepFailedError where a single row takes too long again and again."""
        after = self.cursor.at(self.heap, max(self.at, window.end), tour, number)
        result = self.work.batch(self.heap, InWindow(window, number, tour.slices), after.sql())
        self.tries += 1
        self.replaced = result.outcome is Outcome.REPLACED
        if result.outcome is Outcome.DONE:
            self.changed += result.rows
            self.pace.took(result.seconds, self.work.limits.aim_s)
        elif result.outcome is Outcome.TOO_LONG and window.is_one_line and self.tries >= SLOW_TRIES:
            raise self.work.too_slow(f"{self.heap.name}, row {self.heap.place(window.start)}")
        return result.outcome

    def _bad(self, window: Window, error: BadRowError) -> None:
        """Halved until the one row is found that cannot be changed."""
        if window.is_one_line:
            self.work.bad_row(error, self.heap, self.heap.place(window.start))
            self.at, self.tries = window.end, 0
        else:
            self.pace.shrink((window.end - window.start) / max(1, (window.end - window.start) // 2))

    def _locked(self, window: Window) -> None:
        """A lock on the table is waited for; one on a row makes the window smaller, and a page is put off as a whole."""

        def blockers() -> tuple[Blocker, ...]:
            return table_blockers(self.work.session, self.heap.name)

        if blockers():
            self.work.insist(lambda: not blockers(), blockers, f"the table {self.heap.name}")
        elif window.end - window.start > self.heap.lines_per_page:
            self.pace.shrink(2)
        else:
            self.later.append(window)
            self.at = window.end
        self.tries = 0

    def _retry(self) -> bool:
        """Tries all pages that were put off, whole; whether none is left."""
        left, whole = list[Window](), Tour(self.span[1], self.span[1], 1)
        for window in self.later:
            try:
                outcome = Outcome.REPLACED if self.replaced else self._batch(window, whole, 0)
            except BadRowError as error:
                outcome = Outcome.TOO_LONG
                if window.is_one_line:
                    self.work.bad_row(error, self.heap, self.heap.place(window.start))
                    continue
            if outcome is Outcome.TOO_LONG:
                left += window.halves()
            elif outcome is Outcome.LOCKED:
                left.append(window)
        self.later = left
        return not left
