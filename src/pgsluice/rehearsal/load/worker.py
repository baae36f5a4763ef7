"""What the load's own process does: started by `process.py`.

A pickled (dsn, Load) comes on stdin, which then stays open: its end means stop, so that the death of the parent stops
the load too. On stdout go pickles: None when all connections stand, then the Recording; a Failure instead of either.
"""

import gc
import pickle
import sys
import time
from dataclasses import dataclass

from pgsluice.model.errors import PgsluiceError
from pgsluice.rehearsal.latency.recording import Recorder, Recording
from pgsluice.rehearsal.load.definition import Load
from pgsluice.rehearsal.load.open_loop import OpenLoop
from pgsluice.rehearsal.load.slow_readers import SlowReaders


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way to the parent."""

    kind: type[PgsluiceError]
    code: str
    what: str
    next: str | None


def main() -> None:
    """Serve one load."""
    dsn, load = pickle.load(sys.stdin.buffer)
    try:
        _answer(_serve(dsn, load))
    except PgsluiceError as error:
        _answer(Failure(type(error), error.code, error.what, error.next))


def _serve(dsn: str, load: Load) -> Recording:
    recorder = Recorder(tuple(k.name for k in load.kinds))
    loop = OpenLoop(dsn, load, recorder)
    readers = SlowReaders(dsn, load.slow_readers, load.seed)
    gc.freeze()
    gc.disable()  # a collection would count as a wait; the loop makes no cycles
    _answer(None)
    cpu_s, begin = time.process_time(), time.monotonic()
    readers.start()
    loop.run(sys.stdin.fileno())
    recording = recorder.recording(time.process_time() - cpu_s, time.monotonic() - begin)
    readers.stop()
    loop.close()
    return recording


def _answer(message: object) -> None:
    pickle.dump(message, sys.stdout.buffer)
    sys.stdout.buffer.flush()
