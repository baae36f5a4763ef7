"""A worker of a backfill: what its passes share, and waiting for what somebody else has locked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pgsluice.execution.backfill.batch import ROWS_DONE, BatchResult, Outcome, Record, run_batch
from pgsluice.execution.backfill.heap import Heap
from pgsluice.execution.backfill.obstacles import fill_locked, table_blockers
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.reach import Reach
from pgsluice.execution.backfill.reins import Reins
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, sqlstate_of, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.activity import Blocker
from pgsluice.model.errors import RefusedError, StepFailedError
from pgsluice.model.events import Event, Notice, Progress, Waiting
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.postgres.sqlstates import UNDEFINED_TABLE
from pgsluice.model.steps import Fill

_QUERIES = named_queries(__package__)

PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""Between two tries of what is locked; doubled each time."""

NEWS_S = 0.5
"""Between two progress events."""

MOST_BAD = 1000
"""Rows that cannot be changed, after which it is the expression that is wrong and not the rows."""

_OF_A_ROW = ("22", "23", "44", "P0")
"""SQLSTATE classes that say that the user's expression cannot be had for a row: data, constraints, check options, RAISE."""
_OF_THE_STATEMENT = ("42",)
"""Those that say that it cannot be had at all: syntax, names, types."""

BadRow = Callable[[str, str], None]
"""Takes down a row that could not be changed: its place, for people, and the server's words."""


class BadRowError(Exception):
    """Among the rows of a batch there is one that cannot be changed; nothing of the batch was done."""

    def __init__(self, cause: DatabaseError) -> None:
        super().__init__(message_of(cause))
        self.cause = cause


