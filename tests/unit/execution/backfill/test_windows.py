"""The arithmetic of windows and their size."""

from itertools import pairwise

from pgsluice.execution.backfill.cursor import Cursor, KeyCursor
from pgsluice.execution.backfill.heap import Heap, Window
from pgsluice.execution.backfill.pace import GROWTH, MOST_PAGES, TARGET_S, FillLimits, Pace
from pgsluice.execution.backfill.slicing import Slicing, Tour

HEAP = Heap(oid=42, name="public.t", alias="t", filenode=7, blocks=10, block_size=8192)
PAGE = HEAP.lines_per_page


def test_a_page_has_room_for_every_line_that_it_can_hold():
    assert PAGE > (8192 - 24) // 28 and HEAP.place(PAGE) == "(1,0)" and HEAP.place(PAGE - 1) == f"(0,{PAGE - 1})"


def windows(pace: Pace) -> list[Window]:
    found, at = [], 0
    while at < HEAP.end:
        found.append(Window(at, pace.end(at, HEAP.end)))
        at = found[-1].end
    return found


def test_windows_of_any_width_cover_the_heap_without_gap_or_overlap():
    for width in (1, 3, PAGE - 1, PAGE, PAGE + 1, 2.5 * PAGE, 100 * PAGE):
        covered = windows(Pace(PAGE, width))
        assert covered[0].start == 0 and covered[-1].end == HEAP.end
        assert all(a.end == b.start and a.end > a.start for a, b in pairwise(covered))
        assert all(w.end % PAGE == 0 for w in covered if width >= PAGE)


def test_halves_make_up_the_whole_and_end_at_one_line():
    left, right = Window(10, 13).halves()
    assert (left.start, left.end, right.start, right.end) == (10, 11, 11, 13)
    assert Window(5, 6).is_one_line and Window(5, 6).halves() == [Window(5, 6)]


def test_the_width_follows_the_target():
    pace = Pace(PAGE, 10 * PAGE)
    pace.took(0.010, TARGET_S)
    assert pace.width == 10 * PAGE * GROWTH
    pace.took(0.040, TARGET_S)
    assert pace.width == 10 * PAGE * GROWTH / 2
    for _ in range(50):
        pace.took(0.0, TARGET_S)
    assert pace.width == MOST_PAGES * PAGE
    pace.took(1.0, TARGET_S)
    assert pace.width == MOST_PAGES * PAGE / 10
    for _ in range(50):
        pace.shrink(10)
    assert pace.width == 1


def test_a_batch_and_all_that_it_waits_for_fit_the_budget():
    for budget in (0.02, 0.1, 1.0):
        limits = FillLimits(stall_budget_s=budget)
        assert limits.aim_s <= budget / 2 and limits.statement_timeout_ms / 1000 + limits.lock_timeout_ms / 1000 < budget


def test_the_cursor_goes_on_where_it_was_and_anew_in_a_new_file():
    tour = Tour(2, 9, 4)
    saved = cursor_of(Cursor(pass_number=2).at(HEAP, 3 * PAGE + 5, tour, 3))
    assert (saved.place(HEAP), saved.tour_in(HEAP), saved.slice, saved.pass_number) == (3 * PAGE + 5, tour, 3, 2)
    assert saved.tour_in(Heap(42, "public.t", "t", 8, 10, 8192)) is None
    assert saved.is_past(Heap(41, "public.a", "t", 7, 10, 8192))
    assert not saved.is_past(Heap(43, "public.z", "t", 7, 10, 8192)) and saved.tour_in(Heap(43, "public.z", "t", 7, 10, 8192)) is None
    assert Cursor.read(None).tour_in(HEAP) is None


def test_a_cursor_of_other_workers_begins_its_pass_anew():
    saved = Cursor(pass_number=2, workers=2).at(HEAP, 5, Tour(0, 9, 1), 0)
    assert cursor_of(saved, workers=3) == Cursor(2, workers=3) and cursor_of(saved, workers=2) == saved


def test_an_older_cursor_is_understood():
    old = Cursor.read('{"pass_number": 1, "oid": 42, "filenode": 7, "page": 4, "line": 3}')
    assert old.tour_in(HEAP) == Tour(0, 5, 1) and old.place(HEAP) == 4 * PAGE + 3


def test_keys_keep_every_digit():
    cursor = KeyCursor.read('{"oid": 42, "after": [0.10000000000000000000000000001, "a\\u00e9"], "end": [2, "z"]}')
    assert cursor == KeyCursor(42, '["0.10000000000000000000000000001", "aé"]', '["2", "z"]')


def cursor_of(cursor: Cursor, workers: int = 1) -> Cursor:
    """Saved and read back."""
    return Cursor.read(cursor.sql().removeprefix("'").removesuffix("'::pg_catalog.jsonb"), workers)


def test_slices_fit_the_page_and_the_age_of_snapshots():
    assert Slicing(rows_per_page=60).tour(0, 10_000, 0) == Tour(0, 512, 12)
    assert Slicing(rows_per_page=9).tour(0, 10_000, 0).slices == 4, "wide rows: each slice has at least two on a page"
    assert Slicing(rows_per_page=60, able=False).tour(5, 10_000, 0) == Tour(5, 10_000, 1)
    wide = Slicing(rows_per_page=60).tour(0, 1_000_000, 5.0)
    assert wide.slices == 12 and (wide.end - wide.start) * 60 / 12 / 50_000 >= 5, "the slice before is forgotten by everybody"
    few = Slicing(rows_per_page=60).tour(0, 30_000, 5.0)
    assert few.slices == 4 and few.gap_s >= 5, "the whole table takes too little time: it waits for a few"
    assert Slicing(rows_per_page=60).tour(0, 1_000, 5.0).slices == 1, "not worth the wait"
    assert Slicing(rows_per_page=60).tour(0, 10_000, 3600.0).slices == 1


def test_updates_that_leave_their_page_make_tours_wider_until_slices_are_given_up():
    slicing, seen = Slicing(rows_per_page=60), []
    for _ in range(20):
        tour = slicing.tour(0, 20_000, 0)
        seen.append(tour)
        slicing.learn(tour, rows=10_000, hot=100, seconds=0.2)
    assert seen[0].slices == 12 and seen[1].end > seen[0].end and seen[-1].slices == 1
