"""INSERT ... SELECT in batches: each row of the source once, whatever happens; and what cannot be done so is refused."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from pgsluice.analysis.planner.backfilling import job_of, statement_of
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.connect import connect
from pgsluice.model.errors import RefusedError
from tests.server.backfill.test_job import done, started, until
from tests.support.command import pgsluice
from tests.support.sql import execute, rows, value

pytestmark = pytest.mark.newest("a few seconds for each major")

ROWS = 20_000
SELECT = """o.id, upper(o."N n") IS DISTINCT FROM 'X', random() FROM "odd source" AS o WHERE o.id % 3 <> 0"""
EXPECTED = f"SELECT id FROM generate_series(1, {ROWS}) id WHERE id % 3 <> 0"


@pytest.fixture
def dsn(owner_dsn: str) -> Iterator[str]:
    execute(
        owner_dsn,
        'CREATE TABLE "odd source" (id bigint, part int, "N n" text, PRIMARY KEY (part, id)) PARTITION BY LIST (part)',
        'CREATE TABLE one PARTITION OF "odd source" FOR VALUES IN (1); CREATE TABLE two PARTITION OF "odd source" DEFAULT',
        f"""INSERT INTO "odd source" SELECT g, g % 2, 'n' || g FROM generate_series(1, {ROWS}) g""",
        "CREATE TABLE target (n bigserial PRIMARY KEY, id bigint, flag boolean, at double precision)",
    )
    yield owner_dsn


def test_each_row_is_copied_once_although_it_is_killed(dsn: str):
    with started(dsn, "backfill", "target (id, flag, at)", "--select", SELECT, "--name", "copy") as process:
        until(lambda: done(dsn) > 500)
        process.kill()
        process.wait()
    assert 0 < done(dsn) < ROWS * 2 // 3
    outcome = pgsluice("resume", "--pace", "full", "--database", dsn)
    assert outcome.code == 0, outcome.err
    assert rows(dsn, "SELECT count(*), count(DISTINCT id), count(DISTINCT at) > 1000, bool_and(flag) FROM target") == [
        (value(dsn, f"SELECT count(*) FROM ({EXPECTED}) e"),) * 2 + (True, True)
    ]
    assert value(dsn, f"SELECT count(*) FROM ({EXPECTED} EXCEPT SELECT id FROM target) e") == 0


def test_what_is_there_may_be_passed_over_and_triggers_are_named(dsn: str):
    execute(
        dsn,
        "CREATE UNIQUE INDEX ON target (id)",
        "INSERT INTO target (id) SELECT generate_series(1, 1000)",
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER noting BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION noted()",
    )
    chosen = """id FROM "odd source" ON CONFLICT (id) DO NOTHING"""
    outcome = pgsluice("backfill", "target (id)", "--select", chosen, "--pace", "full", "--database", dsn)
    assert outcome.code == 0 and f"{ROWS - 1000:,} rows" in outcome.out and "noting" in outcome.err, outcome.err
    assert value(dsn, "SELECT count(*) FROM target") == ROWS


REFUSED = {
    'count(*) FROM "odd source"': "an aggregate",
    'mine(id) FROM "odd source"': "mine looks at more than one row",
    "id FROM target": "reads the table that it writes",
    '(SELECT max(id) FROM target) FROM "odd source"': "an aggregate",
    'id FROM "odd source" WHERE id NOT IN (SELECT id FROM target)': "reads the table that it writes",
    'id FROM "odd source" ORDER BY id LIMIT 3': "ORDER BY, LIMIT",
    'a.id FROM "odd source" a JOIN one USING (id)': "more than one table",
    "id FROM heap": "no unique key",
    "id FROM nowhere": "nowhere is no table",
    "1": "more than one table, or none",
}


def test_what_cannot_be_taken_apart_is_refused(dsn: str):
    execute(dsn, "CREATE TABLE heap (id bigint)", "CREATE AGGREGATE mine (bigint) (SFUNC = int8pl, STYPE = bigint)")
    with closing(connect(dsn, "test", environment={})) as session:
        catalog = read_catalog(session)
    for select, why in REFUSED.items():
        with pytest.raises(RefusedError, match=why) as refused:
            job_of(statement_of("target (id)", (), None, select=select), catalog)
        assert refused.value.code == "not-in-batches"
