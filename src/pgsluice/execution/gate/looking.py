"""The looks at the gate of a migration that waits: a brief one for `status`, and the one before `contract`."""

from pgsluice.execution.db.session import Session
from pgsluice.execution.gate.catalog import uses_in_catalog
from pgsluice.execution.gate.sessions import Clients
from pgsluice.execution.journal.stored_plan import StoredPlan
from pgsluice.model.gate import GateLook
from pgsluice.model.plan import PhaseName
from pgsluice.model.steps import OldName

NO_NAME = "no name tells the old release's statements from the new one's here: give the old one's application_name with --old-application"


def old_names(plan: StoredPlan) -> tuple[OldName, ...]:
    """What nobody may name any more once the migration is contracted."""
    return tuple(dict.fromkeys(name for step in plan.migration.steps_of(PhaseName.CONTRACT) for name in step.gone))


def look_at_gate(session: Session, plan: StoredPlan, applications: tuple[str, ...] = (), seconds: float = 0.0) -> GateLook:
    """Who still seems to use the old shape; looks for so many `seconds`, 0: once, and at the sessions and the catalog alone."""
    names = old_names(plan)
    clients = Clients(session, names, applications)
    if seconds and (names or applications):
        clients.watch(seconds)
    else:
        clients.look()
    contract_sql = ";\n".join(step.sql for step in plan.migration.steps_of(PhaseName.CONTRACT))
    found = (*clients.uses, *uses_in_catalog(session, names, contract_sql))
    unseen = (*clients.unseen, *(() if names or applications else (NO_NAME,)))
    return GateLook(plan.migration.name, names, found, tuple(clients.remarks), unseen)
