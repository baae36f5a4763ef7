"""What is predicted for each specimen, under names that need care, is no less than what the server does."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.server.locks.comparison import Comparison, comparisons
from tests.server.locks.specimen import all_specimens
from tests.server.locks.truth import place
from tests.support.servers import TestServer

pytestmark = pytest.mark.newest("half a minute for each major")

OVERSTATED = {
    "ALTER INDEX SET TABLESPACE: the same": "is not analysed",
    "ALTER TABLE ALTER COLUMN TYPE: domain to its base type": "a cast from a domain is taken for one that computes",
    "ALTER TABLE ATTACH PARTITION: CHECKs on both prove": "the CHECK of the default partition is not held against the new bounds",
    "ALTER TABLE ATTACH PARTITION: has the same foreign key": "its foreign keys are not held against the parent's",
    "ALTER TABLE ATTACH PARTITION: no rows matter": "whether a table has rows is not known",
    "ALTER TABLE DETACH PARTITION": "the rows of the partition may be referenced",
    "ALTER TABLE SET ACCESS METHOD: the same": "which access method a table has is not known",
    "CREATE TABLE PARTITION OF: a CHECK on the default partition proves": "the CHECK is not held against the new bounds",
    "CREATE TABLE: LIKE": "what LIKE includes is not looked at",
    "SELECT: FOR UPDATE": "ONLY is not seen in queries",
}
"""Forms of which too much is said, and why that is so."""

SINCE = {"ALTER TABLE SET ACCESS METHOD: the same": 15, "CREATE TABLE: LIKE": 18}
"""The first major on which a form is overstated, where that is not the oldest."""

NOT_ANALYSED = {
    "ALTER INDEX SET TABLESPACE: the same": "moving an index is not analysed",
}

UNNAMED = {"DROP STATISTICS": "the statement does not name the table; its SHARE UPDATE EXCLUSIVE blocks no query"}
"""Forms of which a lock is left out, and why that does no harm."""


@pytest.fixture(scope="session")
def compared(server: TestServer) -> Iterator[list[Comparison]]:
    specimens = [s for s in all_specimens() if server.major in s.majors]
    with place(server.dsn) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        yield list(comparisons(connection, specimens))


def test_nothing_is_predicted_too_weak(compared: list[Comparison]) -> None:
    weak = [f"{c.form}: {m}" for c in compared for m in c.missing if c.form not in NOT_ANALYSED.keys() | UNNAMED]
    assert not weak, "\n".join(weak)


def test_no_more_is_predicted_than_is_known_to_be_too_much(server: TestServer, compared: list[Comparison]) -> None:
    strong = [f"{c.form}: {e}" for c in compared for e in c.excess if c.form not in OVERSTATED]
    assert not strong, "\n".join(strong)
    assert {c.form for c in compared if c.excess} == {form for form in OVERSTATED if server.major >= SINCE.get(form, 14)}


def test_every_specimen_is_analysed_but_these(compared: list[Comparison]) -> None:
    assert {c.form for c in compared if not c.analysed} == set(NOT_ANALYSED)
