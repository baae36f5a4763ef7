"""A PostgreSQL server in a temporary directory, gone when it is no longer used."""

import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pgsluice.model.errors import ConnectionFailedError
from pgsluice.rehearsal.server.account import Account, server_account
from pgsluice.rehearsal.server.heir import outlived
from pgsluice.rehearsal.server.installation import Installation
from pgsluice.rehearsal.server.termination import ignore_interrupts, interrupts_restored, sigterm_unwinds

SOCKET_PATH_BYTES = 107
"""sizeof(sockaddr_un.sun_path) - 1 on Linux (103 on macOS, which its short /tmp stays below)."""

PORT_ATTEMPTS = 5
"""A port that was free may be taken before the server binds it: each attempt takes another one."""

SUPERUSER = "postgres"

BASE_SETTINGS: Mapping[str, str] = {
    "fsync": "off",  # nothing here outlives the machine
    "full_page_writes": "off",
    "max_connections": "200",
    "log_min_messages": "warning",
}

MEASURING_SETTINGS: Mapping[str, str] = {
    # no checkpoint in the middle: its writes would be felt in one half and not in the other
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
    "shared_buffers": "256MB",
    # without checkpoints no segment is used again, and who fills a new one with zeros holds up every commit for 60 ms (2 cores)
    "wal_init_zero": "off",
}
"""For whoever compares measurements."""


_PANIC = "PANIC:"


class ThrowawayServer:
    """A context manager: inside it the server runs, afterwards it and its directory are gone, also after an exception,
    Ctrl-C, SIGTERM or SIGKILL. Listens on a Unix socket in a directory that only its account (and root) may enter, without a
    password, and on 127.0.0.1 with `password`, so that no other user of the machine can become its superuser."""

    def __init__(self, installation: Installation | None = None, settings: Mapping[str, str] | None = None) -> None:
        """`installation` is the embedded one by default; `settings` are lines of postgresql.conf, over BASE_SETTINGS.
        Raises ConnectionFailedError where there is no installation or no account to run it."""
        self._given = installation or Installation.embedded()
        self.account: Account = server_account()
        self.settings = {**BASE_SETTINGS, **(settings or {})}
        self.password = secrets.token_urlsafe(16)
        self._unwinding = ExitStack()
        self.running = False

    def __enter__(self) -> Self:
        with ExitStack() as unwinding:
            unwinding.enter_context(interrupts_restored())
            unwinding.enter_context(sigterm_unwinds())
            self.directory = _new_directory(self.account)
            unwinding.enter_context(outlived(self.directory))
            unwinding.callback(self._remove)
            self.installation = self._given.usable_by(self.account, self.directory)
            unwinding.callback(self._stop_for_good)
            self._make_data()
            self.start()
            self._unwinding = unwinding.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._unwinding.close()

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def dsn(self, database: str = "postgres", user: str = SUPERUSER, *, tcp: bool = False) -> str:
        """A key=value connection string; over 127.0.0.1 with the superuser's password where `tcp`."""
        parts = {"port": str(self.port), "user": user, "dbname": database}
        parts |= {"host": "127.0.0.1", "password": self.password} if tcp else {"host": str(self.directory)}
        return " ".join(f"{key}='{_escape(value)}'" for key, value in parts.items())

    def start(self) -> None:
        """Start it and wait until it takes connections; raises ConnectionFailedError with the end of its log."""
        for _ in range(PORT_ATTEMPTS):
            self.port = free_port()
            self._write_settings()
            self.log.unlink(missing_ok=True)
            said = self._pg_ctl("start", "-w", "-t", "60", "-l", str(self.log))
            if said is None:
                self.running = True
                return
            if "could not bind" not in self._log_end() and "could not create any TCP/IP" not in self._log_end():
                break
        raise ConnectionFailedError(
            "server-did-not-start", f"the throw-away server did not start: {said}{self._log_end()}", where=str(self.directory)
        )

    def stop(self, *, immediate: bool = False) -> None:
        """Stop it: cleanly, or (`immediate`) as in a crash, so that the next start recovers from the WAL."""
        said = self._pg_ctl("stop", "-w", "-m", "immediate" if immediate else "fast")
        if said is not None:
            raise ConnectionFailedError("server-did-not-stop", f"the throw-away server did not stop: {said}", where=str(self.directory))
        self.running = False

    def restart(self, settings: Mapping[str, str] | None = None, *, immediate: bool = False) -> None:
        """Stop it and start it again, with `settings` over those that it has. The port changes: ask `dsn` again."""
        self.settings |= settings or {}
        self.stop(immediate=immediate)
        self.start()

    def _make_data(self) -> None:
        secret = self.directory / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        self.account.own(secret)
        program = self.installation.program("initdb")
        arguments: list[str | Path] = [
            "-D",
            self.data,
            "-U",
            SUPERUSER,
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
            "--no-instructions",
            "--pwfile",
            secret,
        ]
        ran = self.account.run([program, *arguments, "--auth-local=trust", "--auth-host=scram-sha-256"], self.directory)
        secret.unlink()
        if ran.returncode != 0:
            raise ConnectionFailedError("server-did-not-start", f"initdb failed: {ran.stdout.strip()}", where=str(program))

    def _write_settings(self) -> None:
        lines = {
            **self.settings,
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
        }
        text = "".join(f"{name} = '{_escape(value)}'\n" for name, value in lines.items())
        main = self.data / "postgresql.conf"
        (self.data / "pgsluice.conf").write_text(text)
        self.account.own(self.data / "pgsluice.conf")
        if "include 'pgsluice.conf'" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude 'pgsluice.conf'\n")

    def _pg_ctl(self, *arguments: str) -> str | None:
        """None when it went well, else what it said."""
        ran = self.account.run([self.installation.program("pg_ctl"), "-D", self.data, *arguments], self.directory)
        return None if ran.returncode == 0 else ran.stdout

    @property
    def last_words(self) -> str | None:
        """What it said when it broke down; None where it did not."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return next((line[line.index(_PANIC) :] for line in reversed(lines) if _PANIC in line), None)

    def _log_end(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def _remove(self) -> None:
        ignore_interrupts()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _stop_for_good(self) -> None:
        """Not by `running`: a start that was interrupted may have left a server behind, and its pid file says so."""
        ignore_interrupts()
        if (self.data / "postmaster.pid").exists():
            self._pg_ctl("stop", "-w", "-m", "immediate")
        self.running = False


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _new_directory(account: Account) -> Path:
    """A new directory (mode 0700) of the account's: where temporary files belong, or /tmp where the account cannot enter
    that or where a socket's path would be too long."""
    usual = Path(tempfile.gettempdir())
    fits = len(str(usual).encode()) + len("/pgsluice-XXXXXXXX/.s.PGSQL.65535.lock") <= SOCKET_PATH_BYTES
    directory = Path(tempfile.mkdtemp(prefix="pgsluice-", dir=usual if fits and account.enters(usual) else "/tmp"))
    account.own(directory)
    return directory


def _escape(value: str) -> str:
    """For libpq's key='value' and postgresql.conf's name = 'value', which both take a backslash before \\ and '."""
    return re.sub(r"([\\'])", r"\\\1", value)
