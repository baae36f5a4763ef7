"""The run loop on real servers: states, phases, failures, history."""

import pytest

from pgsluice.model.errors import RefusedError, StepFailedError
from pgsluice.model.events import GateReached, MigrationDone, Notice, StepSkipped
from pgsluice.model.progress import MigrationFile, MigrationState, StepState
from pgsluice.model.steps import Preflight
from tests.support.plans import migration, plan, preflight, strike, transaction
from tests.support.sql import execute, rows, value


def _states(runs):
    with runs.run() as run:
        return {m.name: (m.state, [s.state for s in m.steps]) for m in run.history()}


ADD_B = strike("add-b", "ALTER TABLE t ADD COLUMN b int", undo="ALTER TABLE t DROP COLUMN b")
ADD_C = strike("add-c", "ALTER TABLE t ADD COLUMN c int", undo="ALTER TABLE t DROP COLUMN c")
DROP_A = strike("drop-a", "ALTER TABLE t DROP COLUMN a")


def test_steps_run_in_order_and_stop_at_the_gate(runs):
    with runs.run() as run:
        run.apply(plan(migration(ADD_B, migrate=(ADD_C,), contract=(DROP_A,))))
    assert rows(runs.dsn, "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0") == [
        ("id",),
        ("a",),
        ("b",),
        ("c",),
    ]
    (gate,) = runs.reported(GateReached)
    assert gate.waiting == (DROP_A.sql,)
    assert _states(runs) == {"0001_first": (MigrationState.WAITING, [StepState.DONE, StepState.DONE, StepState.PENDING])}


def test_contract_passes_the_gate(runs):
    with runs.run() as run:
        run.apply(plan(migration(ADD_B, contract=(DROP_A,))))
    with runs.run() as run:
        run.contract("0001_first")
    assert value(runs.dsn, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'") == 0
    assert [e.step for e in runs.reported(StepSkipped)] == ["add-b"]
    assert runs.reported(MigrationDone)
    assert _states(runs)["0001_first"][0] is MigrationState.DONE


def test_a_failed_step_is_recorded_and_run_again_from_there(runs):
    bad = strike("check", "ALTER TABLE t ADD CHECK (a IS NOT NULL)")
    with pytest.raises(StepFailedError) as failure, runs.run() as run:
        run.apply(plan(migration(ADD_B, bad, ADD_C)))
    assert "violated by some row" in failure.value.what
    assert _states(runs)["0001_first"] == (MigrationState.FAILED, [StepState.DONE, StepState.FAILED, StepState.PENDING])
    execute(runs.dsn, "UPDATE t SET a = 'z' WHERE a IS NULL")
    with runs.run() as run:
        run.resume(run.left_to_do([]).resume)
    assert _states(runs)["0001_first"] == (MigrationState.DONE, [StepState.DONE] * 3)


def test_only_what_waits_at_the_gate_is_contracted(runs):
    bad = strike("check", "ALTER TABLE t ADD CHECK (a IS NOT NULL)")
    with pytest.raises(StepFailedError), runs.run() as run:
        run.apply(plan(migration(ADD_B, bad, contract=(DROP_A,))))
    for name, why in (("0001_first", "is failed"), ("0002_second", "has not run")):
        with pytest.raises(RefusedError, match=why) as refusal, runs.run() as run:
            run.contract(name)
        assert refusal.value.code == "not-at-gate"
    execute(runs.dsn, "UPDATE t SET a = 'z' WHERE a IS NULL")
    with runs.run() as run:
        run.resume(["0001_first"])
    with runs.run() as run:
        run.contract("0001_first")
    assert _states(runs)["0001_first"][0] is MigrationState.DONE


def test_a_run_with_nothing_to_do_leaves_nothing(runs):
    with runs.run() as run:
        run.apply(plan())
    assert value(runs.dsn, "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgsluice'") == 0


def test_a_failed_preflight_changes_nothing(runs):
    step = strike("check", "ALTER TABLE t ADD CHECK (a IS NOT NULL)", preflight=(preflight("SELECT count(*) FROM t WHERE a IS NULL"),))
    with pytest.raises(RefusedError, match="there are 1") as refusal, runs.run() as run:
        run.apply(plan(migration(ADD_B, step)))
    assert refusal.value.code == "preflight-failed"
    assert _states(runs) == {}
    assert value(runs.dsn, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'") == 0


def test_a_refusal_shows_the_first_rows(runs):
    execute(runs.dsn, "INSERT INTO t SELECT g, NULL FROM generate_series(101, 120) g")
    asked = Preflight("SELECT count(*) FROM t WHERE id > 100", "0", "{value} rows", "SELECT id FROM t WHERE id > 100 ORDER BY id")
    with pytest.raises(RefusedError) as refusal, runs.run() as run:
        run.apply(plan(migration(transaction("t", "SELECT 1", preflight=(asked,)))))
    assert refusal.value.what.splitlines() == ["20 rows", *(f'    such as {{"id":{n}}}' for n in range(101, 106))]


def test_a_preflight_that_takes_too_long_is_given_up_and_the_step_finds_out(runs):
    asked = preflight("SELECT 1 FROM pg_sleep(600)")
    with runs.run(patience=0.5) as run:
        run.apply(plan(migration(transaction("t", "CREATE TABLE made (a int)", preflight=(asked,)))))
    assert any("not answered within" in notice.message for notice in runs.reported(Notice))
    assert value(runs.dsn, "SELECT to_regclass('made') IS NOT NULL")


def test_a_preflight_is_asked_with_the_settings_of_its_step(runs):
    execute(runs.dsn, "CREATE SCHEMA aside", "CREATE TABLE aside.u (b int)")
    asked = preflight("SELECT count(*) FROM u WHERE b IS NULL")
    aside = strike("aside", "ALTER TABLE u ADD CHECK (b > 0)", "aside.u", session="SET search_path = aside", preflight=(asked,))
    elsewhere = strike("elsewhere", "ALTER TABLE t ADD CHECK (id > 0)", preflight=(preflight("SELECT count(*) FROM t WHERE id < 1"),))
    with runs.run() as run:
        run.apply(plan(migration(aside, elsewhere)))
    assert _states(runs)["0001_first"][0] is MigrationState.DONE


def test_an_empty_journal_beside_a_database_that_is_not(runs):
    files = [MigrationFile("0001_first", "a" * 64, "0001_first.sql"), MigrationFile("0002_second", "b" * 64, "0002_second.sql")]
    with pytest.raises(RefusedError) as refusal, runs.run() as run:
        run.left_to_do(files)
    assert refusal.value.code == "unknown-history" and "--start-after" in (refusal.value.next or "")
    assert value(runs.dsn, "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgsluice'") == 0
    with runs.run(start_after="0001_first") as run:
        todo = run.left_to_do(files)
        run.adopt(todo.adopt)
    assert todo.fresh == (files[1],)
    assert _states(runs) == {"0001_first": (MigrationState.ADOPTED, [])}
    with runs.run() as run:
        assert run.left_to_do(files).fresh == (files[1],)
