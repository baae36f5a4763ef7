"""SQL on a test database in one call."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

Parameters = Sequence[Any] | Mapping[str, Any] | None


def execute(dsn: str, *statements: str) -> None:
    """Run each text (it may hold several statements) outside of any transaction of ours."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(dsn: str, query: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
    """All rows of one query."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query, parameters).fetchall()


def value(dsn: str, query: str, parameters: Parameters = None) -> Any:
    """The first column of the only row; fails where there is not exactly one."""
    ((first, *_),) = rows(dsn, query, parameters)
    return first
