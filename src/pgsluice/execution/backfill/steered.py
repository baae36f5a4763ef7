"""A table filled under watch: the workers do what the journal's orders and the throttle say, and tell the journal how far they are."""

from collections.abc import Callable, Sequence

from pgsluice.execution.backfill.fill import FillResult, Worker, run_fill
from pgsluice.execution.backfill.filling import BadRow
from pgsluice.execution.backfill.overseer import Overseer
from pgsluice.execution.backfill.pace import FillLimits
from pgsluice.execution.backfill.reins import Reins
from pgsluice.execution.backfill.tally import Tally
from pgsluice.execution.db.session import Session
from pgsluice.execution.throttle.throttle import Throttle
from pgsluice.model.backfills import PaceName
from pgsluice.model.events import Event
from pgsluice.model.steps import Fill


def run_steered(
    workers: Sequence[Worker],
    fill: Fill,
    limits: FillLimits,
    pace: PaceName,
    name: tuple[str, str],
    *,
    looks: Session,
    throttle: Throttle,
    tally: Tally,
    report: Callable[[Event], None],
    checkpoint: Callable[[], None],
    bad: BadRow | None = None,
) -> FillResult:
    """`run_fill`, at `pace` while nobody orders another one, for the backfill `name` (migration and step), which is open in the journal.
    `looks` is the overseer's session meanwhile; `checkpoint` raises where the work shall stop. Raises as `run_fill`."""
    reins = Reins(limits.at(pace), checkpoint)
    with (
        throttle,
        Overseer(looks, reins, tally, name, pace, workers=len(workers), report=report, verdict=lambda: throttle.verdict),
    ):
        return run_fill(workers, fill, reins, report=report, migration=name[0], step=name[1], tally=tally, bad=bad)
