"""Two programs on one database, and one whose build outlives it."""

from collections.abc import Iterator

import pytest

from tests.crash.scenes import SCENES
from tests.crash.stage import Stage, template, wrong
from tests.support.scenes import holding, until
from tests.support.servers import TestServer
from tests.support.sql import value

pytestmark = pytest.mark.newest("seconds for each case")

GOOD_END = {"migration": "done", "step": "done"}

BUILDING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'"

OLD_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log"
"""What every concurrent build in the database waits for."""


@pytest.fixture(scope="module")
def stage(server: TestServer) -> Iterator[Stage]:
    with template(server, SCENES["forward"]) as name:
        yield Stage(server, "forward", name)


def test_started_together_one_works_after_the_other(stage):
    with stage.database() as dsn, stage.proxy() as first, stage.proxy() as second:
        programs = [stage.start(proxy, dsn, "run", wait_s=60) for proxy in (first, second)]
        ends = [program.end() for program in programs]
        assert [code for code, _ in ends] == [0, 0], ends
        # the one that came second found nothing to do: it opened no session to work with
        worked = [any(p.purpose == "work" for p in proxy.sent) for proxy in (first, second)]
        assert sorted(worked) == [False, True]
        assert value(dsn, "SELECT max(attempts) FROM pgsluice.step WHERE kind = 'transaction'") == 1
        assert not wrong(dsn, stage.expected(), **GOOD_END)


def test_one_that_may_not_wait_names_the_other(stage):
    with stage.database() as dsn, stage.proxy() as first, stage.proxy() as second, holding(dsn, OLD_SNAPSHOT):
        working = stage.start(first, dsn, "run")
        until(lambda: value(stage.server.dsn, BUILDING) == 1)
        code, said = stage.start(second, dsn, "run").end()
        assert code == 4 and "another-run" in said and "0001_first index-n" in said
        working.kill()
        working.end()


def test_a_build_that_outlives_its_program_is_ended_first(stage):
    """Its client was killed, its server process waits for an old snapshot; the next run must not build beside it."""
    with stage.database() as dsn, stage.proxy() as proxy:
        with holding(dsn, OLD_SNAPSHOT):
            program = stage.start(proxy, dsn, "run")
            until(lambda: value(stage.server.dsn, BUILDING) == 1)
            old = value(stage.server.dsn, BUILDING.replace("count(*)", "pid"))
            program.kill()
            program.end()
            next_one = stage.start(proxy, dsn, "run")
            again = BUILDING + f" AND pid <> {old}"
            until(lambda: value(stage.server.dsn, again) == 1)
            assert value(stage.server.dsn, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {old}") == 0
        assert next_one.end()[0] == 0
        assert not wrong(dsn, stage.expected(), **GOOD_END)
