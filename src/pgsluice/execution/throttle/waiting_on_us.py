"""Own harm: application sessions that wait for a row that we have locked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.waiting import cancel, waiters_on
from pgsluice.execution.throttle.signal import NOTHING, Reading

CANCEL_S = 0.250
"""Nobody waits for so long behind a batch, which has a timeout of its own; where one does, the batch is cancelled."""


@dataclass
class WaitingOnUs:
    """`pids` are our workers' backends; half a stall budget of waiting is the limit."""

    pids: Callable[[], Sequence[int]]
    limit_s: float = 0.050
    name: str = "sessions that wait for us"
    stops: bool = False

    def read(self, session: Session) -> Reading:
        worst = NOTHING
        for pid in self.pids():
            waiting = waiters_on(session, pid, ours=self.pids())
            if waiting and waiting[0].waited_s >= CANCEL_S:
                cancel(session, pid)
            if waiting and waiting[0].waited_s / self.limit_s > worst.share:
                said = (
                    f"{len(waiting)} sessions wait for us, {waiting[0].waited_s * 1000:.0f} ms so far (limit {self.limit_s * 1000:.0f} ms)"
                )
                worst = Reading(waiting[0].waited_s / self.limit_s, said)
        return worst
