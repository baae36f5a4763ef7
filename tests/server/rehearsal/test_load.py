"""The recorder against delays that we know, on a real server."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from pgsluice.model.errors import ConnectionFailedError, InputError
from pgsluice.model.measurement import NO_CONNECTION, UNFINISHED, Measurement
from pgsluice.rehearsal.latency.measure import measure
from pgsluice.rehearsal.latency.recording import Recording
from pgsluice.rehearsal.load.definition import Load, RequestKind, SlowReader
from pgsluice.rehearsal.load.process import APPLICATION_NAME, LoadProcess
from pgsluice.rehearsal.load.scripts import parse_script
from tests.support.sql import execute, value

pytestmark = pytest.mark.pg("18")  # the recorder is the same whatever the server

RATE = 400.0
TOLERANCES_MS = (5.0, 5.0, 5.0, 100.0)
SESSIONS = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{APPLICATION_NAME}'"


def kind(sql: str, name: str = "read", weight: float = 1.0) -> RequestKind:
    return parse_script(sql, name, weight)


READ = kind("\\set id random(1, 1000)\nSELECT n FROM numbers WHERE n = :id;")


@pytest.fixture
def numbers(database: str) -> str:
    execute(database, "CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) n; ALTER TABLE numbers ADD PRIMARY KEY (n)")
    return database


def under_lock(dsn: str, seconds: float, load: Load) -> tuple[Recording, Measurement, float]:
    """The load while `numbers` is locked once for `seconds`; also for how long it really was, in ms."""
    with LoadProcess(dsn, load) as process, psycopg.connect(dsn) as connection:
        begin = time.monotonic()
        time.sleep(0.3)
        connection.execute("LOCK numbers")
        locked = time.monotonic()
        time.sleep(seconds)
        connection.commit()
        unlocked = time.monotonic()
        time.sleep(0.3)
        recording = process.stop()
    return recording, measure(recording, begin, time.monotonic()), (unlocked - locked) * 1000


def holds_once(check: Callable[[float], None]) -> None:
    """A wrong recorder is wrong each time; a neighbour that takes the processor for some milliseconds is not there each time. On a
    machine that is busy all the time the last, wider tolerance counts: benchmarks/recorder.py holds the 5 ms on a quiet one."""
    for tolerance_ms in TOLERANCES_MS:
        try:
            return check(tolerance_ms)
        except AssertionError:
            if tolerance_ms is TOLERANCES_MS[-1]:
                raise


def test_delays_of_a_share_of_the_requests_are_met(numbers: str):
    holds_once(lambda tolerance_ms: delays_are_met(numbers, tolerance_ms))


def delays_are_met(numbers: str, tolerance_ms: float) -> None:
    slow = kind("SELECT pg_sleep(0.05);", "slow", 0.1)
    with LoadProcess(numbers, Load((READ, slow), RATE)) as process:
        time.sleep(2.0)
        recording = process.stop()
    waits_ms = [r.wait_s * 1000 for r in recording.requests() if r.kind == "slow"]
    found = measure(recording, 0.0, time.monotonic())
    assert found.requests == pytest.approx(RATE * 2, abs=RATE * max(0.1, tolerance_ms / 100))
    assert len(waits_ms) == pytest.approx(found.requests / 11, rel=0.4)
    assert min(waits_ms) >= 50
    assert statistics.median(waits_ms) <= 50 + tolerance_ms
    assert found.over_20_ms >= len(waits_ms)
    assert found.failed == 0


def test_a_lock_is_felt_by_every_request_that_was_due_meanwhile(numbers: str):
    holds_once(lambda tolerance_ms: lock_is_felt(numbers, tolerance_ms))


def lock_is_felt(numbers: str, tolerance_ms: float) -> None:
    _, found, locked_ms = under_lock(numbers, 0.7, Load((READ,), RATE))
    assert found.max_ms == pytest.approx(locked_ms, abs=tolerance_ms + 1000 / RATE)
    assert found.over_100_ms == pytest.approx((locked_ms - 100) / 1000 * RATE, rel=tolerance_ms / 100)  # far more than the 20 connections
    assert found.over_500_ms == pytest.approx((locked_ms - 500) / 1000 * RATE, rel=tolerance_ms / 50)
    assert found.failed == 0


def test_waits_count_from_when_a_request_was_due(numbers: str):
    """One connection that serves 20 a second is asked 40 times a second: the queue grows, and each request says so. The recorder that
    counts from when it gets to send sees 50 ms each time."""
    with LoadProcess(numbers, Load((kind("SELECT pg_sleep(0.05);"),), 40.0, connections=1)) as process:
        time.sleep(0.7)
        recording = process.stop()
    waits_ms = [r.wait_s * 1000 for r in sorted(recording.requests(), key=lambda r: r.start_s)]
    assert len(waits_ms) >= 25
    for number, wait_ms in enumerate(waits_ms):
        assert wait_ms >= 50 * (number + 1) - 25 * number - 2, number  # GRID_S, and its own rounding


def test_every_request_is_counted_once(numbers: str):
    """What the server was asked, and what it answered, is what the recording holds."""
    execute(numbers, "CREATE SEQUENCE asked; CREATE SEQUENCE slow")
    fast, slow = kind("SELECT nextval('asked');", "fast", 0.8), kind("SELECT pg_sleep(0.03), nextval('slow');", "slow", 0.2)
    with LoadProcess(numbers, Load((fast, slow), RATE)) as process:
        time.sleep(1.0)
        recording = process.stop()
    found = measure(recording, 0.0, time.monotonic())
    slow_waits = [r.wait_s for r in recording.requests() if r.kind == "slow"]
    assert (found.failed, found.requests) == (0, len(recording))
    assert found.requests - len(slow_waits) == value(numbers, "SELECT last_value FROM asked")
    assert len(slow_waits) == value(numbers, "SELECT last_value FROM slow")
    assert found.over_20_ms >= len(slow_waits) == sum(1 for wait_s in slow_waits if wait_s >= 0.03)


def test_a_request_without_a_connection_for_a_second_has_failed(numbers: str):
    holds_once(lambda tolerance_ms: requests_fail(numbers, tolerance_ms))


def requests_fail(numbers: str, tolerance_ms: float) -> None:
    _, found, locked_ms = under_lock(numbers, 1.5, Load((READ,), RATE))
    assert found.errors.keys() == {NO_CONNECTION}
    assert found.failed == pytest.approx((locked_ms - 1000) / 1000 * RATE - 20, rel=tolerance_ms / 50)
    assert found.max_ms == pytest.approx(locked_ms, abs=tolerance_ms + 1000 / RATE)


def test_the_end_comes_also_behind_a_lock(numbers: str):
    """Its sessions are gone although the lock is still held: their statements were cancelled."""
    with LoadProcess(numbers, Load((READ,), RATE, connections=5)) as process, psycopg.connect(numbers) as connection:
        connection.execute("LOCK numbers")
        time.sleep(0.5)
        begin = time.monotonic()
        recording = process.stop()
        assert time.monotonic() - begin < 5
        assert_no_sessions(numbers)
    outcomes = [r.outcome for r in recording.requests()]
    assert outcomes.count(UNFINISHED) == 5
    assert outcomes.count(NO_CONNECTION) > 0


def assert_no_sessions(dsn: str) -> None:
    """None of the load's sessions is left, or will be in a moment."""
    deadline = time.monotonic() + 5
    while (left := value(dsn, SESSIONS)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == 0


def test_after_an_error_the_transaction_is_rolled_back_and_the_connection_used_again(numbers: str):
    failing = kind("BEGIN;\nINSERT INTO numbers VALUES (0);\nSELECT 1 / (n - n) FROM numbers;\nCOMMIT;", "failing")
    with LoadProcess(numbers, Load((READ, failing), RATE, connections=2)) as process:
        time.sleep(0.5)
        recording = process.stop()
    outcomes = {(r.kind, r.outcome) for r in recording.requests()}
    assert outcomes == {("read", ""), ("failing", "22012")}
    assert value(numbers, "SELECT count(*) FROM numbers WHERE n = 0") == 0


def test_a_statement_whose_result_changes_is_sent_anew(numbers: str):
    """As drivers do; in a transaction it fails once for each connection, and works from then on."""
    together = kind("BEGIN;\nSELECT n FROM numbers WHERE n = 2;\nCOMMIT;", "together")
    with LoadProcess(numbers, Load((READ, together), 100.0, connections=2)) as process:
        time.sleep(0.4)
        execute(numbers, "ALTER TABLE numbers ALTER n TYPE bigint")
        time.sleep(0.8)
        recording = process.stop()
    outcomes = Counter((r.kind, r.outcome) for r in recording.requests() if r.outcome)
    assert outcomes.keys() <= {("together", "0A000")} and outcomes.total() <= 2, outcomes


def test_lost_connections_fail_their_requests_and_are_replaced(numbers: str):
    sleeping = kind("SELECT pg_sleep(0.03);")
    with LoadProcess(numbers, Load((sleeping,), 100.0, connections=10)) as process:
        time.sleep(0.3)
        execute(numbers, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{APPLICATION_NAME}'")
        after = time.monotonic() + 0.7
        time.sleep(1.2)
        recording = process.stop()
    assert {"57P01", "08006"} & {r.outcome for r in recording.requests()}
    assert {r.outcome for r in recording.requests() if r.start_s > after} == {""}


def test_slow_readers_hold_their_transactions(numbers: str):
    reader = SlowReader("SELECT count(*) FROM numbers", hold_s=(60.0, 60.0))
    held = "SELECT count(*) FROM pg_locks WHERE relation = 'numbers'::regclass AND mode = 'AccessShareLock' AND pid <> pg_backend_pid()"
    with LoadProcess(numbers, Load((kind("SELECT 1;"),), 10.0, slow_readers=(reader, reader))) as process:
        deadline = time.monotonic() + 5
        while value(numbers, held) != 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert value(numbers, held) == 2
        process.stop()
    assert value(numbers, held) == 0


def test_its_own_cost_is_small(numbers: str):
    """12 to 13 % of a core on a quiet machine of 2 cores. The limit leaves room for busy neighbours; cursors would take 60 %."""
    holds_once(lambda tolerance_ms: cost_is_small(numbers))


def cost_is_small(numbers: str) -> None:
    with LoadProcess(numbers, Load((READ,), 2000.0)) as process:
        time.sleep(2.0)
        recording = process.stop()
    assert len(recording) == pytest.approx(4000, rel=0.05)
    assert recording.cpu_s / recording.wall_s < 0.5


def test_what_cannot_work_is_one_clear_error(numbers: str):
    with (
        pytest.raises(InputError, match=r"'wrong' cannot be prepared.*nowhere"),
        LoadProcess(numbers, Load((kind("SELECT * FROM nowhere;", "wrong"),), 1.0)),
    ):
        pass
    with pytest.raises(ConnectionFailedError, match="the load cannot connect"), LoadProcess("host=/nowhere", Load((READ,), 1.0)):
        pass


def test_it_dies_with_its_parent(numbers: str):
    program = (
        "import sys, time\n"
        "from pgsluice.rehearsal.load.definition import Load\n"
        "from pgsluice.rehearsal.load.process import LoadProcess\n"
        "from pgsluice.rehearsal.load.scripts import parse_script\n"
        "with LoadProcess(sys.argv[1], Load((parse_script('SELECT 1;', 'one'),), 10.0)):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program, numbers], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        assert value(numbers, SESSIONS) == 20
        parent.send_signal(signal.SIGKILL)
    assert_no_sessions(numbers)
