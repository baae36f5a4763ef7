"""The second belt: the other connection cancels a strike at its deadline, where the server's timeouts do not reach.

statement_timeout does not cover COMMIT, and a user's trigger may catch its error. The belt is one statement that watches
from within the server, started before the strike is sent.
"""

import json
import threading
from dataclasses import dataclass

from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import literal

_QUERIES = named_queries(__package__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the belt saw: it looked `polls` times (every 4 ms), `waits` times the strike waited for a lock, which the
    backends `blockers` held (0 stands for a prepared transaction); it cancelled it `cancels` times."""

    polls: int = 0
    waits: int = 0
    cancels: int = 0
    blockers: tuple[int, ...] = ()

    @property
    def mostly_worked(self) -> bool:
        """Whether it was seen, and less waiting than working."""
        return self.polls > 0 and self.waits * 2 <= self.polls


NOTHING_SEEN = Sighting()


class Belt:
    """Guards one strike of the backend `pid`, whose query text begins with `marker`, while the `with` block runs: after
    `cancel_s` it is cancelled, after `end_s` its backend is ended.

    The session `watch` is busy meanwhile. `sighting` is there after the block; empty where the watch was lost."""

    def __init__(self, watch: Session, pid: int, marker: str, *, cancel_s: float, end_s: float) -> None:
        self._watch = watch
        self._orders = json.dumps({"pid": pid, "marker": marker, "cancel_s": cancel_s, "end_s": end_s})
        self._thread = threading.Thread(target=self._guard, name="pgsluice-belt", daemon=True)
        self.sighting = NOTHING_SEEN
        self.failure: DatabaseError | None = None

    def __enter__(self) -> "Belt":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _guard(self) -> None:
        try:
            orders = f"SELECT pg_catalog.set_config('pgsluice.belt', {literal(self._orders)}, false)"
            self._watch.run(f"{orders};\n{_QUERIES['watch']}")  # one message: there is no time to lose
            seen = json.loads(self._watch.value(_QUERIES["seen"]))
        except DatabaseError as error:
            self.failure = error
            return
        self.sighting = Sighting(seen["polls"], seen["waits"], seen["cancels"], tuple(seen["blockers"] or ()))
