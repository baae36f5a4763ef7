"""One batch: some rows changed, the cursor and the count recorded, in one transaction and one round trip."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from pgsluice.execution.backfill.heap import Heap
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.reach import Reach
from pgsluice.execution.db.errors import PASSES_BY_ITSELF, DatabaseError, Trouble, sqlstate_of, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import literal, quote
from pgsluice.model.steps import Fill

HEAP_REPLACED = "SLUB1"
"""SQLSTATE of our own for "the table has a new file": the cursor's pages are not those of this table any more."""

ROWS_DONE = "pg_catalog.current_setting('pgsluice.batch_rows')::pg_catalog.int8"
"""Inside a batch's transaction, after the change: the number of rows that it changed."""

KEY_DONE = "pg_catalog.current_setting('pgsluice.batch_end')::pg_catalog.jsonb"
"""There, too: the key of the last row that a batch by key has reached, a JSON list."""

Record = Callable[[str, str], str]
"""SQL that checks the fence (raising when it is lost), saves the cursor (an SQL expression of type jsonb) and adds to the count
of rows, an SQL expression as well; it runs inside the batch's transaction, after its change."""


class Outcome(Enum):
    DONE = auto()
    LOCKED = auto()
    """Somebody else had a row or the table; or we met in a deadlock."""
    TOO_LONG = auto()
    REPLACED = auto()
    """TRUNCATE, VACUUM FULL, DROP: the table is not what it was."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`seconds` is the time on the server from BEGIN to right before COMMIT: for so long rows were locked, at most. `hot` of the
    `rows` stayed on their page; `end` is the last key of a batch by key, `last`: there was nothing behind it."""

    outcome: Outcome
    rows: int = 0
    seconds: float = 0.0
    hot: int = 0
    end: str | None = None
    last: bool = False


def run_batch(session: Session, fill: Fill, heap: Heap, reach: Reach, limits: FillLimits, record: str) -> BatchResult:
    """Changes the rows that `reach` reaches; with any other outcome than DONE nothing has changed. Raises DatabaseError."""
    try:
        (row,) = session.last_rows(batch_sql(fill, heap, reach, limits, record))
    except DatabaseError as error:
        outcome = _outcome(error)
        if session.in_transaction:
            session.run("ROLLBACK")
        if outcome is None:
            raise
        return BatchResult(outcome)
    return BatchResult(Outcome.DONE, row["rows"], row["seconds"], row["hot"], row["end"], row["last"])


def batch_sql(fill: Fill, heap: Heap, reach: Reach, limits: FillLimits, record: str) -> str:
    """The whole transaction. Its commit waits for nobody: what a crash loses, cursor and rows together, is done again.

    READ COMMITTED whatever the role's default is: a row that changed meanwhile is then looked at anew, not an error."""
    return f"""BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = {limits.lock_timeout_ms};
SET LOCAL statement_timeout = {limits.statement_timeout_ms};
SET LOCAL synchronous_commit = off;
SET LOCAL jit = off;
{reach.settings}DO {literal(_change(fill, heap, reach))};
{record.rstrip().rstrip(";")};
SELECT {ROWS_DONE} AS rows, pg_catalog.current_setting('pgsluice.batch_hot')::pg_catalog.int8 AS hot,
    nullif(pg_catalog.current_setting('pgsluice.batch_end'), '') AS end,
    pg_catalog.current_setting('pgsluice.batch_last')::pg_catalog.bool AS last,
    extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp())::pg_catalog.float8 AS seconds;
COMMIT"""


def _change(fill: Fill, heap: Heap, reach: Reach) -> str:
    """It locks the table, so that the file looked at after it is the one that it changed. The server counts HOT updates for
    more than one transaction: what the batch has added is the difference."""
    hot = f"pg_catalog.pg_stat_get_xact_tuples_hot_updated({heap.oid}::pg_catalog.oid)"
    return f"""
#variable_conflict use_column
DECLARE
    _pgsluice_rows pg_catalog.int8;
    _pgsluice_hot pg_catalog.int8 := {hot};
    _pgsluice_found pg_catalog.tid[];
    _pgsluice_end pg_catalog.jsonb;
    _pgsluice_last pg_catalog.bool := false;
BEGIN
    {reach.before(fill, heap)}
    {_statement(fill, heap, reach.place(fill, heap))};
    GET DIAGNOSTICS _pgsluice_rows = ROW_COUNT;
    IF pg_catalog.pg_relation_filenode({heap.oid}::pg_catalog.oid) IS DISTINCT FROM {heap.filenode}::pg_catalog.oid THEN
        RAISE EXCEPTION 'the table has a new file' USING ERRCODE = '{HEAP_REPLACED}';
    END IF;
    PERFORM pg_catalog.set_config('pgsluice.batch_rows', _pgsluice_rows::pg_catalog.text, true),
            pg_catalog.set_config('pgsluice.batch_hot', ({hot} - _pgsluice_hot)::pg_catalog.text, true),
            pg_catalog.set_config('pgsluice.batch_end', coalesce(_pgsluice_end::pg_catalog.text, ''), true),
            pg_catalog.set_config('pgsluice.batch_last', _pgsluice_last::pg_catalog.text, true);
END
"""


def _statement(fill: Fill, heap: Heap, place: str) -> str:
    rows = f"ONLY {heap.name} AS {heap.alias}"
    if fill.copy is not None:
        return f"{fill.copy.head} FROM {rows} WHERE {place} {fill.copy.tail}"
    if fill.deletes:
        return f"DELETE FROM {rows} WHERE {place}"
    assignments = ", ".join(f"{quote(column)} = {expression}" for column, expression in fill.assignments)
    return f"UPDATE {rows} SET {assignments} WHERE {place}"


def _outcome(error: DatabaseError) -> Outcome | None:
    if sqlstate_of(error) == HEAP_REPLACED:
        return Outcome.REPLACED
    trouble = trouble_of(error)
    if trouble not in PASSES_BY_ITSELF:
        return None
    return Outcome.TOO_LONG if trouble is Trouble.CANCELLED else Outcome.LOCKED