@dataclass
class Filling:
    """`rows` is what this worker changed so far, `hot` how many of them stayed on their page. `record` takes down each batch in its
    transaction. `bad` None: a row that cannot be changed ends the backfill."""

    session: Session
    fill: Fill
    record: Record
    reins: Reins
    report: Callable[[Event], None]
    migration: str = ""
    step: str = ""
    tally: Tally = field(default_factory=Tally)
    number: int = 0
    bad: BadRow | None = None
    rows: int = 0
    hot: int = 0
    slices: int = 1
    pages_before: int = 0
    pages: int = 0
    _reported: float = field(default=0.0, init=False)
    _told: frozenset[int | str | None] = field(default=frozenset(), init=False)

    @property
    def limits(self) -> FillLimits:
        return self.reins.limits

    def heaps(self) -> tuple[Heap, ...]:
        """The tables that hold the rows, as they are now. Raises RefusedError, StepFailedError, PatienceError."""
        columns = [column for column, _ in self.fill.assignments]
        facts = {"table": self.fill.table, "columns": columns, "only": self.fill.only}
        rows = self.look(_QUERIES["heaps"], facts)
        if not rows:
            if not self.look(_QUERIES["exists"], facts)[0]["exists"]:
                missing = f"{self.fill.table} does not exist"
                raise StepFailedError("fill-table-missing", missing, next="look for who dropped it, then plan again")
            return ()
        for row in rows:
            if row["kind"] != "r":
                what = f"{row['name']} is not an ordinary table: it cannot be filled in batches"
                raise RefusedError("fill-not-a-table", what, where=self.fill.table, next="fill it with plain SQL, or leave it out")
        return tuple(_heap(row, self.fill.alias) for row in rows)

    def oldest_snapshot_s(self) -> float:
        """The age of the oldest snapshot that our role can see; older ones may be hidden."""
        found = self.session.value(_QUERIES["oldest_snapshot"])
        return float(found or 0.0)

    def look(self, query: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a query that may have to wait for a lock on the table; raises PatienceError."""
        found: list[dict[str, Any]] = []

        def try_once() -> bool:
            try:
                found[:] = self.session.rows(query, parameters)
            except DatabaseError as error:
                if trouble_of(error) is not Trouble.LOCK_TIMEOUT:
                    raise
                return False
            return True

        self.insist(try_once, lambda: table_blockers(self.session, self.fill.table), f"the table {self.fill.table}")
        return found

    def batch(self, heap: Heap, reach: Reach, after: str) -> BatchResult:
        """One batch and its rest, with `after` (SQL) as the cursor that it leaves. Raises BadRowError, StepFailedError where the
        expression cannot be had at all."""
        self.reins.before_batch()
        began = time.monotonic()
        try:
            result = run_batch(self.session, self.fill, heap, reach, self.limits, self.record(after, ROWS_DONE))
        except DatabaseError as error:
            state = sqlstate_of(error) or ""
            if state == UNDEFINED_TABLE and all(h.oid != heap.oid for h in self.heaps()):
                return BatchResult(Outcome.REPLACED)
            if state.startswith(_OF_A_ROW):
                raise BadRowError(error) from error
            if state.startswith(_OF_THE_STATEMENT):
                raise self.failed(error, heap.name) from error
            raise
        self.rows += result.rows
        self.hot += result.hot
        self.tally.add(result.rows, result.hot)
        self.reins.rest(time.monotonic() - began)
        return result

    def bad_row(self, error: BadRowError, heap: Heap, place: str) -> None:
        """Takes the row down, or raises StepFailedError `fill-failed` where that ends the backfill."""
        if self.bad is None or self.tally.bad >= MOST_BAD:
            raise self.failed(error.cause, f"{heap.name}, row {place}") from error.cause
        if self.tally.add_bad(f"{heap.name} {place}"):
            self.bad(f"{heap.name} {place}", str(error))
            self.say(f"a row of {heap.name} cannot be changed and is passed over: {place}: {error}")

    def too_slow(self, where: str) -> StepFailedError:
        """One row takes longer than a batch may."""
        return StepFailedError(
            "fill-row-too-slow",
            f"changing one row takes longer than half of the stall budget ({self.limits.stall_budget_s * 1000:.0f} ms)",
            where=where,
            next="look at the triggers and constraints of the table, or run again with a larger --stall-budget",
        )

    def insist(self, attempt: Callable[[], bool], blockers: Callable[[], tuple[Blocker, ...]], what: str) -> None:
        """Tries until `attempt` says that it is done, saying who is in the way; raises PatienceError `fill-locked`."""
        began, pause = time.monotonic(), PAUSE_S
        while not attempt():
            self.reins.before_batch()
            found, waited = blockers(), time.monotonic() - began
            if waited >= self.limits.patience_s:
                raise fill_locked(what, found, waited)
            self._say_waiting(what, found, waited)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def say_progress(self, pass_number: int, first: int, page: float) -> None:
        """`page` of a heap is reached, of which our share begins at `first`; an event not more often than every NEWS_S."""
        done = self.pages_before + page - first
        if pass_number == 1 and self.pages:
            self.tally.reached(self.number, min(1.0, done / self.pages))
        if self.number == 0 and time.monotonic() - self._reported >= NEWS_S:
            self._reported = time.monotonic()
            said = f"pass {pass_number}, {self.tally.rows} rows changed"
            self.report(Progress(self.migration, self.step, int(done), max(self.pages, int(done)), "blocks", said))

    def say(self, message: str) -> None:
        self.report(Notice(self.migration, self.step, message))

    def _say_waiting(self, what: str, blockers: tuple[Blocker, ...], waited_s: float) -> None:
        who = frozenset(b.pid or b.gid for b in blockers)
        if who and who != self._told:
            self._told = who
            self.report(Waiting(self.migration, self.step, what, blockers, waited_s))

    def failed(self, error: DatabaseError, where: str) -> StepFailedError:
        return StepFailedError(
            "fill-failed",
            f"the backfill of {self.fill.table} failed: {message_of(error)}",
            where=where,
            next="correct the rows or the expression, then run again: the backfill goes on where it stopped",
        )


def _heap(row: dict[str, Any], alias: str) -> Heap:
    facts = {name: row[name] for name in ("oid", "name", "filenode", "blocks", "block_size", "rows_per_page", "indexed")}
    return Heap(**facts, alias=quote(alias) if alias else row["alias"])
