"""A shell that outlives its program, to put away what that leaves when it is killed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PUT_AWAY = """
while read -r _; do :; done
server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$server"
rm -rf -- "$1" || { sleep 5; rm -rf -- "$1"; }
"""
"""Reading ends when nobody holds the other end of its pipe any more."""


@contextmanager
def outlived(directory: Path) -> Iterator[None]:
    """Where this process dies inside the block, in whatever way, the server in the directory is ended and both are gone. Where there
    is no shell, or no room for another process, only what the program itself cleans up is."""
    heir: subprocess.Popen[bytes] | None = None
    with suppress(OSError):
        command = ["/bin/sh", "-c", _PUT_AWAY, "pgsluice", str(directory)]
        heir = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/"
        )
    try:
        yield
    finally:
        if heir is not None:
            heir.kill()
            heir.communicate()
