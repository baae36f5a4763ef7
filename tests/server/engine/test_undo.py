"""Rollback on real servers: in reverse, as far as there is a way back, never silently over written rows."""

import pytest

from pgsluice.model.errors import RefusedError, StepFailedError, StoppedError
from pgsluice.model.progress import Loss, MigrationState, StepState
from pgsluice.model.steps import StepKind, Undo
from tests.support.plans import backfill, build_index, migration, plan, strike, transaction
from tests.support.sql import execute, value

ADD_B = strike(
    "add-b",
    "ALTER TABLE t ADD COLUMN b int",
    undo="ALTER TABLE t DROP COLUMN b",
    loses=(("values of t.b", "SELECT count(b) FROM t"),),
)
INDEX = build_index("index-b", "public.by_b", "CREATE INDEX CONCURRENTLY by_b ON t (b)")
COUNT = transaction("count", "UPDATE t SET id = id + 10")
DROP_A = strike("drop-a", "ALTER TABLE t DROP COLUMN a")


COLUMNS = """
SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped
"""


def _columns(runs):
    return value(runs.dsn, COLUMNS)


def _apply(runs, *migrations):
    with runs.run() as run:
        run.apply(plan(*migrations))


def _states(runs, name="0001_first"):
    with runs.run() as run:
        record = next(m for m in run.history() if m.name == name)
    return record.state, [s.state for s in record.steps]


def _roll_back(runs, name="0001_first", answer=True):
    asked = []

    def ask(losses):
        asked.append(losses)
        return answer

    with runs.run() as run:
        run.roll_back(name, ask)
    return asked


def test_everything_is_taken_back_and_it_is_pending_again(runs):
    _apply(runs, migration(ADD_B, INDEX))
    assert _roll_back(runs) == []
    assert _columns(runs) == "id,a"
    assert value(runs.dsn, "SELECT to_regclass('by_b') IS NULL")
    assert _states(runs) == (MigrationState.ROLLED_BACK, [StepState.PENDING] * 2)
    _apply(runs, migration(ADD_B, checksum="c" * 64))
    assert _columns(runs) == "id,a,b"


def test_rows_written_since_are_asked_about_with_their_number(runs):
    _apply(runs, migration(ADD_B))
    execute(runs.dsn, "UPDATE t SET b = 1 WHERE id < 3")
    with pytest.raises(StoppedError) as refusal:
        _roll_back(runs, answer=False)
    assert refusal.value.code == "rollback-declined"
    assert _columns(runs) == "id,a,b" and _states(runs)[0] is MigrationState.DONE
    assert _roll_back(runs) == [(Loss("add-b", "values of t.b", 2),)]
    assert _columns(runs) == "id,a"


def test_it_stops_at_a_step_without_an_undo_and_says_so(runs):
    _apply(runs, migration(ADD_B, COUNT, INDEX))
    with pytest.raises(StepFailedError) as stop:
        _roll_back(runs)
    assert stop.value.code == "no-undo" and "count" in stop.value.what
    assert value(runs.dsn, "SELECT to_regclass('by_b') IS NULL") and _columns(runs) == "id,a,b"
    assert _states(runs) == (MigrationState.ROLLBACK_STOPPED, [StepState.DONE, StepState.DONE, StepState.PENDING])
    with runs.run() as run:
        run.resume(run.left_to_do([]).resume)
    assert value(runs.dsn, "SELECT min(id) FROM t") == 11  # the data step ran once
    assert _states(runs)[0] is MigrationState.DONE


def test_a_failed_rollback_goes_on(runs):
    _apply(runs, migration(ADD_B, INDEX))
    execute(runs.dsn, "CREATE VIEW v AS SELECT b FROM t")
    with pytest.raises(StepFailedError):
        _roll_back(runs)
    assert _states(runs) == (MigrationState.ROLLING_BACK, [StepState.UNDOING, StepState.PENDING])
    execute(runs.dsn, "DROP VIEW v")
    _roll_back(runs)
    assert _columns(runs) == "id,a"


def test_after_a_failed_rollback_the_way_forward_is_open(runs):
    _apply(runs, migration(ADD_B, INDEX))
    execute(runs.dsn, "CREATE VIEW v AS SELECT b FROM t")
    with pytest.raises(StepFailedError):
        _roll_back(runs)
    with runs.run() as run:
        run.resume(["0001_first"])
    assert _states(runs) == (MigrationState.DONE, [StepState.DONE] * 2)
    assert value(runs.dsn, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_b'::regclass")


def test_a_run_that_failed_is_taken_back(runs):
    _apply_failing = strike("bad", "ALTER TABLE t ADD CHECK (a IS NOT NULL)", undo="")
    with pytest.raises(StepFailedError):
        _apply(runs, migration(ADD_B, _apply_failing))
    _roll_back(runs)
    assert _columns(runs) == "id,a" and _states(runs)[0] is MigrationState.ROLLED_BACK


def test_only_the_latest_that_is_not_contracted(runs):
    add_c = strike("add-c", "ALTER TABLE t ADD COLUMN c int", undo="ALTER TABLE t DROP COLUMN c")
    _apply(runs, migration(ADD_B, contract=(DROP_A,)), migration(add_c, name="0002_second"))
    with pytest.raises(RefusedError) as refusal:
        _roll_back(runs)
    assert refusal.value.code == "not-the-latest" and "0002_second" in refusal.value.what
    _roll_back(runs, "0002_second")
    with runs.run() as run:
        run.contract("0001_first")
    with pytest.raises(RefusedError) as refusal:
        _roll_back(runs)
    assert refusal.value.code == "contracted"
    with pytest.raises(RefusedError) as refusal:
        _roll_back(runs, "0002_second")
    assert refusal.value.code == "nothing-to-roll-back"


def test_a_backfill_that_was_taken_back_begins_anew(runs):
    fill = backfill("fill", "public.t", "b", "id", "b IS NULL", undo=Undo(StepKind.BACKFILL, ""))
    _apply(runs, migration(ADD_B, migrate=(fill,)))
    assert value(runs.dsn, "SELECT count(*) FROM t WHERE b = id") == 3
    _roll_back(runs)
    _apply(runs, migration(ADD_B, migrate=(fill,)))
    assert value(runs.dsn, "SELECT count(*) FROM t WHERE b = id") == 3


def test_contract_goes_in_order(runs):
    drop = strike("drop-id", "ALTER TABLE t ALTER id SET DEFAULT 1")
    _apply(runs, migration(ADD_B, contract=(DROP_A,)), migration(name="0002_second", contract=(drop,)))
    with pytest.raises(RefusedError) as refusal, runs.run() as run:
        run.contract("0002_second")
    assert refusal.value.code == "contract-order" and "0001_first" in refusal.value.what
