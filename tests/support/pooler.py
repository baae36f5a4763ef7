"""A pooler in front of a test server."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgsluice.rehearsal.server.account import server_account
from pgsluice.rehearsal.server.throwaway import free_port
from tests.support.servers import TestServer

READY_S = 10.0


@pytest.fixture
def pooler(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts PgBouncer in a pool mode; gives the connection string of a database through it, by default `postgres` as its superuser."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer on this machine (Debian: apt-get install pgbouncer)")
    running: list[subprocess.Popen[bytes]] = []

    def start(mode: str, database: str = "postgres", user: str = "postgres") -> str:
        port, directory = free_port(), tmp_path_factory.mktemp("pgbouncer")
        settings = _settings(server, directory, port, mode, f"dbname={database} user='{user}'")
        account = server_account()
        for path in (directory, settings):
            account.own(path)
            path.chmod(0o755)
        running.append(
            subprocess.Popen(
                [program, str(settings)],
                cwd="/",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                user=None if account.name is None else account.uid,
                group=None if account.name is None else account.gid,
                extra_groups=None if account.name is None else [],
            )
        )
        dsn = f"host=127.0.0.1 port={port} user=postgres dbname=pooled"
        _await(dsn)
        return dsn

    # the account that runs it must be able to enter the test's directory; each of several processes has one of its own below
    base = tmp_path_factory.getbasetemp()
    for parent in (p for p in (base, *base.parents) if p.name.startswith(("pytest-", "popen-"))):
        os.chmod(parent, 0o755)
    yield start
    for process in running:
        process.terminate()
        process.wait()


def _settings(server: TestServer, directory: Path, port: int, mode: str, target_of: str) -> Path:
    path = directory / "pgbouncer.ini"
    target = server.process
    path.write_text(
        f"""[databases]
pooled = host=127.0.0.1 port={target.port} {target_of} password={target.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits,options
"""
    )
    return path


def _await(dsn: str) -> None:
    end = time.monotonic() + READY_S
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=1).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
