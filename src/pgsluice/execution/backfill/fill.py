"""Filling a table: passes over its heaps until none finds a row any more, and one look that proves it."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pgsluice.execution.backfill.batch import Record
from pgsluice.execution.backfill.cursor import Cursor
from pgsluice.execution.backfill.filling import BadRow, BadRowError, Filling
from pgsluice.execution.backfill.heap import Heap
from pgsluice.execution.backfill.heap_pass import HeapPass
from pgsluice.execution.backfill.key_pass import KeyPass
from pgsluice.execution.backfill.pace import Pace
from pgsluice.execution.backfill.reach import Anywhere
from pgsluice.execution.backfill.reins import Reins
from pgsluice.execution.backfill.slicing import Slicing
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import StepFailedError
from pgsluice.model.events import Event
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.steps import Fill

_QUERIES = named_queries(__package__)

MOST_PASSES = 20
"""After so many the rows of the beginning are long done, and somebody keeps writing new ones that need filling."""

CLEAN_PASSES = 3
"""So many passes in a row that change nothing, although rows are left: something takes our update back."""

_INSERT, _DELETE, _UPDATE = 4, 8, 16
"""Bits of pg_trigger.tgtype."""

LOOKING_SHARE = 0.03
"""Of the first pass: so long took the look that finds nothing, and ANALYZE, behind it (three million rows, 2 indexes, 18, 2 cores)."""

_LOOKING = "SET lock_timeout = 1000; SET max_parallel_workers_per_gather = 0"
"""For looking and ANALYZE, which hold nothing that the application waits for, and shall not take the server's other processors."""


@dataclass(frozen=True, slots=True)
class FillResult:
    """`rows` changed in this run, in `passes` passes, `hot` of the updates on their page; `bad` could not be changed and were
    passed over. `complete` False: somebody keeps writing rows that need filling; all that were there at the beginning are done."""

    rows: int
    passes: int
    complete: bool
    duration_s: float
    hot: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """A session that does batches, what takes them down, and what it took down last (None: nothing yet)."""

    session: Session
    record: Record
    position: str | None = None


def run_fill(
    workers: Sequence[Worker],
    fill: Fill,
    reins: Reins,
    *,
    report: Callable[[Event], None] = lambda event: None,
    migration: str = "",
    step: str = "",
    tally: Tally | None = None,
    bad: BadRow | None = None,
) -> FillResult:
    """Makes `fill` true for the whole table, its partitions and children, in batches that no application query waits for
    longer than the stall budget; goes on from the workers' positions. By key the first worker does it alone.

    What `reins` raise before a batch passes through, the cursor is saved. Row triggers fire, as they do for the plain statement.
    Commits are asynchronous: the caller's next synchronous commit makes them durable. Statistics of the filled columns are
    gathered at the end. With `bad` rows that cannot be changed are given to it and passed over.

    Raises PatienceError `fill-locked`, StepFailedError `fill-failed`, `fill-row-too-slow`, `fill-rows-left` or
    `fill-table-missing`, RefusedError `fill-not-a-table`; all of them leave a cursor to go on from. DatabaseError for
    anything else, a lost connection or fence."""
    shared, crew = tally or Tally(), workers[:1] if fill.key else workers
    works = [Filling(w.session, fill, w.record, reins, report, migration, step, shared, number, bad) for number, w in enumerate(crew)]
    for work in works:
        work.session.run(_LOOKING)
    try:
        _say_triggers(works[0])
        if fill.key:
            return _by_key(works[0], crew[0].position)
        return _Passes(works, [Cursor.read(w.position, len(crew)) for w in crew]).run()
    finally:
        for work in works:
            if work.session.idle:
                work.session.run("SET lock_timeout = 0; RESET max_parallel_workers_per_gather")


def _by_key(work: Filling, position: str | None) -> FillResult:
    began = time.monotonic()
    KeyPass.of(work, position).run(work.heaps())
    _analyze(work)
    return FillResult(work.rows, 1, True, time.monotonic() - began, work.hot, work.tally.bad)


