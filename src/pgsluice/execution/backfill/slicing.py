"""In-page passes: how many, and over how many pages at once.

A batch that updates every row of a page has no room for the new versions there. One that updates every twelfth has, and when
the next one comes, pruning has freed what the former left behind: the updates stay on their page (HOT), no index grows. It
works as far as the horizon moves: until then the old versions are needed by somebody. So many pages are visited in turn
before the next slice begins that the snapshots of the slice before are gone, if need be after a wait; where they never go,
there is one slice.
"""

from dataclasses import dataclass

MOST_SLICES = 12
"""At fillfactor 100 and 80 rows a page 8 left 79 % of the updates on their page, 12 left 84 %, 16 left 85 %, at 0.5, 0.48 and 0.54 of
the CPU of one UPDATE with 4 indexes: each slice looks at all rows of its pages (18, 400,000 rows)."""

FIRST_PAGES = 512
"""Of a tour: at 50 rows a page and 12 slices one batch of 20 ms covers it."""

FIRST_RATE = 50_000.0
"""Rows a second, until it was measured: a table with four indexes on 2 cores made 60,000 to 160,000."""

MARGIN = 1.5
"""Snapshots are seen at an age that they outgrow before they go."""

WAITING, FEW_SLICES = 3, 4
"""Where the work is done sooner than snapshots go, it waits for them between slices, up to so many times as long as the work itself takes,
for a few slices: three quarters of the updates stay on their page then, instead of none."""

GOOD = 0.5
"""Of the HOT share that so many slices can reach; below, old versions are held for longer than was thought."""

STUCK_S = 60.0
"""A horizon that is older than this is not waited for: a report, a slot, a forgotten transaction."""


@dataclass(frozen=True, slots=True)
class Tour:
    """Pages from `start` up to, without, `end`, gone over `slices` times, each time for other rows; from the beginning of one time to
    that of the next at least `gap_s`."""

    start: int
    end: int
    slices: int
    gap_s: float = 0.0


@dataclass(slots=True)
class Slicing:
    """`rows_per_page` as far as is known (0: not yet); `able` False where no update can stay on its page. `felt_s` is how long old
    versions seem to be held, from what the server's HOT counts show."""

    rows_per_page: float = 0.0
    able: bool = True
    rate: float = FIRST_RATE
    felt_s: float = 0.0

    def tour(self, start: int, end: int, seen_s: float) -> Tour:
        """The next pages; `seen_s` is the age of the oldest snapshot, as far as our role may see it."""
        held_s, rows = max(seen_s, self.felt_s), self.rows_per_page
        gap_s, left_s = MARGIN * held_s, (end - start) * (rows or 50) / self.rate
        slices = MOST_SLICES if self.able and held_s < STUCK_S else 1
        if rows:
            slices = min(slices, int(rows / 2))
        if gap_s:
            slices = min(slices, max(int(left_s / gap_s), min(FEW_SLICES, int(WAITING * left_s / gap_s))))
        if slices <= 1:
            return Tour(start, end, 1)
        wide = int(gap_s * self.rate * slices / (rows or 50))
        return Tour(start, min(end, start + max(FIRST_PAGES, wide)), slices, gap_s)

    def learn(self, tour: Tour, rows: int, hot: int, seconds: float) -> bool:
        """What a slice after the first of a tour has shown; False where the tour should be begun anew, wider."""
        if rows < 100:
            return True
        self.rate += (rows / max(seconds, 1e-3) - self.rate) / 4
        if hot / rows >= GOOD:
            self.felt_s *= 0.9
            return True
        self.felt_s = max(0.05, self.felt_s * 2, 1.5 * max(seconds, tour.gap_s))
        return False

    def measured(self, tour: Tour, pages: int, rows: int) -> None:
        """Rows that one slice has changed on so many pages."""
        if pages and rows:
            self.rows_per_page = rows * tour.slices / pages
