"""In the order of a key: each row that was there at the beginning is met once, whatever moves meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgsluice.execution.backfill.batch import BatchResult, Outcome
from pgsluice.execution.backfill.cursor import KeyCursor
from pgsluice.execution.backfill.filling import BadRowError, Filling
from pgsluice.execution.backfill.heap import Heap
from pgsluice.execution.backfill.heap_pass import SLOW_TRIES
from pgsluice.execution.backfill.obstacles import table_blockers
from pgsluice.execution.backfill.pace import Pace
from pgsluice.execution.backfill.reach import KeyRange
from pgsluice.execution.db.queries import named_queries
from pgsluice.model.postgres.identifiers import quote

_QUERIES = named_queries(__package__)

FIRST_ROWS, MOST_ROWS = 100, 20_000


@dataclass
class KeyPass:
    """`cursor` is where it stands; batches follow the target time as windows do."""

    work: Filling
    cursor: KeyCursor
    pace: Pace

    @classmethod
    def of(cls, work: Filling, position: str | None) -> "KeyPass":
        return cls(work, KeyCursor.read(position), Pace(1, FIRST_ROWS, MOST_ROWS))

    def run(self, heaps: Sequence[Heap]) -> None:
        """All heaps from the cursor on. Raises PatienceError, StepFailedError."""
        for number, heap in enumerate(heaps):
            if heap.oid >= self.cursor.oid:
                self._heap(heap, number, len(heaps))

    def _heap(self, heap: Heap, number: int, of: int) -> None:
        key = self._key(heap)
        if heap.oid != self.cursor.oid:
            self.cursor = KeyCursor(heap.oid, None, self._last_key(heap, key))
        elif self.cursor.after is not None and self.cursor.after == self.cursor.end:
            return
        total, done = max(1.0, heap.rows_per_page * heap.blocks), 0
        tries, over = 0, self.cursor.end is None
        while not over:
            reach = KeyRange(key, self.cursor.after, self.cursor.end or "", max(1, int(self.pace.width)))
            try:
                result = self._batch(heap, reach)
                tries = 0 if result.outcome is Outcome.DONE else tries + 1
                if result.outcome is Outcome.REPLACED:
                    heap, over = self._again(heap)
                elif tries:
                    self._in_the_way(heap, reach, result.outcome, tries)
                else:
                    over, done = result.last, done + reach.rows
            except BadRowError as error:
                over = self._bad(heap, reach, error)
            self.work.tally.reached(0, (number + min(1.0, done / total)) / of)

    def _batch(self, heap: Heap, reach: KeyRange) -> BatchResult:
        result = self.work.batch(heap, reach, self.cursor.behind())
        if result.outcome is Outcome.DONE:
            self.cursor = replace(self.cursor, after=result.end)
            if not reach.skip:
                self.pace.took(result.seconds, self.work.limits.aim_s)
        return result

    def _bad(self, heap: Heap, reach: KeyRange, error: BadRowError) -> bool:
        """Halved until the one row is found that cannot be changed; it is passed over. Whether it was the last."""
        if reach.rows > 1:
            self.pace.shrink(2)
            return False
        before = self.cursor.after
        self.work.bad_row(error, heap, f"the first behind the key {before}" if before else "with the smallest key")
        return self._batch(heap, replace(reach, skip=True)).last

    def _in_the_way(self, heap: Heap, reach: KeyRange, outcome: Outcome, tries: int) -> None:
        """A smaller batch; a single row is insisted on, since those behind it must wait for their turn."""
        if reach.rows > 1:
            self.pace.shrink(10 if outcome is Outcome.TOO_LONG else 2)
        elif outcome is Outcome.TOO_LONG and tries >= SLOW_TRIES:
            raise self.work.too_slow(f"{heap.name}, the row behind the key {self.cursor.after}")
        elif outcome is Outcome.LOCKED and tries >= SLOW_TRIES:
            self.work.insist(
                lambda: self._batch(heap, reach).outcome is not Outcome.LOCKED,
                lambda: table_blockers(self.work.session, heap.name),
                f"a row of {heap.name} behind the key {self.cursor.after}",
            )

    def _again(self, heap: Heap) -> tuple[Heap, bool]:
        """The heap with its new file, and whether it is gone: a key is a key in any file."""
        found = next((h for h in self.work.heaps() if h.oid == heap.oid), None)
        return found or heap, found is None

    def _key(self, heap: Heap) -> tuple[tuple[str, str], ...]:
        columns = self.work.fill.key
        types = {row["name"]: row["type"] for row in self.work.look(_QUERIES["key_types"], {"table": heap.name, "columns": list(columns)})}
        return tuple((column, types[column]) for column in columns)

    def _last_key(self, heap: Heap, key: tuple[tuple[str, str], ...]) -> str | None:
        names = [f"{heap.alias}.{quote(name)}" for name, _ in key]
        order = ", ".join(f"{name} DESC" for name in names)
        found = f"SELECT pg_catalog.jsonb_build_array({', '.join(names)})::text AS last FROM ONLY {heap.name} AS {heap.alias}"
        rows = self.work.look(f"{found} ORDER BY {order} LIMIT 1")
        return rows[0]["last"] if rows else None
