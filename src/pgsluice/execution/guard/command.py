"""The guarded command: a child process with safe session defaults in its environment."""

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pgsluice.model.errors import UsageError
from pgsluice.model.snapshot import GUARDED_PREFIX

LOCK_TIMEOUT_S = 5
"""Handed down as a belt for the case that the guard itself dies. Not shorter: a wait in which nobody waits behind does no harm, and
it would end a concurrent build that waits for an old snapshot, which leaves an invalid index."""

IDLE_IN_TRANSACTION_S = 60
DEAD_CLIENT_MS = 1000
"""A server process notices within this that its client has died, also while it waits for a lock."""

END_GRACE_S = 10.0


def new_application() -> str:
    """An application_name that no other session has."""
    return f"{GUARDED_PREFIX}{secrets.token_hex(4)}"


def handed_down(environment: Mapping[str, str], application: str, *, notices_dead_clients: bool) -> dict[str, str]:
    """The environment of the command. What PGOPTIONS holds already comes last, so that it goes before ours.

    `notices_dead_clients`: the server's system can tell; else it would refuse the setting, and with it the connection."""
    settings = {"lock_timeout": f"{LOCK_TIMEOUT_S}s", "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s"}
    if notices_dead_clients:
        settings["client_connection_check_interval"] = str(DEAD_CLIENT_MS)
    options = [f"-c {name}={value}" for name, value in settings.items()]
    name = environment.get("PGAPPNAME", "")
    return {
        **environment,
        "PGOPTIONS": " ".join([*options, environment.get("PGOPTIONS", "")]).strip(),
        "PGAPPNAME": f"{application} {name}".strip().encode()[:63].decode(errors="ignore"),
    }


def start(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Starts it with our own streams; raises UsageError `command-not-run`."""
    try:
        return subprocess.Popen(list(command), env=dict(environment))
    except OSError as error:
        raise UsageError(
            "command-not-run",
            f"{command[0]} cannot be run: {error.strerror}",
            where=str(Path.cwd()),
            next="give the command as you would type it: pgsluice guard -- alembic upgrade head",
        ) from None


def wait(process: "subprocess.Popen[bytes]") -> int:
    """Its exit code as a shell tells it. Ctrl-C has reached it, too, and it is waited for; when we are told to end, it is told so,
    and given time."""
    try:
        code = process.wait()
    except KeyboardInterrupt as end:
        if type(end) is not KeyboardInterrupt or not os.isatty(0):
            process.send_signal(signal.SIGINT if type(end) is KeyboardInterrupt else signal.SIGTERM)
        try:
            process.wait(END_GRACE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        raise
    return code if code >= 0 else 128 - code
