"""Runs against a test database as its ordinary owner."""

from dataclasses import dataclass, field

import pytest

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.run import Run
from pgsluice.model.events import Event
from pgsluice.model.settings import Settings
from tests.support.sql import execute


@dataclass
class Ran:
    """Makes runs on one database and keeps what they report."""

    dsn: str
    events: list[Event] = field(default_factory=list)

    def connect(self, purpose: str) -> Session:
        return connect(self.dsn, purpose, environment={})

    def run(self, **settings) -> Run:
        return Run(self.connect, Settings(**{"patience": 10.0, **settings}), self.events.append)

    def reported(self, kind: type[Event]) -> list:
        return [e for e in self.events if isinstance(e, kind)]


@pytest.fixture
def runs(owner_dsn: str) -> Ran:
    """Runs on a database with a table public.t of three rows."""
    execute(owner_dsn, "CREATE TABLE public.t (id int PRIMARY KEY, a text)", "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL)")
    return Ran(owner_dsn)
