"""Rigs on ordinary databases, and on a server whose settings a test may change."""

from collections.abc import Iterator

import pytest

from pg_matrix import installation
from pgsluice.rehearsal.server import ThrowawayServer
from tests.support.scenes import Rig, make_shop
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute


@pytest.fixture
def rig(owner_dsn: str) -> Iterator[Rig]:
    """As an ordinary role without pg_monitor."""
    make_shop(owner_dsn)
    rig = Rig(owner_dsn)
    yield rig
    rig.close()


@pytest.fixture(scope="session")
def odd_server(server: TestServer) -> Iterator[TestServer]:
    """A server of its own, where autovacuum comes every second."""
    settings = {"autovacuum_naptime": "1s", "max_prepared_transactions": "10", "log_min_messages": "warning"}
    with ThrowawayServer(installation(server.major), settings) as process:
        yield TestServer(server.major, process)


@pytest.fixture
def odd_rig(odd_server: TestServer) -> Iterator[Rig]:
    """As an ordinary role, on the server whose settings a test may change: they are reset afterwards."""
    with odd_server.fresh_database() as name:
        dsn = odd_server.process.dsn(name, OWNER)
        make_shop(dsn)
        rig = Rig(dsn)
        yield rig
        rig.close()
        execute(odd_server.dsn, "ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")
