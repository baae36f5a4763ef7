"""Handlers of the steps that take long: transactions without blocking locks, concurrent builds, drops, and the rest."""

from dataclasses import replace

import psycopg
import pytest

from pgsluice.execution.engine.context import OutcomeUnknownError
from pgsluice.execution.engine.one_step import handler_of
from pgsluice.model.backfills import PaceName
from pgsluice.model.errors import PatienceError, StepFailedError
from pgsluice.model.events import Notice, Progress, StrikeFailed, Waiting
from pgsluice.model.steps import StepKind
from tests.support.scenes import STUBBORN, SUE, Rig, T, a_step, columns, holding, in_background, traffic, until
from tests.support.sql import execute, rows, value

READ, WRITE = "SELECT v FROM t WHERE id = 5", "UPDATE t SET v = v WHERE id = 6"
pytestmark = pytest.mark.newest("seconds for each case")

VALID = "SELECT coalesce(bool_and(indisvalid), false) FROM pg_index WHERE indexrelid = to_regclass('public.of_v')"
SLOW = "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep({}); RETURN $1; END'"
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


def transaction(sql: str, *locks, **facts):
    return a_step(sql, *(locks or ((T, SUE),)), kind=StepKind.TRANSACTION, **facts)


def build(sql: str = "CREATE INDEX CONCURRENTLY of_v ON public.t (v)", **facts):
    return a_step(sql, (T, SUE), kind=StepKind.BUILD_INDEX, subject="public.of_v", **facts)


class TestTransaction:
    def test_validate_and_its_journal_row_commit_together(self, rig: Rig):
        execute(rig.dsn, "ALTER TABLE t ADD CONSTRAINT positive CHECK (v > 0) NOT VALID")
        rig.handle(transaction("ALTER TABLE t VALIDATE CONSTRAINT positive"))
        assert rig.recorded and value(rig.dsn, "SELECT convalidated FROM pg_constraint WHERE conname = 'positive'")

    def test_what_the_server_refuses_leaves_nothing(self, rig: Rig):
        execute(rig.dsn, "ALTER TABLE t ADD CONSTRAINT few CHECK (v < 10) NOT VALID")
        with pytest.raises(StepFailedError, match="is violated by some row"):
            rig.handle(transaction("CREATE TABLE brief (); ALTER TABLE t VALIDATE CONSTRAINT few"))
        assert not rig.recorded and value(rig.dsn, "SELECT to_regclass('public.brief')") is None

    def test_it_waits_for_the_harmless_lock_and_says_for_whom(self, rig: Rig):
        execute(rig.dsn, "ALTER TABLE t ADD CONSTRAINT positive CHECK (v > 0) NOT VALID")
        with holding(rig.dsn, "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE", "analyst") as analyst, traffic(rig.dsn, READ, WRITE) as seen:
            thread, ended = in_background(lambda: rig.handle(transaction("ALTER TABLE t VALIDATE CONSTRAINT positive")))
            until(lambda: rig.reported(Waiting))
            assert not ended and rig.reported(Waiting)[0].blockers[0].application == "analyst"
            analyst.execute("ROLLBACK")
            thread.join()
        assert ended[0].attempts == 1 and rig.recorded
        assert seen.longest_ms < 500

    def test_patience_names_who_holds_the_lock(self, rig: Rig):
        with holding(rig.dsn, "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE", "analyst"):
            with pytest.raises(PatienceError, match="analyst"):
                rig.handle(transaction("COMMENT ON TABLE t IS 'x'"), patience_s=0.5)

    def test_a_wrong_prediction_cannot_hurt(self, rig: Rig):
        """It takes ACCESS EXCLUSIVE and works for long: cancelled before an application query has waited for the budget."""
        step = transaction("ALTER TABLE t ADD COLUMN a int; SELECT pg_sleep(30)")
        with traffic(rig.dsn, READ) as seen, pytest.raises(StepFailedError, match=r"waited behind it for (public\.)?t;") as failed:
            rig.handle(step)
        assert failed.value.code == "step-blocks-application" and not rig.recorded
        assert seen.longest_ms < 500 and len(rig.reported(StrikeFailed)) == 2

    def test_one_that_swallows_cancellation_costs_the_backend(self, rig: Rig, database: str):
        execute(database, STUBBORN)
        with traffic(rig.dsn, READ) as seen, pytest.raises(OutcomeUnknownError):
            rig.handle(transaction("ALTER TABLE t ADD COLUMN a int"))
        assert seen.longest_ms < 1000 and not rig.recorded and columns(rig.dsn) == ["id", "v"]

    def test_row_locks_that_the_application_waits_for_count_too(self, rig: Rig):
        with traffic(rig.dsn, WRITE) as seen, pytest.raises(StepFailedError, match="a row"):
            rig.handle(transaction("UPDATE t SET v = 0; SELECT pg_sleep(30)"))
        assert seen.longest_ms < 500 and value(rig.dsn, "SELECT count(*) FROM t WHERE v = 0") == 0

    def test_a_blocking_lock_that_was_not_foreseen_queues_for_20_ms(self, rig: Rig):
        with holding(rig.dsn, name="reader"), traffic(rig.dsn, READ) as seen, pytest.raises(PatienceError):
            rig.handle(transaction("ALTER TABLE t ADD COLUMN a int"), patience_s=1.0)
        assert all("lock timeout" in failed.why for failed in rig.reported(StrikeFailed)) and seen.longest_ms < 500


