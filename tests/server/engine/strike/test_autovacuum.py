"""A running autovacuum gives way to an ordinary role, without harm to the application; one against wraparound is named."""

import pytest

from pgsluice.model.errors import PatienceError
from pgsluice.model.events import StrikeFailed, Waiting
from tests.server.monitor.looking import ddl_with_readers_behind, look, tree
from tests.support.scenes import Rig, a_step, columns, traffic, until
from tests.support.sql import execute, value

ADD = "ALTER TABLE public.t ADD COLUMN a int"
VACUUMS = """SELECT count(*) FROM pg_locks
WHERE relation = 'public.t'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted AND pid <> pg_backend_pid()"""

SLOW = """ALTER TABLE public.t SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1,
    autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_freeze_max_age = 100000)"""


def start_slow_vacuum(rig: Rig) -> None:
    """Returns when an autovacuum of public.t is at work that would take minutes."""
    execute(rig.dsn, "INSERT INTO t SELECT g, g FROM generate_series(1001, 60000) g", SLOW, "UPDATE t SET v = v + 1")
    until(lambda: value(rig.dsn, VACUUMS) >= 1, limit_s=60)


def test_autovacuum_is_taken_past(odd_rig: Rig):
    start_slow_vacuum(odd_rig)
    with traffic(odd_rig.dsn, "SELECT v FROM t WHERE id = 5", "UPDATE t SET v = v WHERE id = 6") as seen:
        result = odd_rig.handle(a_step(ADD))
    assert columns(odd_rig.dsn)[-1] == "a" and odd_rig.recorded
    assert len(odd_rig.reported(StrikeFailed)) <= 1, "it was not beaten down by strikes"
    assert result.duration_s > 0.9, "it waited for deadlock_timeout with a lock that blocks nobody"
    assert seen.longest_ms < 500 and not seen.errors


def test_autovacuum_against_wraparound_is_named_as_the_blocker(odd_rig: Rig, odd_server):
    burn = "DO $$ BEGIN FOR i IN 1..101000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$"
    execute(odd_rig.dsn, "SET synchronous_commit = off; " + SLOW, burn)
    start_slow_vacuum(odd_rig)
    with traffic(odd_rig.dsn, "SELECT v FROM t WHERE id = 5") as seen, pytest.raises(PatienceError) as spent:
        odd_rig.handle(a_step(ADD), patience_s=3.0)
    assert "autovacuum to prevent wraparound" in spent.value.what
    assert odd_rig.reported(Waiting)[0].blockers[0].wraparound and not odd_rig.reported(StrikeFailed)
    assert seen.longest_ms < 500 and columns(odd_rig.dsn) == ["id", "v"]

    superuser = odd_server.process.dsn(value(odd_rig.dsn, "SELECT current_database()"))
    with ddl_with_readers_behind(odd_rig.dsn):
        looks = [tree(look(dsn)) for dsn in (odd_rig.dsn, superuser)]
    assert [(one.backend.autovacuum, one.backend.wraparound, one.behind) for one in looks] == [(True, True, 6)] * 2
