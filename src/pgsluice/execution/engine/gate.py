"""The gate: `contract` destroys what the old release uses, so it looks first whether anybody still does."""

from collections.abc import Callable

from pgsluice.execution.db.session import Session
from pgsluice.execution.gate.looking import look_at_gate
from pgsluice.execution.journal.store import Journal
from pgsluice.model.errors import RefusedError, StoppedError
from pgsluice.model.events import Event, Notice
from pgsluice.model.gate import GateLook
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import MigrationProgress, StepState
from pgsluice.model.settings import Settings

_SHOWN = 10


def pass_gate(session: Session, record: MigrationProgress, settings: Settings, report: Callable[[Event], None]) -> None:
    """Returns where nothing of the old shape is in use, as far as can be seen (what cannot is reported), or where it shall go on anyway.

    Raises StoppedError `old-shape-in-use` with what was seen, and RefusedError `not-at-gate` where an earlier step is not done."""
    open_ = [s.id for s in record.steps if s.phase is not PhaseName.CONTRACT and s.state is not StepState.DONE]
    if open_:
        raise RefusedError("not-at-gate", f"migration {record.name} is not complete: {', '.join(open_)}", next="`pgsluice run` first")
    plan = Journal(session).plan(record.name)
    look = look_at_gate(session, plan, settings.old_application, settings.look_for)
    for what in look.unseen:
        report(Notice(record.name, "", f"could not be seen: {what}"))
    for remark in look.remarks[:_SHOWN]:
        report(Notice(record.name, "", f"a statement of the old shape, {remark}"))
    if look.uses and not settings.anyway:
        raise _in_use(look)
    for use in look.uses:
        report(Notice(record.name, "", f"contracted anyway: {use}"))


def _in_use(look: GateLook) -> StoppedError:
    shown = "".join(f"\n    {use}" for use in look.uses[:_SHOWN])
    more = f"\n    and {len(look.uses) - _SHOWN} more" if len(look.uses) > _SHOWN else ""
    return StoppedError(
        "old-shape-in-use",
        f"migration {look.migration} is not contracted, what it would take away is in use:{shown}{more}",
        next="contract when these are gone; `pgsluice rollback` goes back instead; `pgsluice contract --anyway` goes on in spite of them",
    )
