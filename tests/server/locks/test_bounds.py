"""The CHECK that we write for the bounds of a partition is what the server takes for a proof, whatever the key's type."""

import psycopg
import pytest

from pgsluice.analysis.parsing.bounds import partition_bounds

PROVED = [
    ("int", "RANGE (k)", "FOR VALUES FROM (-5) TO (10)"),
    ("smallint", "RANGE (k)", "FOR VALUES FROM (1) TO (2)"),
    ("bigint", "RANGE (k)", "FOR VALUES FROM (5) TO (MAXVALUE)"),
    ("numeric(5,2)", "RANGE (k)", "FOR VALUES FROM (5) TO (10.5)"),
    ("date", "RANGE (k)", "FOR VALUES FROM ('2024-01-01'::date) TO ('2024-02-01')"),
    ("timestamptz", "RANGE (k)", "FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')"),
    ("timestamp", "RANGE (k)", "FOR VALUES FROM (MINVALUE) TO ('2024-02-01')"),
    ("uuid", "RANGE (k)", "FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('80000000-0000-0000-0000-000000000000')"),
    ("int", "RANGE ((k + 1))", "FOR VALUES FROM (3) TO (4)"),
    ("text", "LIST (k)", "FOR VALUES IN ('a')"),
    ("varchar(10)", "LIST (k)", "FOR VALUES IN ('a', 'it''s')"),
    ("char(3)", "LIST (k)", "FOR VALUES IN ('a', 'b')"),
    ("int", "LIST (k)", "FOR VALUES IN (1, 2, NULL)"),
    ("int", "LIST (k)", "FOR VALUES IN (1, NULL)"),
    ("int", "LIST (k)", "FOR VALUES IN (NULL)"),
    ("mood", "LIST (k)", "FOR VALUES IN ('sad', 'ok')"),
    ("bool", "LIST (k)", "FOR VALUES IN (true)"),
    ("words", "LIST (k)", "FOR VALUES IN ('x', 'y')"),
    ("text", "LIST (lower(k))", "FOR VALUES IN ('a', 'b')"),
]

NOT_TRIED = [
    ('LIST (k COLLATE "C")', "FOR VALUES IN ('x')"),
    ("RANGE (k text_pattern_ops)", "FOR VALUES FROM ('a') TO ('b')"),
    ("RANGE (a, b)", "FOR VALUES FROM (1, 1) TO (2, 2)"),
    ("HASH (k)", "FOR VALUES WITH (MODULUS 2, REMAINDER 0)"),
    ("RANGE (k)", "FOR VALUES FROM (now()) TO (MAXVALUE)"),
]


def test_the_server_sees_the_proof(database: str):
    seen: list[str] = []
    unproved = []
    with psycopg.connect(database, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN words AS text; SET client_min_messages = debug1")
        for number, (type_, key, bound) in enumerate(PROVED):
            bounds = partition_bounds(key, bound)
            assert bounds is not None, bound
            connection.execute(
                f"CREATE TABLE p{number} (k {type_}) PARTITION BY {key}; CREATE TABLE d{number} PARTITION OF p{number} DEFAULT"
            )
            connection.execute(f"CREATE TABLE u{number} (k {type_} CHECK ({bounds.inside}))")
            connection.execute(f"ALTER TABLE d{number} ADD CHECK ({bounds.outside})")
            seen.clear()
            connection.execute(f"ALTER TABLE p{number} ATTACH PARTITION u{number} {bound}")
            if sum("implied by existing constraints" in message for message in seen) != 2:
                unproved.append((type_, key, bound))
    assert unproved == []


@pytest.mark.parametrize(("key", "bound"), NOT_TRIED)
def test_what_the_server_would_not_see_is_not_tried(key: str, bound: str):
    assert partition_bounds(key, bound) is None
