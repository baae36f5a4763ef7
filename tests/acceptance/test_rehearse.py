"""`pgsluice rehearse` as a user calls it."""

import json
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.command import COMMAND, environment, pgsluice
from tests.support.hazards import STALL_MS

BEFORE = "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, age int);"
MIGRATION = "ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\nCREATE INDEX users_email ON users (email);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "001_users.sql").write_text(BEFORE)
    (tmp_path / "m" / "002_token.sql").write_text(MIGRATION)
    return tmp_path / "m"


def test_the_last_migration_of_a_folder_also_when_killed(folder: Path, tmp_path: Path):
    """Of the hazards that tests/server/rehearsal/test_hazards.py has one after the other, this is the one by default."""
    page = tmp_path / "page.html"
    ran = pgsluice("rehearse", folder, "--rows", "2000", "--kill", "2", "--max-stall", "10s", "--format", "json", "--html", page)
    found = json.loads(ran.out)
    assert (ran.code, found["plan"]["error"], found["same_end"]) == (0, None, True), ran.err
    assert found["migrations"] == ["002_token"] and found["rows"] == {"public.users": 2000}
    assert found["naive"]["error"] is None and found["plan"]["requests"] > 100 and found["plan"]["failed"] == 0
    assert found["naive"]["max_ms"] > STALL_MS > found["plan"]["max_ms"]
    assert "002_token" in page.read_text()
    steps = found["plan"]["parts"]
    assert {"strike", "backfill", "build index"} <= {part["kind"] for part in steps}, "they are read from the journal"
    assert all(0 <= part["begin_s"] <= part["end_s"] <= found["plan"]["took_s"] for part in steps)
    assert any(lock["relation"] == "public.users" for part in steps for lock in part["locks"])


@pytest.mark.thorough("a rehearsal takes half a minute, and the one above is one by default")
def test_every_part_is_measured_and_what_was_not_asked_is_not_green(folder: Path, tmp_path: Path):
    """With a load that asks another table than the one that is locked."""
    (folder / "001_users.sql").write_text(f"{BEFORE}\nCREATE TABLE other (id int PRIMARY KEY);")
    (tmp_path / "load").mkdir()
    (tmp_path / "load" / "other.sql").write_text("SELECT count(*) FROM other WHERE id = 1;")
    ran = pgsluice(
        "rehearse", folder, "--rows", "2000", "--rate", "50", "--load", tmp_path / "load", "--max-stall", "10s", "--format", "json"
    )
    found = json.loads(ran.out)
    assert (ran.code, found["passed"], found["unexercised"]) == (1, False, ["public.users"]), ran.err
    plain, plan = found["naive"]["parts"], found["plan"]["parts"]
    assert [part["sql"].split()[0] for part in plain] == ["ALTER", "CREATE"]
    assert {"relation": "public.users", "mode": "ACCESS EXCLUSIVE"} in plain[0]["locks"]
    assert {"strike", "backfill", "build index"} <= {part["kind"] for part in plan}
    assert all(part["begin_s"] <= part["end_s"] <= found["plan"]["duration_s"] for part in plan)
    assert sum(felt["requests"] for felt in found["plan"]["by_request"].values()) == found["plan"]["requests"]
    assert found["naive"]["wal_bytes"] > 0 and found["plan"]["disk_bytes"] > 0 and found["plan"]["waiters"]


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough("a server is made for it"))])
def test_nothing_stays_when_it_is_ended_in_the_middle(folder: Path, how: signal.Signals):
    place = Path(tempfile.mkdtemp(prefix="ended-", dir="/tmp"))
    place.chmod(0o755)
    command = [*COMMAND, "rehearse", str(folder), "--rows", "100", "--rate", "50"]
    with subprocess.Popen(command, env=environment(TMPDIR=str(place)), stderr=subprocess.PIPE, text=True) as ran:
        assert ran.stderr is not None
        assert any("baseline" in line for line in ran.stderr), "it ended by itself"
        (server,) = place.iterdir()
        port = int((server / "data" / "postmaster.pid").read_text().splitlines()[3])
        ran.send_signal(how)
        time.sleep(0.2)
        ran.send_signal(how)  # by somebody without patience
        assert "nothing of the rehearsal stays" in ran.stderr.read()
    # the second signal may come when all is gone and Python itself is ending: then it is what ends it
    assert ran.returncode in (130, 143, -how) and list(place.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    place.rmdir()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.sql"], "[file-missing]"),
        (["m", "--start-after", "007"], "[unknown-migration]"),
        (["m", "--bindir", "."], "[bindir-incomplete]"),
        (["m", "--standby", "--server", "host=/nowhere"], "[standby-of-given-server]"),
        (["m", "--from", "not=a=database"], "where: --from"),
        (["m", "--server", "mysql://x"], "where: --server"),
        (["m", "--scale", "0.1"], "[scale-without-sizes]"),
        (["m", "--scale", "0"], "[bad-option]"),
        (["m", "--weight", "read=3"], "[bad-option]"),
        (["m", "--schema", "custom.dump"], "[dump-not-sql]"),
        (["m", "--schema", "broken.sql", "--start-after", "001_users"], "broken.sql:1:1: syntax error"),
        (["m", "--weight", "reads=much"], "[bad-option]"),
        (["m", "--start-after", "002_token"], "[nothing-to-rehearse]"),
        (["m", "--load", "m"], "[load-script-empty]"),
    ],
)
def test_bad_input_is_one_clear_error(folder: Path, arguments: list[str], code: str):
    if arguments[-1] == "m" and "--load" in arguments:
        (folder / "001_users.sql").write_text("-- nothing")
    (folder.parent / "custom.dump").write_bytes(b"PGDMP\x01\xff")
    (folder.parent / "broken.sql").write_text("CREATE TABLE t (")
    ran = pgsluice("rehearse", *arguments, cwd=folder.parent)
    assert ran.code == 2 and code in ran.err, ran.err
