"""Which backends have others waiting behind their DDL for too long. Decides from what was read; asks and changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from pgsluice.model.lock_forest import waiters_behind
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.postgres.statement_words import locks_explicitly
from pgsluice.model.snapshot import Backend, LockQueues, LockWait

ACT_SHARE = 0.8
"""Part of the stall budget after which a waiting query counts as waiting for too long: the rest is for the look and the cancel."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`every_ddl`: all DDL of the database is guarded, whoever runs it (`--all`)."""

    stall_budget_s: float
    max_waiting: int
    every_ddl: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Sessions wait behind `backend` for too long. `act`: its statement is to be cancelled or, where it runs none (`idle`), its session
    ended; else it is only to be reported, because of `why`."""

    backend: Backend
    ddl: str
    waiting: int
    longest_s: float
    blockers: tuple[Backend, ...]
    act: bool
    why: str = ""

    @property
    def idle(self) -> bool:
        return self.backend.idle_in_transaction


def judge(queues: LockQueues, belonging: Callable[[Backend], bool], policy: Policy) -> tuple[Verdict, ...]:
    """A verdict for each backend with a strong lock, held or waited for, behind which application sessions wait for too long. Only those
    with `act` may be touched; `belonging`, whether a backend is the command's for certain, is asked about these few."""
    found = []
    for backend in queues.backends:
        if backend.pid is None or backend.autovacuum or backend.ours:
            continue
        behind = [wait for wait in waiters_behind(queues, backend.id) if _is_application(wait)]
        longest = behind[0].waited_s if behind else 0.0
        too_long = longest >= ACT_SHARE * policy.stall_budget_s or len(behind) > policy.max_waiting
        if behind and too_long and _strong(queues, backend, behind):
            act, why = _sentence(queues, backend, belonging(backend), policy)
            found.append(Verdict(backend, _ddl(backend), len(behind), longest, _blockers(queues, backend), act, why))
    return tuple(found)


def _sentence(queues: LockQueues, backend: Backend, belongs: bool, policy: Policy) -> tuple[bool, str]:
    """Whether to act, and why not."""
    if policy.every_ddl:
        if backend.definition is not None and backend.state == "active":
            return True, ""
        return False, "it runs no DDL at this moment" if backend.query else "its query is hidden from our role (grant pg_monitor)"
    if not belongs:
        return False, "it cannot be told to be of the command"
    if backend.definition is not None:
        return True, ""
    if backend.query is not None and locks_explicitly(backend.query):
        return False, "it runs LOCK, which is no DDL"
    if any(_is_strong(h.kind, h.mode) for h in queues.holdings if h.holder == backend.id):
        return True, ""  # from an earlier statement of its transaction
    return False, "it runs no DDL at this moment"


def _strong(queues: LockQueues, backend: Backend, behind: list[LockWait]) -> bool:
    """Whether it waits for a strong lock on a relation, or holds one for which others wait."""
    own = next((wait for wait in queues.waits if wait.waiter == backend.id), None)
    if own is not None and _is_strong(own.kind, own.mode):
        return True
    wanted = {wait.object for wait in behind if backend.id in wait.blockers}
    return any(h.holder == backend.id and _is_strong(h.kind, h.mode) and h.object in wanted for h in queues.holdings)


def _is_strong(kind: str, mode: str) -> bool:
    return kind == "relation" and LockMode(mode).blocks_application


def _is_application(wait: LockWait) -> bool:
    """Whether it waits as queries do: for a row, or in a mode that reading and writing take."""
    return wait.row or (wait.kind == "relation" and LockMode(wait.mode).strength <= LockMode.ROW_EXCLUSIVE.strength)


def _blockers(queues: LockQueues, backend: Backend) -> tuple[Backend, ...]:
    """Behind whom it waits itself."""
    own = next((wait for wait in queues.waits if wait.waiter == backend.id), None)
    return tuple(b for b in queues.backends if own is not None and b.id in own.blockers)


def _ddl(backend: Backend) -> str:
    return backend.definition or ("DDL of its transaction" if backend.idle_in_transaction or backend.query else "DDL")