class TestBuildIndex:
    def test_it_is_built_and_reports_progress(self, rig: Rig):
        with holding(rig.dsn, "SELECT txid_current(); LOCK TABLE t IN ROW EXCLUSIVE MODE", "old writer") as writer:
            thread, ended = in_background(lambda: rig.handle(build()))
            until(lambda: rig.reported(Waiting))
            writer.execute("ROLLBACK")
            thread.join()
        assert ended[0].attempts == 1 and value(rig.dsn, VALID)
        waiting = rig.reported(Waiting)[0]
        assert waiting.what.startswith("waiting for writers") and waiting.blockers[0].application == "old writer"

    def test_duplicates_are_named_and_nothing_invalid_is_left(self, rig: Rig):
        execute(rig.dsn, "INSERT INTO t VALUES (0, 7)")
        with pytest.raises(StepFailedError, match=r"Key \(v\)=\(7\) is duplicated"):
            rig.handle(build("CREATE UNIQUE INDEX CONCURRENTLY of_v ON public.t (v)"))
        assert value(rig.dsn, "SELECT to_regclass('public.of_v')") is None and value(rig.dsn, INVALID) == 0

    def test_an_invalid_leftover_is_never_done(self, rig: Rig):
        leave_invalid(rig)
        rig.handle(build("CREATE INDEX CONCURRENTLY IF NOT EXISTS of_v ON public.t (v)", done_when=VALID))
        assert value(rig.dsn, VALID) and value(rig.dsn, INVALID) == 0
        assert "dropped the invalid index public.of_v" in rig.reported(Notice)[0].message

    def test_a_build_that_runs_is_awaited_not_dropped(self, rig: Rig):
        """It looks like a leftover; here it is the backend of a client that died."""
        with holding(rig.dsn, "SELECT txid_current(); LOCK TABLE t IN ROW EXCLUSIVE MODE") as writer:
            other, _ = in_background(lambda: execute(rig.dsn, "CREATE INDEX CONCURRENTLY of_v ON public.t (v)"))
            until(lambda: value(rig.dsn, INVALID) == 1)
            before = value(rig.dsn, "SELECT 'public.of_v'::regclass::oid")
            thread, ended = in_background(lambda: rig.handle(build(done_when=VALID)))
            until(lambda: rig.reported(Waiting))
            writer.execute("ROLLBACK")
            thread.join()
            other.join()
        assert not isinstance(ended[0], BaseException) and value(rig.dsn, VALID)
        assert value(rig.dsn, "SELECT 'public.of_v'::regclass::oid") == before

    def test_a_valid_index_of_another_definition_is_the_servers_error(self, rig: Rig):
        execute(rig.dsn, "CREATE INDEX of_v ON t (id)")
        with pytest.raises(StepFailedError, match="already exists"):
            rig.handle(build(done_when="SELECT false"))
        assert value(rig.dsn, VALID)

    def test_timeouts_of_the_file_do_not_kill_it(self, rig: Rig):
        with holding(rig.dsn, "SELECT txid_current(); LOCK TABLE t IN ROW EXCLUSIVE MODE") as writer:
            step = build(session="SET lock_timeout = '50ms'; SET statement_timeout = '50ms'")
            thread, ended = in_background(lambda: rig.handle(step))
            until(lambda: rig.reported(Waiting))
            writer.execute("ROLLBACK")
            thread.join()
        assert not isinstance(ended[0], BaseException) and value(rig.dsn, VALID)

    @pytest.mark.parametrize(("pace", "said"), [("gentle", "0"), ("normal", "2")])
    def test_at_the_gentle_pace_it_takes_one_processor(self, rig: Rig, pace: str, said: str):
        context = rig.context(build())
        handler_of(StepKind.BUILD_INDEX)(replace(context, limits=replace(context.limits, pace=PaceName(pace))))
        assert context.work.value("SHOW max_parallel_maintenance_workers") == said and value(rig.dsn, VALID)

    def test_odd_names(self, rig: Rig):
        execute(rig.dsn, 'CREATE SCHEMA "O%dd"; CREATE TABLE "O%dd"."T.1" ("a b" int)')
        sql = 'CREATE INDEX CONCURRENTLY "I%s" ON "O%dd"."T.1" ("a b")'
        rig.handle(a_step(sql, ('"O%dd"."T.1"', SUE), kind=StepKind.BUILD_INDEX, subject='"O%dd"."I%s"'))
        assert value(rig.dsn, """SELECT indisvalid FROM pg_index WHERE indexrelid = '"O%dd"."I%s"'::regclass""")

    def test_a_plain_build_is_cancelled_for_the_applications_sake(self, rig: Rig):
        """Somebody planned it without CONCURRENTLY."""
        execute(
            rig.dsn, "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN $1; END'"
        )
        with traffic(rig.dsn, WRITE) as seen, pytest.raises(StepFailedError, match="waited behind it for t"):
            rig.handle(build("CREATE INDEX of_v ON public.t (slow(v))"))
        assert seen.longest_ms < 500 and value(rig.dsn, "SELECT to_regclass('public.of_v')") is None


