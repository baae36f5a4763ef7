"""Scenes of a change of shape."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.twins.scene import Scene
from tests.support.pooler import pooler
from tests.support.servers import OWNER, TestServer

__all__ = ["pooler", "scene"]


@pytest.fixture
def scene(server: TestServer, tmp_path: Path) -> Iterator[Scene]:
    with server.fresh_database() as ours, server.fresh_database() as plain:
        yield Scene(server.process.dsn(ours, OWNER), server.process.dsn(plain, OWNER), tmp_path)


@pytest.fixture
def reading_s(request: pytest.FixtureRequest) -> float:
    """For how long a reader keeps its transaction open during a run."""
    return 10.0 if request.config.getoption("--pg-majors") == "all" else 3.0
