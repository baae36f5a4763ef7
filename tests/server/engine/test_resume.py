"""Going on where a run died: the journal is asked, then the catalog, and a person where neither can tell."""

import pytest

from pgsluice.execution.journal.stored_plan import StoredPlan, dump
from pgsluice.model.errors import RefusedError, StepFailedError
from pgsluice.model.events import Notice, StepDone, StepSkipped
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.progress import MigrationState, StepState
from tests.support.plans import build_index, migration, outside, plan, preflight, strike
from tests.support.sql import execute, value

ADD_B = strike("add-b", "ALTER TABLE t ADD COLUMN b int")
INDEX = build_index("index-a", "public.by_a", "CREATE INDEX CONCURRENTLY by_a ON t (a)")
CALL = outside("call", "CALL piecemeal()")

PIECEMEAL = "CREATE PROCEDURE piecemeal() LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES (99, 'once'); COMMIT; END$$"


def _resumed(runs, step, *, before=()):
    """Resumes after a run that died when it had sent this step, with everything before it done."""
    with runs.run() as run:
        run.apply(plan(migration(*before)))
    stored = literal(dump(StoredPlan(migration(*before, step), ("public",), 180000)))
    execute(
        runs.dsn,
        f"UPDATE pgsluice.migration SET state = 'running', finished_at = NULL, plan = {stored}::jsonb",
        "INSERT INTO pgsluice.step (migration, id, number, phase, kind, sql, state, attempts) "
        f"VALUES ('0001_first', '{step.id}', 9, 'expand', '{step.kind}', '', 'started', 1)",
    )
    runs.events.clear()
    with runs.run() as run:
        run.resume(["0001_first"])
        (record,) = run.history()
    return record


def test_a_build_that_ended_well_is_found_done(runs):
    execute(runs.dsn, "CREATE INDEX by_a ON t (a)")
    record = _resumed(runs, INDEX, before=(ADD_B,))
    assert record.state is MigrationState.DONE
    assert [(e.step, e.reason) for e in runs.reported(StepSkipped)] == [("add-b", "done before"), ("index-a", "found done")]
    assert not runs.reported(StepDone)


def test_a_build_that_was_never_tried_runs_whatever_stands_there(runs):
    """The user's own SQL would fail, too: an index of that name need not be the one that is meant."""
    execute(runs.dsn, "CREATE INDEX by_a ON t (id)")
    with pytest.raises(StepFailedError, match="already exists"), runs.run() as run:
        run.apply(plan(migration(INDEX)))


def test_what_commits_piece_by_piece_is_not_run_twice_but_asked_about(runs):
    execute(runs.dsn, PIECEMEAL)
    with pytest.raises(StepFailedError) as question:
        _resumed(runs, CALL)
    assert question.value.code == "outcome-unknown"
    assert value(runs.dsn, "SELECT count(*) FROM t WHERE a = 'once'") == 0
    yes, again = (part.partition(": ")[2].strip() for part in (question.value.next or "").split(";")[:2])
    execute(runs.dsn, again)
    with runs.run() as run:
        run.resume(["0001_first"])
        assert run.history()[0].steps[0].state is StepState.DONE
    assert value(runs.dsn, "SELECT count(*) FROM t WHERE a = 'once'") == 1
    assert yes.startswith("UPDATE pgsluice.step SET state = 'done'")


def test_the_preflights_of_a_later_phase_come_when_it_is_asked_for(runs):
    contract = strike("drop-a", "ALTER TABLE t DROP COLUMN a", preflight=(preflight("SELECT count(*) FROM t WHERE a IS NOT NULL"),))
    with runs.run() as run:
        run.apply(plan(migration(ADD_B, contract=(contract,))))
    foreseen = [e.message for e in runs.events if isinstance(e, Notice) and e.step == "drop-a"]
    assert ["this later step would be refused" in said and "there are 2" in said for said in foreseen] == [True]
    with pytest.raises(RefusedError, match="there are 2"), runs.run() as run:
        run.contract("0001_first")
    with runs.run() as run:
        assert (run.history()[0].state, run.history()[0].through) == (MigrationState.WAITING, PhaseName.MIGRATE)
    execute(runs.dsn, "UPDATE t SET a = NULL")
    with runs.run() as run:
        run.contract("0001_first")
        assert run.history()[0].state is MigrationState.DONE
