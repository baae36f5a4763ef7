"""The account that runs the server: PostgreSQL refuses to be run by root."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pgsluice.model.errors import ConnectionFailedError

UNPRIVILEGED = ("postgres", "nobody")
"""Accounts that can stand in for root, best first: `postgres` exists where packages of PostgreSQL are, `nobody` nearly everywhere."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server's programs. `name` is None for ourselves."""

    name: str | None = None
    uid: int = -1
    gid: int = -1

    def run(self, arguments: Sequence[str | Path], directory: Path, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a program in `directory` as this account, its output (both streams) caught as text; the exit code is the
        caller's to judge. Raises OSError where the account cannot run it, subprocess.TimeoutExpired after `timeout_s`."""
        return subprocess.run(
            [str(a) for a in arguments],
            cwd=directory,
            env=_environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            user=None if self.name is None else self.uid,
            group=None if self.name is None else self.gid,
            extra_groups=None if self.name is None else [],
        )

    def own(self, path: Path) -> None:
        """Make the account the owner of `path`."""
        if self.name is not None:
            os.chown(path, self.uid, self.gid)

    def enters(self, directory: Path) -> bool:
        """Whether the account may read and go through `directory`, as the system itself says."""
        try:
            return self.run(["ls", directory], Path("/")).returncode == 0
        except OSError:
            return False


@cache
def server_account() -> Account:
    """Ourselves, or an unprivileged account where we are root; raises ConnectionFailedError where there is none."""
    if os.geteuid() != 0:
        return Account()
    import pwd

    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ConnectionFailedError(
        "server-needs-ordinary-user",
        f"PostgreSQL does not run as root, and there is no account {' or '.join(UNPRIVILEGED)} to run it as",
        next="run pgsluice as an ordinary user",
    )


def _environment(directory: Path) -> Mapping[str, str]:
    """Ours without libpq's variables (PGHOST, PGDATA, PGOPTIONS ... would lead elsewhere) and with messages in English."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "HOME": str(directory)}
