"""The load in a process of its own, so that neither our Python nor its collector delays a request."""

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self, cast

from pgsluice.model.errors import PgsluiceError
from pgsluice.rehearsal.latency.recording import Recording
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.worker import Failure

APPLICATION_NAME = "pgsluice load"
"""What its sessions are called in pg_stat_activity."""
STOP_TIMEOUT_S = 20.0
"""A worker that has not ended so long after its stop is killed: it drains for 2 s and then cancels."""


class LoadProcess:
    """Entered, it sends requests to the database until `stop`; left, the process is gone in any case.

    Entering returns when all connections stand and raises ConnectionFailedError or InputError if they cannot."""

    def __init__(self, dsn: str, load: Load) -> None:
        self._dsn, self._load = dsn, load
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # A session of its own: Ctrl-C must reach us alone, the worker sees its stdin end.
        command = [sys.executable, "-m", "pgsluice.rehearsal.load"]
        path = os.pathsep.join(p for p in sys.path if p)
        environment = {**os.environ, "PYTHONPATH": path, "PGAPPNAME": APPLICATION_NAME}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True)
        stdin = cast(IO[bytes], self._process.stdin)
        try:
            with suppress(BrokenPipeError):  # it died before it read: the missing answer says so
                stdin.write(pickle.dumps((self._dsn, self._load)))
                stdin.flush()
            self._answer()
        except BaseException:
            self._end()
            raise
        return self

    def stop(self) -> Recording:
        """Ends the load and returns every request's wait; requests that still run after 2 s are cancelled."""
        assert self._process is not None
        cast(IO[bytes], self._process.stdin).close()
        recording = self._answer()
        self._end()
        return cast(Recording, recording)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            with suppress(PgsluiceError):
                self.stop()  # its requests must not stay behind in the server
        self._end()

    def _answer(self) -> Any:
        assert self._process is not None
        try:
            message = pickle.load(cast(IO[bytes], self._process.stdout))
        except EOFError:
            what = f"the load's process ended with code {self._process.wait()}"
            raise PgsluiceError("load-process-ended", what, next="see its message above") from None
        if isinstance(message, Failure):
            raise message.kind(message.code, message.what, next=message.next)
        return message

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(BrokenPipeError):
            cast(IO[bytes], process.stdin).close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        cast(IO[bytes], process.stdout).close()
