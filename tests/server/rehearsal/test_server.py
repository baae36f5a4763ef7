"""The throw-away server: whoever runs it, wherever it lies, however its program ends, nothing of it stays."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pgsluice.model.errors import ConnectionFailedError
from pgsluice.rehearsal.server import Installation, StandbyServer, ThrowawayServer
from tests.support.scenes import until
from tests.support.sql import execute, value

KEEPER = """
import time
from pgsluice.rehearsal.server import ThrowawayServer
with ThrowawayServer() as server:
    print(server.directory, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def throwaway():
    with ThrowawayServer(settings={"work_mem": "5MB"}) as server:
        yield server
    assert not server.directory.exists()


def test_it_listens_on_its_socket_and_with_a_password_on_tcp(throwaway: ThrowawayServer):
    assert value(throwaway.dsn(), "SHOW work_mem") == "5MB"
    assert value(throwaway.dsn(tcp=True), "SELECT host(inet_server_addr())") == "127.0.0.1"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(throwaway.dsn(tcp=True).replace(throwaway.password, "wrong"))


def test_it_can_crash_and_come_back(throwaway: ThrowawayServer):
    execute(throwaway.dsn(), "CREATE TABLE kept (); CREATE UNLOGGED TABLE emptied AS SELECT 1")
    throwaway.restart({"work_mem": "6MB"}, immediate=True)
    assert value(throwaway.dsn(), "SHOW work_mem") == "6MB"
    assert value(throwaway.dsn(), "SELECT count(*) FROM emptied") == 0, "an unlogged table is emptied by recovery only"


def test_a_standby_streams(throwaway: ThrowawayServer):
    throwaway.restart({"synchronous_standby_names": ""})
    with StandbyServer(throwaway) as standby:
        execute(throwaway.dsn(), "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
        execute(throwaway.dsn(), "SET synchronous_commit = remote_apply; CREATE TABLE replicated ()")
        assert value(standby.dsn(), "SELECT pg_is_in_recovery() AND to_regclass('replicated') IS NOT NULL")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_when_its_program_is_ended(how: signal.Signals):
    with subprocess.Popen([sys.executable, "-c", KEEPER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as keeper:
        assert keeper.stdout is not None
        directory = Path(keeper.stdout.readline().strip())
        port = int((directory / "data" / "postmaster.pid").read_text().splitlines()[3])
        keeper.send_signal(how)
    if how is signal.SIGKILL:
        until(lambda: not directory.exists())
    assert not directory.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")
def test_an_installation_that_only_root_can_read_is_copied(tmp_path: Path):
    package = Installation.embedded().bin.parent.parent
    for part in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(part, tmp_path / part.name, symlinks=True)
    tmp_path.chmod(0o700)
    hidden = Installation(tmp_path / package.name / "pginstall" / "bin")
    with ThrowawayServer(hidden) as server:
        assert server.installation != hidden
        assert value(server.dsn(), "SELECT 1") == 1


def test_a_temporary_directory_too_deep_for_a_socket_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with ThrowawayServer() as server:
        assert value(server.dsn(), "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why():
    with pytest.raises(ConnectionFailedError, match="no_such_setting") as caught, ThrowawayServer(settings={"no_such_setting": "1"}):
        pass
    assert not Path(str(caught.value.where)).exists()
