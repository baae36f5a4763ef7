"""Sessions that hold their transactions for seconds, as reports and exports do."""

import random
import threading

from psycopg import pq

from pgsluice.rehearsal.load.connection import connect
from pgsluice.rehearsal.load.definition import SlowReader


class SlowReaders:
    """Runs each reader in a thread of its own; they sleep nearly always. Raises ConnectionFailedError."""

    def __init__(self, dsn: str, readers: tuple[SlowReader, ...], seed: int) -> None:
        self._stop = threading.Event()
        self._connections = [connect(dsn) for _ in readers]
        self._threads = [
            threading.Thread(target=self._read, args=(connection, reader, random.Random(f"{seed} {number}")), daemon=True)
            for number, (connection, reader) in enumerate(zip(self._connections, readers, strict=True))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the transactions; a query that waits or runs is cancelled."""
        self._stop.set()
        for thread, connection in zip(self._threads, self._connections, strict=True):
            thread.join(0.2)
            while thread.is_alive():
                connection.get_cancel().cancel()
                thread.join(0.2)
            connection.finish()

    def _read(self, connection: pq.abc.PGconn, reader: SlowReader, draws: random.Random) -> None:
        while not self._stop.is_set():
            connection.exec_(b"BEGIN")
            connection.exec_(reader.sql.encode())
            self._stop.wait(draws.uniform(*reader.hold_s))
            connection.exec_(b"COMMIT")
            self._stop.wait(draws.uniform(*reader.pause_s))
