"""The questions that the plan asks of the rows: would this step fail on them?"""

from collections.abc import Iterable

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import PatienceError, RefusedError
from pgsluice.model.steps import Preflight, Step


def check_step_queries(session: Session, migration: str, steps: Iterable[Step], patience_s: float) -> None:
    """Asks all preflights of the steps, read only, with the settings of each step's session, and names as its search_path
    resolves them.

    Raises RefusedError `preflight-failed` for the first one that gets another answer than it expects, PatienceError
    `preflight-locked` where a table cannot be read for `patience_s` seconds."""
    for step in steps:
        for preflight in step.preflight:
            value = _answer(session, migration, step, preflight, patience_s)
            if value != preflight.expect:
                _refuse(migration, step, preflight.message.replace("{value}", "nothing" if value is None else value))


def _answer(session: Session, migration: str, step: Step, preflight: Preflight, patience_s: float) -> str | None:
    """The one value as the server prints it; None for NULL or no row. Reading takes a lock that nobody waits behind. The ROLLBACK
    takes the step's settings back."""
    query = preflight.sql.strip().rstrip(";")
    try:
        session.run(f"{_begin(step)}; SET LOCAL lock_timeout = {max(1, int(patience_s * 1000))}")
        value: str | None = session.value(f"SELECT answer::pg_catalog.text FROM (\n{query}\n) AS question (answer)")
        session.run("ROLLBACK")
    except DatabaseError as error:
        if trouble_of(error) is Trouble.CONNECTION_LOST:
            raise
        session.run("ROLLBACK")
        if trouble_of(error) is Trouble.LOCK_TIMEOUT:
            raise _locked(migration, step, patience_s) from error
        _refuse(migration, step, f"a question that must be answered first cannot be: {message_of(error)}")
    return value


def _begin(step: Step) -> str:
    return f"BEGIN READ ONLY; {step.session}" if step.session else "BEGIN READ ONLY"


def _locked(migration: str, step: Step, patience_s: float) -> PatienceError:
    return PatienceError(
        "preflight-locked",
        f"a question that must be answered first cannot be: somebody has locked what it reads for {patience_s:.0f} s",
        where=f"migration {migration}, step {step.id}",
        next="nothing was changed: see pg_locks for who holds ACCESS EXCLUSIVE there, then run again",
    )


def _refuse(migration: str, step: Step, why: str) -> None:
    raise RefusedError(
        "preflight-failed",
        why,
        where=f"{step.source.path}:{step.source.line} (migration {migration}, step {step.id})",
        next="nothing was changed; mend the rows or the migration, then run again",
    )
