"""A standby while something happens to the primary: what its readers feel, how far it lags, what replay cancels."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgsluice.model.errors import ConnectionFailedError, UsageError
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.scripts import parse_script
from pgsluice.rehearsal.place import Place, place_of
from pgsluice.rehearsal.server import Installation, StandbyServer, ThrowawayServer
from pgsluice.rehearsal.standby_watch import reading_load, standby_watched
from tests.support.sql import execute

READ = parse_script("\\set id random(1, 100)\nSELECT * FROM numbers WHERE n = :id;", "read")
WRITE = parse_script("\\set id random(1, 100)\nBEGIN;\nUPDATE numbers SET n = n WHERE n = :id;\nCOMMIT;", "write", 3)
DELAY_S = 0.5
"""For so long replay waits for the standby's readers, then it cancels them."""


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    delay = {"max_standby_streaming_delay": f"{DELAY_S * 1000:.0f}ms"}
    with ThrowawayServer() as primary, StandbyServer(primary, delay) as standby:
        found = Place(primary.dsn(), primary.installation, standby.dsn())
        dsn = found.make("numbers")
        execute(dsn, "CREATE TABLE numbers AS SELECT n FROM generate_series(1, 100) n; ALTER TABLE numbers ADD PRIMARY KEY (n)")
        yield found


def test_replay_that_waits_for_a_reader_is_seen_and_felt(place: Place):
    standby = place.dsn_on_standby("numbers")
    assert standby is not None
    begin_s = time.monotonic()
    with psycopg.connect(standby) as reader, standby_watched(place, "numbers", Load((READ, WRITE), 400.0)) as watch:
        reader.execute("SELECT count(*) FROM numbers")
        execute(place.dsn("numbers"), "ALTER TABLE numbers ADD COLUMN c int")
        time.sleep(2 * DELAY_S)
        with pytest.raises(psycopg.OperationalError, match="conflict with recovery"):
            reader.execute("SELECT 1")
        time.sleep(0.2)
    side = watch.side(begin_s, time.monotonic())
    assert side.cancelled == {"lock": 1}
    assert side.lag_s > 0.8 * DELAY_S and side.lag_bytes > 0
    assert side.felt.requests > 0 and side.felt.max_ms > 800 * DELAY_S
    assert {request.kind for request in watch.recording.requests()} == {"read"}


def test_a_load_that_only_writes_asks_the_standby_nothing(place: Place):
    standby = str(place.dsn_on_standby("numbers"))
    assert reading_load(standby, Load((WRITE,), 100.0)) is None
    reading = reading_load(standby, Load((READ, WRITE), 400.0))
    assert reading is not None and [kind.name for kind in reading.kinds] == ["read"] and reading.rate == 25.0


def test_where_no_standby_can_be_made_that_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match="of a server of our own"), place_of("host=/nowhere", None, standby=True):
        pass
    without = tmp_path / "bin"
    without.mkdir()
    for program in Installation.embedded().bin.iterdir():
        if program.name != "pg_basebackup":
            (without / program.name).symlink_to(program)
    with pytest.raises(ConnectionFailedError, match="no pg_basebackup"), place_of(None, str(without), standby=True):
        pass
