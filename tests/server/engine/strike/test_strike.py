"""Watch, then strike: gaps are found, blockers are named, patience ends, nothing is left behind."""

import psycopg
import pytest

from pgsluice.execution.engine.context import OutcomeUnknownError
from pgsluice.execution.engine.handlers.strike import handle
from pgsluice.model.errors import PatienceError, StepFailedError, StoppedError
from pgsluice.model.events import Notice, StrikeFailed, Waiting
from tests.support.scenes import AE, Rig, a_step, columns, holding, in_background, readers, traffic, until
from tests.support.sql import execute, value

ADD = "ALTER TABLE public.t ADD COLUMN a int"


def test_the_step_and_its_journal_row_commit_together(rig: Rig):
    result = rig.handle(a_step(ADD + "; ALTER TABLE public.t ADD COLUMN b int"))
    assert columns(rig.dsn) == ["id", "v", "a", "b"] and rig.recorded
    assert result.attempts == 1 and 0 < result.held_ms <= result.duration_s * 1000
    with pytest.raises(StepFailedError, match="already exists") as failed:
        rig.handle(a_step(ADD))
    assert failed.value.code == "statement-failed"


def test_what_the_server_refuses_leaves_nothing(rig: Rig):
    with pytest.raises(StepFailedError, match="does not exist"):
        rig.handle(a_step(ADD + "; ALTER TABLE public.t DROP COLUMN nowhere"))
    assert columns(rig.dsn) == ["id", "v"] and not rig.recorded


def test_quotes_comments_and_settings_of_the_file_survive(rig: Rig):
    sql = """ALTER TABLE t ADD COLUMN "a$_pgsluice_do$b" text DEFAULT $x$ it's $$ $x$;
    COMMENT ON COLUMN t.v IS '$_pgsluice_sql$ \\ '; -- a comment at the end"""
    rig.handle(a_step(sql, session="SET search_path = public; SET lock_timeout = 0"))
    assert columns(rig.dsn)[-1] == "a$_pgsluice_do$b"
    assert value(rig.dsn, 'SELECT DISTINCT "a$_pgsluice_do$b" FROM t') == " it's $$ "


def test_forms_that_a_do_block_could_refuse(rig: Rig):
    execute(rig.dsn, "CREATE TYPE mood AS ENUM ('sad')")
    rig.handle(a_step("ALTER TYPE mood ADD VALUE 'glad'; SELECT * INTO copied FROM t LIMIT 1"))
    rig.handle(a_step("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; INSERT INTO copied SELECT f(), 2; SELECT f();"))
    assert value(rig.dsn, "SELECT count(*) FROM copied") == 2


def test_it_waits_for_a_reader_without_queueing(rig: Rig):
    with holding(rig.dsn) as reader, traffic(rig.dsn, "SELECT v FROM t WHERE id = 5", "UPDATE t SET v = v WHERE id = 6") as seen:
        thread, ended = in_background(lambda: rig.handle(a_step(ADD)))
        until(lambda: rig.reported(Waiting))
        assert not ended
        pid = reader.info.backend_pid
        reader.execute("ROLLBACK")
        thread.join()
    assert ended[0].attempts == 1 and not rig.reported(StrikeFailed)
    (blocker,) = rig.reported(Waiting)[0].blockers
    assert blocker.pid == pid and blocker.application == "holder" and blocker.relation == "public.t"
    assert not seen.errors and seen.longest_ms < 500


def test_a_gap_between_slow_transactions_is_found(rig: Rig):
    with readers(rig.dsn, 1, seconds=1.0, gap=0.2), traffic(rig.dsn, "SELECT v FROM t WHERE id = 5") as seen:
        rig.handle(a_step(ADD))
    assert rig.recorded and seen.longest_ms < 500


def test_three_readers_that_always_overlap_are_left_alone_and_named(rig: Rig):
    with readers(rig.dsn, 3, seconds=1.5), traffic(rig.dsn, "SELECT v FROM t WHERE id = 5"):
        with pytest.raises(PatienceError) as spent:
            rig.handle(a_step(ADD), patience_s=4.0)
    assert len(rig.reported(StrikeFailed)) <= 2, "only looking goes on"
    assert (
        spent.value.exit_code == 4 and spent.value.what.count("slow reader") >= 2 and "holds ACCESS SHARE on public.t" in spent.value.what
    )
    assert columns(rig.dsn) == ["id", "v"] and not rig.recorded


