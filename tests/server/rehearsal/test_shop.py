"""The example shop: what the demo and the README stand on."""

import time

import pytest

from pgsluice import api
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.process import LoadProcess
from pgsluice.rehearsal.load.scripts import read_load_folder
from pgsluice.rehearsal.shop import RATE, shop_files
from tests.support.contents import dump
from tests.support.sql import execute, rows, value


@pytest.mark.pg("18")
def test_its_load_runs_without_a_failure_before_and_after_its_migrations(database: str):
    shop = shop_files()
    execute(database, shop.contents())
    execute(database, "ANALYZE")
    assert value(database, "SELECT sum(reltuples) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace") >= 300_000
    assert outcomes(database) == {(kind.name, "") for kind in read_load_folder(shop.load_folder)}
    for file in shop.migrations:
        execute(database, file.read_text())
    assert outcomes(database) == {(kind.name, "") for kind in read_load_folder(shop.load_folder)}
    assert rows(database, "SELECT 1 FROM pg_index WHERE NOT indisvalid") == []


def outcomes(dsn: str) -> set[tuple[str, str]]:
    with LoadProcess(dsn, Load(read_load_folder(shop_files().load_folder), RATE)) as process:
        time.sleep(1.0)
        return {(r.kind, r.outcome) for r in process.stop().requests()}


def test_its_migrations_are_five_and_ordinary():
    shop = shop_files()
    assert len(shop.migrations) == 5
    text = " ".join(file.read_text().upper() for file in shop.migrations)
    assert not {"CONCURRENTLY", "NOT VALID", "LOCK_TIMEOUT"} & set(text.split())


def test_its_migrations_end_where_plain_sql_ends(database: str, other_database: str):
    shop = shop_files()
    for dsn in (database, other_database):
        execute(dsn, shop.schema.read_text(), "INSERT INTO customers (email, name, country) VALUES ('a@example.com', 'A', 'AT')")
    for file in shop.migrations:
        execute(other_database, file.read_text())
    settings = Settings(database=database, start_after=shop.schema.stem, treat_as_large=True)
    assert len(api.run([shop.migrations_folder], settings).applied) == len(shop.migrations)
    assert dump(database) == dump(other_database)
    assert api.run([shop.migrations_folder], Settings(database=database)).applied == ()
