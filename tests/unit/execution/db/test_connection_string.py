"""Where to connect, in all spellings; and no password in any message."""

import pytest

from pgsluice.execution.db.connection_string import connection_string, parameters_of
from pgsluice.model.errors import UsageError


@pytest.mark.parametrize(
    "given",
    [
        "postgres://shop:p%40ss@db:5433/shop",
        "postgresql://shop:p%40ss@db:5433/shop",
        "postgresql+psycopg://shop:p%40ss@db:5433/shop",
        "postgresql+psycopg2://shop:p%40ss@db:5433/shop",
        "postgresql+asyncpg://shop:p%40ss@db:5433/shop",
        "host=db port=5433 user=shop password=p@ss dbname=shop",
    ],
)
def test_every_spelling_means_the_same(given: str):
    text, source = connection_string(given, {})
    assert source == "--database"
    assert parameters_of(text, source) == {"host": "db", "port": "5433", "user": "shop", "password": "p@ss", "dbname": "shop"}


def test_the_option_goes_before_the_variables_and_those_before_libpq():
    both = {"PGSLUICE_DATABASE": "dbname=ours", "DATABASE_URL": "postgres:///theirs"}
    assert connection_string("dbname=asked", both) == ("dbname=asked", "--database")
    assert connection_string(None, both) == ("dbname=ours", "PGSLUICE_DATABASE")
    assert connection_string(None, {**both, "PGSLUICE_DATABASE": ""}) == ("postgresql:///theirs", "DATABASE_URL")
    assert connection_string(None, {})[0] == ""


def test_asyncpgs_ssl_is_sslmode():
    text, source = connection_string("postgresql+asyncpg://db/shop?ssl=require", {})
    assert parameters_of(text, source)["sslmode"] == "require"


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://shop:hun@ter2@db/shop",  # libpq would take ter2@db for the host and print it
        "postgresql://shop:hun/ter2@db/shop",
        "postgresql://shop:hunter2@db/shop?schema=public",
        "postgresql://shop:hunter2@db:port:port/shop?=&",
        "host=db password=hun ter2",
        "password='hunter2",
        "mysql://shop:hunter2@db/shop",
        "jdbc:postgresql://db/shop?password=hunter2",
    ],
)
def test_what_cannot_be_read_is_said_without_the_password(given: str):
    with pytest.raises(UsageError) as refusal:
        parameters_of(*connection_string(given, {}))
    assert refusal.value.code == "bad-connection-string" and refusal.value.exit_code == 2
    shown = f"{refusal.value!s} {refusal.value!r} {refusal.value.__cause__!s} {refusal.value.__context__!s}"
    assert not any(part in shown for part in ("hun", "ter2"))
    assert refusal.value.next


def test_an_unknown_parameter_is_named():
    with pytest.raises(UsageError, match="'connection_limit'"):
        parameters_of(*connection_string("postgresql://db/shop?connection_limit=5", {}))
