"""SQL that a step's own transaction runs, so that what it did and the record of it commit together or not at all."""

from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.progress import StepState

LEASE_LOST = "SLUI1"
"""SQLSTATE of our own for "the lease was taken over"; class SL is neither the standard's nor PostgreSQL's."""

RECORD_LOST = "SLUI2"
"""SQLSTATE of our own for "the journal has no such step in this state"."""


def step_record(fence: int, migration: str, step: str, was: StepState, becomes: StepState, again: tuple[str, ...] = ()) -> str:
    """One statement: raises LEASE_LOST in the server where another run took the lease, else moves the step's row. The steps
    `again` are to be done again from then on.

    FOR KEY SHARE on the lease until the end of the transaction: a takeover waits for us, or we see its number. It must
    run before any strong lock is taken, as it may wait for a takeover. It names everything with its schema."""
    lost = ", ".join(map(literal, again))
    reopened = f"""
    UPDATE pgsluice.step SET state = {literal(StepState.PENDING)} WHERE migration = {literal(migration)} AND id IN ({lost});"""
    return _fenced(
        fence,
        f"""UPDATE pgsluice.step SET state = {literal(becomes)}, error = NULL, finished_at = pg_catalog.clock_timestamp()
    WHERE migration = {literal(migration)} AND id = {literal(step)} AND state = {literal(was)};
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the journal has no such step in state {was}' USING ERRCODE = '{RECORD_LOST}';
    END IF;{reopened if again else ""}""",
    )


def batch_record(fence: int, migration: str, step: str, position: str, rows: str, *, worker: int = 0, job: str | None = None) -> str:
    """One statement for the transaction of a batch: the lease checked as above (that of the `job` where there is one), then the
    worker's cursor (`position`, an expression of type jsonb) written and the count of `rows`, an SQL expression, added."""
    return _fenced(
        fence,
        f"""INSERT INTO pgsluice.backfill_worker AS w (migration, step, worker, position, rows_done)
    VALUES ({literal(migration)}, {literal(step)}, {worker}, ({position}), ({rows}))
    ON CONFLICT (migration, step, worker) DO UPDATE SET
        position = excluded.position, rows_done = w.rows_done + excluded.rows_done,
        updated_at = pg_catalog.clock_timestamp();""",
        "pgsluice.lease WHERE" if job is None else f"pgsluice.job WHERE name = {literal(job)} AND",
    )


def _fenced(fence: int, write: str, where: str = "pgsluice.lease WHERE") -> str:
    body = f"""
BEGIN
    PERFORM 1 FROM {where} fence = {fence} FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another run took the lease' USING ERRCODE = '{LEASE_LOST}';
    END IF;
    {write}
END
"""
    return f"DO {literal(body)}"
