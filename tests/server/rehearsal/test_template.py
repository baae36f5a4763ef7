"""The database that both ways get a copy of: its rows are such that plain SQL gets through, and that is said."""

import pytest

from pgsluice.analysis.parsing.migrations import Migration, migration_of
from pgsluice.rehearsal.orders import Orders
from pgsluice.rehearsal.place import Place
from pgsluice.rehearsal.template import Template, make_template
from tests.support.servers import TestServer
from tests.support.sql import value

SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, a int)"


def migration(text: str) -> Migration:
    return migration_of("m.sql", "m.sql", text)


@pytest.fixture
def place(server: TestServer):
    found = Place(server.dsn, None)
    yield found
    found.drop_all()


def made(place: Place, schema: str, change: str) -> Template:
    return make_template(place, Orders((migration(change),), (migration(schema),), lambda catalog: frozenset(), rows=500), print)


def test_rows_that_the_migration_refuses_are_made_anew(place: Place):
    template = made(place, SCHEMA, "ALTER TABLE t ALTER a SET NOT NULL, ADD UNIQUE (a)")
    (note,) = template.notes
    assert "could not create unique index" in note or "null values" in note
    assert value(place.dsn(template.name), "SELECT count(DISTINCT a) FROM t") == 500


def test_a_constraint_that_checks_new_rows_only_is_met_by_those_that_are_there(place: Place):
    """The requests copy them."""
    schema = f"CREATE TABLE p (id int PRIMARY KEY); {SCHEMA}"
    template = made(place, schema, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p NOT VALID, ADD CHECK (a > 5) NOT VALID")
    (note,) = template.notes
    assert "is not present in table" in note or "is violated by some row" in note
    dsn = place.dsn(template.name)
    assert value(dsn, "SELECT count(*) FROM t WHERE a IS NOT NULL") > 10
    assert value(dsn, "SELECT count(*) FROM t WHERE a NOT IN (SELECT id FROM p) OR a <= 5") == 0


def test_rows_that_the_migration_puts_right_stay(place: Place):
    template = made(place, SCHEMA, "UPDATE t SET a = 0 WHERE a IS NULL; ALTER TABLE t ALTER a SET NOT NULL")
    assert template.notes == ()
    assert value(place.dsn(template.name), "SELECT count(*) FROM t WHERE a IS NULL") > 10


def test_a_migration_that_no_rows_suit(place: Place):
    """It fails on an empty database, too: nothing is known of what it demands, and the rehearsal tells its error."""
    template = made(place, SCHEMA, "ALTER TABLE t ALTER a SET NOT NULL; INSERT INTO t VALUES (1, NULL)")
    assert template.notes == ()
    assert value(place.dsn(template.name), "SELECT count(*) FROM t") == 500
