"""What status reads: the journal, and what nobody explains."""

from pgsluice.execution.engine.status import read_status
from pgsluice.model.plan import PhaseName
from tests.support.plans import build_index, migration, plan, strike
from tests.support.sql import execute

ADD_B = strike("add-b", "ALTER TABLE t ADD COLUMN b int")
DROP_A = strike("drop-a", "ALTER TABLE t DROP COLUMN a")


def _status(runs):
    session = runs.connect("status")
    try:
        return read_status(session)
    finally:
        session.close()


def test_without_a_journal(runs):
    status = _status(runs)
    assert status.journal_version is None and status.migrations == () and status.leftovers == ()


def test_what_ran_and_what_waits(runs):
    with runs.run() as run:
        run.apply(plan(migration(ADD_B, contract=(DROP_A,))))
        assert _status(runs).lease.alive
    status = _status(runs)
    assert status.waiting_for_contract == ("0001_first",)
    assert [s.sql for s in status.migrations[0].waiting] == [DROP_A.sql]
    assert status.migrations[0].through is PhaseName.MIGRATE
    assert status.lease and not status.lease.alive and not status.lease.died


def _invalidate(runs, database, name):
    execute(database, f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")


def test_leftovers_that_no_run_explains(runs, database):
    execute(
        runs.dsn, "CREATE INDEX lost ON t (a)", "CREATE INDEX known ON t (a)", "ALTER TABLE t ADD CONSTRAINT _pgsluice_x CHECK (id > 0)"
    )
    failing = build_index("build", "public.known", "CREATE INDEX CONCURRENTLY known ON nowhere (a)", table="public.t")
    waiting = migration(ADD_B, contract=(failing,))
    with runs.run() as run:
        run.apply(plan(waiting))
    for name in ("lost", "known"):
        _invalidate(runs, database, name)
    found = {(left.what, left.name) for left in _status(runs).leftovers}
    assert found == {("invalid index", "public.lost"), ("helper constraint", "_pgsluice_x on t")}


def test_a_build_that_runs_is_no_leftover(runs, database):
    execute(runs.dsn, "CREATE INDEX lost ON t (a)")
    _invalidate(runs, database, "lost")
    builder = runs.connect("builder")
    builder.run("BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    assert [left.what for left in _status(runs).leftovers] == ["invalid index, perhaps being built"]
    builder.close()