class _Passes:
    """Passes by pages; each worker has a share of every heap."""

    def __init__(self, works: Sequence[Filling], cursors: Sequence[Cursor]) -> None:
        self._works, self._cursors = works, list(cursors)
        self._first = works[0]
        self._pace: dict[int, Pace] = {}
        self._slicing = [Slicing() for _ in works]
        self._number = min(c.pass_number for c in cursors)

    def run(self) -> FillResult:
        began, clean, complete, first = time.monotonic(), 0, False, self._number
        tally = self._first.tally
        tally.behind = LOOKING_SHARE
        while not complete and self._number < first + MOST_PASSES:
            changed = self._pass() or self._stragglers()
            clean = 0 if changed else clean + 1
            complete = not self._rows_left(changed)
            if clean >= CLEAN_PASSES and not complete:
                raise _refilled(self._first)
            self._number += 1
            self._cursors = [c.in_pass(self._number) for c in self._cursors]
        if not complete:
            self._first.say(f"rows of {self._first.fill.table} that need it keep coming; those that were there at the beginning are done")
        if tally.rows:
            _analyze(self._first)
        return FillResult(tally.rows, self._number - first, complete, time.monotonic() - began, tally.hot, tally.bad)

    def _pass(self) -> int:
        """One pass over all heaps from the cursors on; the number of rows that it changed."""
        before = self._first.tally.rows
        if len(self._works) == 1:
            self._share(0)
        else:
            with ThreadPoolExecutor(len(self._works), "pgsluice-backfill") as pool:
                for ended in [pool.submit(self._guarded, number) for number in range(len(self._works))]:
                    ended.result()
        return self._first.tally.rows - before

    def _guarded(self, number: int) -> None:
        """A worker that fails ends the others, too."""
        try:
            self._share(number)
        except BaseException as error:
            self._first.reins.stop(error)
            raise

    def _share(self, number: int) -> None:
        """One worker's share of the pass."""
        work, cursor, of = self._works[number], self._cursors[number], len(self._works)
        if cursor.pass_number > self._number:
            return
        heaps = work.heaps()
        work.pages = sum(_span(h, number, of)[1] - _span(h, number, of)[0] for h in heaps)
        work.pages_before = 0
        for heap in heaps:
            if not cursor.is_past(heap):
                self._heap(work, heap, cursor)
            first, end = _span(heap, number, of)
            work.pages_before += end - first
        work.tally.reached(number, 1.0)

    def _heap(self, work: Filling, heap: Heap, cursor: Cursor) -> None:
        """The worker's share of a heap; from its beginning where it gets a new file meanwhile."""
        left: Heap | None = heap
        while left is not None:
            slicing = self._slicing[work.number]
            slicing.able = not (work.fill.deletes or left.indexed) and self._number == 1
            slicing.rows_per_page = left.rows_per_page or slicing.rows_per_page
            pace = self._pace.setdefault(work.number, Pace(left.lines_per_page))
            whole = HeapPass(work, left, _span(left, work.number, len(self._works)), cursor, pace, slicing).run()
            oid = left.oid
            left = None if whole else next((h for h in work.heaps() if h.oid == oid), None)

    def _stragglers(self) -> int:
        """The rows changed that a pass misses because the application moves them all the time. Where the tables are too large to be
        searched within a batch's time, nothing: the next pass has another chance."""
        work, after = self._first, self._cursors[0].in_pass(self._number + 1).sql()
        try:
            return sum(work.batch(heap, Anywhere(), after).rows for heap in work.heaps())
        except BadRowError:
            return 0

    def _rows_left(self, changed: int) -> bool:
        """Whether one snapshot of the whole table shows a row to fill. A pass cannot tell: a row that moves behind the cursor
        while the pass runs is in none of its windows. Where rows cannot be changed, even looking at them may fail: then a
        pass that has changed nothing has to do."""
        work = self._first
        heaps = work.heaps()
        if not heaps:
            return False
        only = "ONLY " if work.fill.only else ""
        query = f"SELECT 1 FROM {only}{work.fill.table} AS {heaps[0].alias} WHERE {work.fill.where} LIMIT 1"
        try:
            return bool(work.look(query)) and not (work.tally.bad and not changed)
        except DatabaseError:
            if not work.tally.bad:
                raise
            return changed > 0


def _span(heap: Heap, number: int, of: int) -> tuple[int, int]:
    """The pages of a heap that are one worker's."""
    return heap.blocks * number // of, heap.blocks * (number + 1) // of


def _say_triggers(work: Filling) -> None:
    fill = work.fill
    event = _INSERT if fill.copy else _DELETE if fill.deletes else _UPDATE
    changed = [] if fill.copy else [heap.oid for heap in work.heaps()]
    facts = {"tables": changed, "into": fill.copy.into if fill.copy else None, "event": event}
    names = sorted({row["name"] for row in work.look(_QUERIES["firing_triggers"], facts)})
    if names:
        work.say(f"triggers of {fill.written} fire for what is changed: {', '.join(map(quote, names))}")


def _analyze(work: Filling) -> None:
    """Takes SHARE UPDATE EXCLUSIVE, which no query waits for. Statistics are worth a second, not a failure."""
    columns = ", ".join(quote(column) for column, _ in work.fill.assignments)
    table = work.fill.written
    try:
        work.session.run(f"ANALYZE {table}{f' ({columns})' if columns else ''}")
    except DatabaseError as error:
        if trouble_of(error) is not Trouble.LOCK_TIMEOUT:
            raise
        work.say(f"statistics of {table} were not gathered, since it is being vacuumed or altered; run ANALYZE later")


def _refilled(work: Filling) -> StepFailedError:
    return StepFailedError(
        "fill-rows-left",
        f"rows of {work.fill.table} stay unfilled although the update succeeds: {work.fill.where}",
        where=work.fill.table,
        next="look for a trigger, rule or row security policy that takes the update back, then run again",
    )
