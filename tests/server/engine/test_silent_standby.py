"""A synchronous standby that does not answer: the journal's writes say so, and end with the patience."""

from collections.abc import Iterator

import pytest

from pg_matrix import installation
from pgsluice.model.errors import StoppedError
from pgsluice.model.events import MigrationDone, Notice
from pgsluice.rehearsal.server import ThrowawayServer
from tests.server.engine.conftest import Ran
from tests.support.plans import migration, plan, strike
from tests.support.scenes import until
from tests.support.servers import TestServer
from tests.support.sql import execute, value


@pytest.fixture
def lonely(server: TestServer) -> Iterator[str]:
    """The connection string of a server whose only standby never comes."""
    with ThrowawayServer(installation(server.major)) as process:
        execute(
            process.dsn(), "CREATE TABLE t (id int)", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"
        )
        until(lambda: value(process.dsn(), "SHOW synchronous_standby_names") == "nobody")
        yield process.dsn()


@pytest.mark.pg("18")
def test_it_is_said_and_the_run_can_be_resumed(lonely):
    runs = Ran(lonely)
    step = plan(migration(strike("add-b", "ALTER TABLE t ADD COLUMN b int")))
    for _ in ("the journal is made", "the lease is taken"):
        runs.events.clear()
        with pytest.raises(StoppedError) as stop, runs.run(patience=3.0) as run:
            run.apply(step)
        assert stop.value.code == "standby-silent"
        assert "synchronous standby" in runs.reported(Notice)[0].message
    execute(lonely, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
    until(lambda: value(lonely, "SHOW synchronous_standby_names") == "")
    with runs.run() as run:
        run.apply(step)
    assert runs.reported(MigrationDone)
