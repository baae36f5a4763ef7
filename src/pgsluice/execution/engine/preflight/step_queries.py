"""The questions that the plan asks of the rows: would this step fail on them?"""

import time
from collections.abc import Callable, Iterable

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import PatienceError, RefusedError
from pgsluice.model.events import Event, Notice
from pgsluice.model.steps import Preflight, Step

SHOWN = 5
WIDEST = 200
"""Rows that are shown of those that stand against a step, and characters of each."""
EXAMPLES_S = 30.0
"""So long at most they are looked for: the refusal stands without them."""
SOON_S = 10.0
"""A question of a later phase, which will be asked again, takes no longer."""


def check_step_queries(session: Session, migration: str, steps: Iterable[Step], patience_s: float, report: Callable[[Event], None]) -> None:
    """Asks all preflights of the steps, read only, with the settings of each step's session, and names as its search_path
    resolves them. One that takes longer than `patience_s` seconds is given up, and that is reported: the step itself asks again,
    without a lock that anybody waits for.

    Raises RefusedError `preflight-failed` for the first one that gets another answer than it expects, PatienceError
    `preflight-locked` where a table cannot be read for `patience_s` seconds."""
    for step in steps:
        for preflight in step.preflight:
            try:
                value = _answer(session, migration, step, preflight, patience_s)
            except TimeoutError:
                said = f"not answered within {patience_s:.0f} s, so the step itself will find out: {preflight.sql[:100]}"
                report(Notice(migration, step.id, said))
                continue
            if value != preflight.expect:
                _refuse(migration, step, _said(session, step, preflight, value))


def foresee_step_queries(session: Session, migration: str, steps: Iterable[Step], report: Callable[[Event], None]) -> None:
    """Asks what will be asked before the steps of a later phase, and reports what stands against them now: rows may be mended by then,
    but plain SQL would fail on them today. Questions about what earlier steps make cannot be asked yet; each gets SOON_S."""
    for step in steps:
        for preflight in step.preflight:
            try:
                value = _answer(session, migration, step, preflight, SOON_S)
            except (TimeoutError, RefusedError, PatienceError):
                continue
            if value != preflight.expect:
                said = f"as the rows are now, this later step would be refused: {_said(session, step, preflight, value)}"
                report(Notice(migration, step.id, said))


def _said(session: Session, step: Step, preflight: Preflight, value: str | None) -> str:
    return preflight.message.replace("{value}", "nothing" if value is None else value) + _examples(session, step, preflight)


def _answer(session: Session, migration: str, step: Step, preflight: Preflight, patience_s: float) -> str | None:
    """The one value as the server prints it; None for NULL or no row. Reading takes a lock that nobody waits behind. The ROLLBACK
    takes the step's settings back. Raises TimeoutError."""
    query = preflight.sql.strip().rstrip(";")
    began = time.monotonic()
    try:
        session.run(_begin(step, patience_s))
        value: str | None = session.value(f"SELECT answer::pg_catalog.text FROM (\n{query}\n) AS question (answer)")
        session.run("ROLLBACK")
    except DatabaseError as error:
        trouble = trouble_of(error)
        if trouble is Trouble.CONNECTION_LOST:
            raise
        session.run("ROLLBACK")
        if trouble is Trouble.LOCK_TIMEOUT:
            raise _locked(migration, step, patience_s) from error
        if trouble is Trouble.CANCELLED and time.monotonic() - began >= patience_s:
            raise TimeoutError from error
        _refuse(migration, step, f"a question that must be answered first cannot be: {message_of(error)}")
    return value


def _examples(session: Session, step: Step, preflight: Preflight) -> str:
    """The first rows that stand against it, a line each; '' where there are none to show or they cannot be had."""
    if not preflight.examples:
        return ""
    query = f"SELECT pg_catalog.row_to_json(example)::pg_catalog.text AS row FROM (\n{preflight.examples}\n) AS example LIMIT {SHOWN}"
    try:
        session.run(_begin(step, EXAMPLES_S))
        found = [_cut(row["row"]) for row in session.rows(query)]
    except DatabaseError as error:
        if trouble_of(error) is Trouble.CONNECTION_LOST:
            raise
        found = []
    session.run("ROLLBACK")
    return "".join(f"\n    such as {row}" for row in found)


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def _begin(step: Step, limit_s: float) -> str:
    """A transaction in which no wait for a lock and no query lasts longer."""
    limit_ms = max(1, int(limit_s * 1000))
    session = f"{step.session}; " if step.session else ""
    return f"BEGIN READ ONLY; {session}SET LOCAL lock_timeout = {limit_ms}; SET LOCAL statement_timeout = {limit_ms + 1000}"


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
