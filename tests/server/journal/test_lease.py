"""One run at a time; a dead one's backends are gone before the next begins; an old number writes nothing."""

import threading
from contextlib import suppress

import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError, sqlstate_of
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.tenure import Tenure
from pgsluice.execution.journal import lease
from pgsluice.execution.journal.recording import LEASE_LOST, step_record
from pgsluice.execution.journal.store import Journal
from pgsluice.execution.journal.stored_plan import StoredPlan
from pgsluice.model.errors import PatienceError, StoppedError
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import StepState
from tests.support.plans import migration, strike
from tests.support.scenes import until
from tests.support.sql import execute, value


@pytest.fixture
def open_session(owner_dsn):
    opened: list[Session] = []

    def open_one(purpose: str) -> Session:
        opened.append(connect(owner_dsn, purpose, environment={}))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


@pytest.fixture
def tenure(open_session):
    made: list[Tenure] = []

    def make(patience_s: float = 5.0) -> Tenure:
        made.append(Tenure(open_session, lambda event: None, patience_s))
        return made[-1]

    yield make
    for one in made:
        one.end()


def _settled(tenure: Tenure) -> Tenure:
    tenure.begin()
    tenure.settle()
    return tenure


def test_a_second_run_names_the_first(tenure, open_session):
    first = _settled(tenure())
    first.journal.begin(StoredPlan(migration(strike("s1", "SELECT 1")), (), 0), PhaseName.MIGRATE)
    first.journal.start_step("0001_first", "s1")
    with pytest.raises(PatienceError) as refusal:
        tenure().begin()
    assert refusal.value.code == "another-run" and refusal.value.exit_code == 4
    assert "running 0001_first s1" in refusal.value.what
    assert str(first.control.pid) in refusal.value.where


def test_a_second_run_that_waits_gets_its_turn(tenure):
    first, second = _settled(tenure()), tenure()
    threading.Timer(0.5, first.end).start()
    second.begin(wait_s=10)
    second.settle()
    assert second.fence == first.fence + 1


def test_waiting_holds_no_snapshot(tenure, open_session, owner_dsn):
    """A concurrent build of the first run must not have to wait for the second run's waiting."""
    execute(owner_dsn, "CREATE TABLE t (id int)")
    first, second = _settled(tenure()), tenure()

    def wait() -> None:
        with suppress(PatienceError):
            second.begin(wait_s=4)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: value(owner_dsn, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%try_advisory_lock%'") > 1)
    first.work.run("SET statement_timeout = '3s'")
    first.work.run("CREATE INDEX CONCURRENTLY i ON t (id)")
    waiting.join()


def test_an_old_runs_backend_is_ended_first(tenure, open_session, owner_dsn):
    """Its client is gone, its statement goes on in the server, as a concurrent build does after SIGKILL."""
    old = open_session("work")
    lease.mark_present(old)
    ended: list[str | None] = []

    def work() -> None:
        try:
            old.run("SELECT pg_sleep(60)")
        except DatabaseError as error:
            ended.append(sqlstate_of(error))

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: value(owner_dsn, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
    _settled(tenure())
    thread.join()
    assert ended == ["57P01"]


def test_a_backend_that_may_not_be_ended_is_waited_for(tenure, database, open_session):
    foreign = connect(database, "work", environment={})  # a superuser's
    lease.mark_present(foreign)
    impatient = tenure(patience_s=0.3)
    with pytest.raises(PatienceError) as refusal:
        impatient.begin()
    impatient.end()
    assert refusal.value.code == "backend-alive" and str(foreign.pid) in refusal.value.what
    threading.Timer(0.3, foreign.close).start()
    tenure().begin()


def test_a_silent_holder_is_taken_for_dead(tenure, monkeypatch):
    """The server has not noticed that its network is gone; `end` is never called for the first."""
    first = tenure()
    first.begin()
    monkeypatch.setattr(lease, "SILENCE_S", 0.2)
    second = tenure()
    second.begin(wait_s=5)
    with pytest.raises(DatabaseError):
        first.control.value("SELECT 1")


def test_an_old_number_records_nothing(tenure, open_session):
    first = _settled(tenure())
    first.journal.begin(StoredPlan(migration(strike("s'1", "SELECT 1")), (), 0), PhaseName.MIGRATE)
    first.journal.start_step("0001_first", "s'1")
    old, stale = step_record(first.fence, "0001_first", "s'1", StepState.STARTED, StepState.DONE), first.fence
    first.end()
    second = _settled(tenure())
    with pytest.raises(DatabaseError) as refusal:
        second.work.run(old)
    assert sqlstate_of(refusal.value) == LEASE_LOST
    with pytest.raises(StoppedError, match="took over"):
        Journal(second.control, stale).end_step("0001_first", "s'1", StepState.DONE)
    assert second.journal.step_state("0001_first", "s'1") is StepState.STARTED
    second.work.run(step_record(second.fence, "0001_first", "s'1", StepState.STARTED, StepState.DONE))
    assert second.journal.step_state("0001_first", "s'1") is StepState.DONE


def test_a_takeover_waits_for_a_strike_that_has_begun(tenure, open_session, owner_dsn):
    """Whoever recorded first commits first: the new number appears only after the old transaction."""
    first = _settled(tenure())
    first.journal.begin(StoredPlan(migration(strike("s1", "SELECT 1")), (), 0), PhaseName.MIGRATE)
    first.journal.start_step("0001_first", "s1")
    striking = open_session("strike")
    striking.run("BEGIN;" + step_record(first.fence, "0001_first", "s1", StepState.STARTED, StepState.DONE))
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(lease.take(first.control)))
    thread.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    until(lambda: value(owner_dsn, waits, [first.control.pid]))
    assert not taken
    striking.run("COMMIT")
    thread.join()
    assert taken == [first.fence + 1]


def test_the_row_names_our_backends(tenure, owner_dsn):
    held = _settled(tenure())
    found = lease.holder(held.control)
    assert found is not None and found.alive
    assert set(found.backends) == {held.control.pid, held.work.pid, held.watch.pid}
    held.end()
    with connect(owner_dsn, "looker", environment={}).connection as connection:
        left = lease.holder(Session(connection))
    assert left is not None and not left.alive and not left.died
