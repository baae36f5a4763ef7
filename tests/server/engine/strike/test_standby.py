"""A standby that is watched has a say: its readers are given their gap, too."""

import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.model.errors import PatienceError, StoppedError
from pgsluice.model.events import StrikeFailed
from pgsluice.rehearsal.server import StandbyServer
from tests.support.scenes import Rig, a_step, columns, holding, until
from tests.support.servers import OWNER, TestServer
from tests.support.sql import value

ADD = "ALTER TABLE public.t ADD COLUMN a int"


@pytest.mark.pg(">= 18")  # only this installation has pg_basebackup
def test_readers_of_a_standby_are_waited_for(rig: Rig, server: TestServer):
    with StandbyServer(server.process) as standby:
        dsn = standby.dsn(value(rig.dsn, "SELECT current_database()"), OWNER)
        until(lambda: value(dsn, "SELECT to_regclass('public.t') IS NOT NULL"))
        watched = connect(dsn, "standby", environment={}, read_only=True)
        with holding(dsn, "SELECT FROM t LIMIT 1", "reporting"):
            with pytest.raises(PatienceError, match=r"reporting.*holds ACCESS SHARE on public\.t on standby 1"):
                rig.handle(a_step(ADD), standbys=(watched,), patience_s=1.0)
        assert not rig.reported(StrikeFailed) and columns(rig.dsn) == ["id", "v"]
        rig.handle(a_step(ADD), standbys=(watched,))
        assert columns(rig.dsn) == ["id", "v", "a"]
        standby.stop()
        with pytest.raises(StoppedError, match="standby 1 cannot be looked at") as lost:
            rig.handle(a_step(ADD), standbys=(watched,))
        assert lost.value.code == "standby-lost"
        watched.close()
        standby.start()