def test_hidden_transactions_are_aged_by_our_own_eyes_and_named_by_pid(rig: Rig, database: str):
    """The holder is another role: without pg_monitor its age, state and query are hidden."""
    with holding(database) as reader:
        with pytest.raises(PatienceError, match=f"pid {reader.info.backend_pid}, user postgres, holder, at least"):
            rig.handle(a_step(ADD), patience_s=1.0)
        assert not rig.reported(StrikeFailed), "it watched, and did not strike at somebody of unknown age"
    rig.handle(a_step(ADD))


def test_a_prepared_transaction_is_named_by_its_gid(rig: Rig):
    with psycopg.connect(rig.dsn, autocommit=True) as connection:
        connection.execute("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE; PREPARE TRANSACTION 'gid of ours'; SELECT pg_sleep(0.05)")
    with pytest.raises(PatienceError, match="prepared transaction 'gid of ours'"):
        rig.handle(a_step(ADD), patience_s=1.0)
    assert not rig.reported(StrikeFailed)
    execute(rig.dsn, "ROLLBACK PREPARED 'gid of ours'")


def test_a_blocker_idle_in_transaction_is_ended_only_when_asked_for(rig: Rig):
    with holding(rig.dsn) as idle:
        with pytest.raises(PatienceError, match="idle in transaction"):
            rig.handle(a_step(ADD), patience_s=1.0, cancel_idle_s=100)
        rig.handle(a_step(ADD), cancel_idle_s=0.1)
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
        idle.close()
    assert "ended: pid" in rig.reported(Notice)[0].message


def test_a_relation_that_was_not_declared_cannot_hurt_and_its_holder_is_named(rig: Rig):
    execute(rig.dsn, "CREATE TABLE other (id int)")
    sql = ADD + "; ALTER TABLE other ADD COLUMN a int"
    with holding(rig.dsn, "LOCK TABLE other IN ACCESS SHARE MODE", "not foreseen"), traffic(rig.dsn, "SELECT FROM other, t LIMIT 1"):
        with pytest.raises(PatienceError, match="not foreseen"):
            rig.handle(a_step(sql), patience_s=1.0)
    failed = rig.reported(StrikeFailed)
    assert all(event.lock_timeout_ms == 20 for event in failed) and any("not foreseen" in event.why for event in failed)
    assert not rig.recorded


def test_the_journal_refusing_keeps_the_step_from_running(rig: Rig):
    step = a_step(ADD)
    lost = "DO $$ BEGIN RAISE EXCEPTION 'another run took the lease' USING ERRCODE = 'SLUI1'; END $$"
    with pytest.raises(psycopg.Error, match="another run took the lease"):
        rig.handle(step, record_sql=lambda: lost)
    assert columns(rig.dsn) == ["id", "v"]


def test_a_checkpoint_stops_it_while_it_waits(rig: Rig):
    def stop() -> None:
        if rig.reported(Waiting):
            raise StoppedError("paused", "paused")

    with holding(rig.dsn), pytest.raises(StoppedError):
        rig.handle(a_step(ADD), checkpoint=stop)


def test_a_connection_that_dies_in_the_strike_leaves_the_outcome_unknown(rig: Rig, database: str):
    sql = "DO $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END $$"
    context = rig.context(a_step(sql))
    with pytest.raises(OutcomeUnknownError) as unknown:
        handle(context)
    assert unknown.value.pid == context.work.pid and not rig.recorded


def test_defaults_of_the_role_do_not_matter(rig: Rig, database: str):
    role = f'ALTER ROLE "shop owner" IN DATABASE {value(database, "SELECT current_database()")} SET'
    execute(database, f"{role} default_transaction_isolation = serializable", f"{role} synchronous_commit = off")
    rig.handle(a_step(ADD))
    assert rig.recorded


def test_an_index_that_queries_keep_locked_is_watched_too(rig: Rig):
    execute(rig.dsn, "CREATE INDEX of_v ON t (v)")
    with holding(rig.dsn, "SELECT FROM t WHERE id = 1"):
        with pytest.raises(PatienceError, match=r"holds ACCESS SHARE on public\.of_v"):
            rig.handle(a_step("ALTER INDEX of_v SET (fillfactor = 80)", ("public.of_v", AE)), patience_s=1.0)
    assert not rig.reported(StrikeFailed)