class TestOthers:
    def test_drop_index_runs_again_after_an_interruption(self, rig: Rig):
        leave_invalid(rig)
        step = a_step("DROP INDEX CONCURRENTLY IF EXISTS of_v", (T, SUE), kind=StepKind.DROP_INDEX, subject="public.of_v")
        rig.handle(step)
        rig.handle(step)
        assert value(rig.dsn, "SELECT to_regclass('public.of_v')") is None

    def test_reindex_takes_the_leftovers_of_an_earlier_one_away(self, rig: Rig):
        execute(rig.dsn, "CREATE INDEX of_v ON t (v)")
        with holding(rig.dsn, "SELECT txid_current(); LOCK TABLE t IN ROW EXCLUSIVE MODE"), psycopg.connect(rig.dsn, autocommit=True) as c:
            c.execute("SET statement_timeout = 300")
            with pytest.raises(psycopg.errors.QueryCanceled):
                c.execute("REINDEX INDEX CONCURRENTLY of_v")
        assert rows(rig.dsn, "SELECT relname FROM pg_class WHERE relname LIKE '%cc%new'") == [("of_v_ccnew",)]
        rig.handle(a_step("REINDEX INDEX CONCURRENTLY of_v", (T, SUE), kind=StepKind.REINDEX, subject="public.of_v"))
        assert value(rig.dsn, VALID) and value(rig.dsn, INVALID) == 0
        assert rows(rig.dsn, "SELECT relname FROM pg_class WHERE relname LIKE '%cc%new'") == []

    def test_reindex_of_a_table_and_of_a_schema(self, rig: Rig):
        rig.handle(a_step("REINDEX TABLE CONCURRENTLY t", (T, SUE), kind=StepKind.REINDEX, subject=T))
        rig.handle(a_step("REINDEX SCHEMA CONCURRENTLY public", (T, SUE), kind=StepKind.REINDEX))

    def test_vacuum(self, rig: Rig):
        rig.handle(a_step("VACUUM (ANALYZE) t", (T, SUE), kind=StepKind.OUTSIDE))
        assert value(rig.dsn, "SELECT reltuples FROM pg_class WHERE oid = 'public.t'::regclass") == 1000

    def test_progress_counts(self, rig: Rig):
        execute(
            rig.dsn, "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN $1; END'"
        )
        rig.handle(build("CREATE INDEX CONCURRENTLY of_v ON public.t (slow(v))"))
        progress = rig.reported(Progress)
        assert progress and all(event.total and 0 <= event.done <= event.total for event in progress if event.unit == "blocks")


def leave_invalid(rig: Rig) -> None:
    """public.of_v stands there, not valid, and nobody builds it."""
    with holding(rig.dsn, "SELECT txid_current(); LOCK TABLE t IN ROW EXCLUSIVE MODE"), psycopg.connect(rig.dsn, autocommit=True) as c:
        c.execute("SET statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            c.execute("CREATE INDEX CONCURRENTLY of_v ON t (v)")
    assert value(rig.dsn, INVALID) == 1
