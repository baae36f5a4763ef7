"""Which texts use a name of the old release, and which only have a word like it in them."""

import pytest

from pgsluice.model.postgres.name_use import Sureness, use_of
from pgsluice.model.steps import OldName

COLUMN = OldName("column", "public", "orders", "mail")
TABLE = OldName("table", "public", "orders")
WRITTEN = OldName("column", "public", "people", "name", written=True)
FUNCTION = OldName("function", "public", "price")
CERTAIN, LIKELY = Sureness.CERTAIN, Sureness.LIKELY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT mail FROM orders WHERE id = $1", CERTAIN),
        ('SELECT "orders"."mail" FROM "orders"', CERTAIN),
        ("SELECT o.mail FROM public.orders AS o JOIN items i USING (id)", CERTAIN),
        ("UPDATE orders SET mail = 'x'", CERTAIN),
        ("INSERT INTO orders (id, mail) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET mail = excluded.mail", CERTAIN),
        ("SELECT mail FROM orders, people", LIKELY),
        ("SELECT mail FROM orders o JOIN people p ON p.id = o.id", LIKELY),
        ("SELECT p.mail FROM orders o JOIN people p ON p.id = o.id", None),
        ("SELECT email AS mail FROM orders", None),
        ("SELECT id FROM orders WHERE note = 'mail'", None),
        ("SELECT id FROM orders -- mail", None),
        ('SELECT "Mail" FROM orders', None),
        ("SELECT mail FROM people", None),
        ("SELECT mail FROM archive.orders", None),
        ("SELECT mail(id) FROM orders", None),
        ("SELECT id FROM orders; SELECT mail FROM people", None),
    ],
)
def test_a_column_in_a_statement(text, expected):
    assert use_of(text, COLUMN) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM orders", CERTAIN),
        ("SELECT * FROM items, orders", LIKELY),
        ("SELECT orders FROM items", None),
        ("SELECT items.orders FROM items", None),
        ("DELETE FROM ONLY public.orders", CERTAIN),
        ("SELECT * FROM other.orders", None),
        ("SELECT * FROM orders_of_today", None),
    ],
)
def test_a_relation_in_a_statement(text, expected):
    assert use_of(text, TABLE) is expected


def test_the_bodies_of_functions():
    trigger = "BEGIN IF NEW.mail IS NULL THEN NEW.note := 'x'; END IF; RETURN NEW; END"
    assert use_of(trigger, COLUMN, body=True, trigger=True) is CERTAIN
    assert use_of(trigger, COLUMN, body=True) is None
    assert use_of("BEGIN EXECUTE 'SELECT mail FROM orders'; END", COLUMN, body=True) is CERTAIN
    assert use_of("DECLARE r orders%ROWTYPE; BEGIN SELECT 1; END", TABLE, body=True) is CERTAIN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO people (id, name) VALUES (1, 'A B')", CERTAIN),
        ("UPDATE people SET age = 1, name = 'A B' WHERE id = 1", CERTAIN),
        ("UPDATE people SET age = 1 WHERE name = 'A B'", None),
        ("INSERT INTO people (id) SELECT name FROM other", None),
        ("SELECT name FROM people", None),
    ],
)
def test_a_column_that_only_its_writers_may_not_use(text, expected):
    assert use_of(text, WRITTEN) is expected


def test_a_function_is_called():
    assert use_of("SELECT price(1)", FUNCTION) is CERTAIN
    assert use_of("SELECT price FROM t", FUNCTION) is None
    assert use_of("SELECT other.price(1)", FUNCTION) is None
