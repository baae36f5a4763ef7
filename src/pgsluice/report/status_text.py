"""How far everything is, for people."""

from collections.abc import Iterator

from pgsluice.model.backfills import JobState, Wanted
from pgsluice.model.gate import GateLook
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import BackfillProgress, MigrationProgress, MigrationState, Status, StepProgress, StepState
from pgsluice.report.style import Style
from pgsluice.report.texts import counted, duration, one_line

_LOOKS = {
    MigrationState.FAILED: "red",
    MigrationState.ROLLBACK_STOPPED: "red",
    MigrationState.RUNNING: "yellow",
    MigrationState.ROLLING_BACK: "yellow",
    MigrationState.WAITING: "yellow",
}
_OVER = (MigrationState.DONE, MigrationState.ADOPTED, MigrationState.ROLLED_BACK)


def status_text(status: Status, style: Style, *, verbose: bool = False) -> str:
    """The reading without its last newline. Migrations that are over are one line each, or just counted where they are
    many; `verbose` shows all steps of all."""
    if status.journal_version is None:
        lines = ["no migration has run here: there is no journal (schema pgsluice) yet"]
    else:
        lines = [line for migration in status.migrations for line in _migration(migration, style, verbose)] or ["no migration has run here"]
    lines += [line for b in status.running_backfills for line in _backfill(b, style)]
    lines += _lease(status)
    lines += [line for gate in status.gates for line in _gate(gate, style)]
    lines += [f"{style('left over', 'red')}: {left.what} {left.name}: {left.next}" for left in status.leftovers]
    return "\n".join(lines)


def _migration(migration: MigrationProgress, style: Style, verbose: bool) -> Iterator[str]:
    look = _LOOKS.get(migration.state)
    state = style(migration.state, look) if look else migration.state
    done = sum(step.state is StepState.DONE for step in migration.steps)
    steps = f", {done} of {counted(len(migration.steps), 'step')} done" if migration.steps else ""
    yield f"{style(migration.name, 'bold')}: {state}{steps}"
    if migration.error:
        yield f"  {style(one_line(migration.error, 200), 'red')}"
    if verbose or migration.state not in _OVER:
        yield from (_step(step) for step in migration.steps)


def _step(step: StepProgress) -> str:
    tries = f", {counted(step.attempts, 'attempt')}" if step.attempts > 1 else ""
    error = f"\n      {one_line(step.error, 200)}" if step.error else ""
    gate = " (after the gate)" if step.phase is PhaseName.CONTRACT and step.state is StepState.PENDING else ""
    return f"  {step.id} {step.phase} {step.state}{tries}{gate}: {one_line(step.sql, 80)}{error}"


def _backfill(found: BackfillProgress, style: Style) -> Iterator[str]:
    """How far it is, and why it waits; one of the command line with what it does."""
    state = found.state or "running"
    if found.state is JobState.RUNNING and not found.alive:
        state = f"interrupted; `pgsluice resume {found.name}` goes on"
    yield f"backfill {style(found.name, 'bold')}: {state}, {counted(found.rows_done, 'row')} so far, {found.updated_at:%H:%M:%S}"
    if found.sql:
        yield f"  {one_line(found.sql, 120)}"
    if found.news is not None:
        left = f", {duration(found.news.eta_s)} left" if found.news.eta_s is not None else ""
        yield (
            f"  {found.news.share:.0%} of the first pass, {found.news.rows_per_s:,.0f} rows/s, {found.news.hot:.0%} HOT, "
            f"{found.news.wal_bytes / 1e6:,.0f} MB of WAL, pace {found.news.pace}{left}"
        )
    waiting = found.news.waiting if found.news else None
    if found.wanted is Wanted.PAUSE or waiting:
        yield f"  {style('waiting', 'yellow')}: {waiting or 'paused'}"
    if found.bad_rows:
        yield f"  {style(counted(found.bad_rows, 'row'), 'red')} could not be changed: SELECT * FROM pgsluice.backfill_bad_row"
    if found.error:
        yield f"  {style(one_line(found.error, 200), 'red')}"


def _gate(gate: GateLook, style: Style) -> Iterator[str]:
    """What waits for contract, for what, and who is in the way."""
    what = f", until nobody uses {' and '.join(map(str, gate.names))} any more" if gate.names else ", until the old release is gone"
    yield f"waits for `pgsluice contract {gate.migration}`{what}"
    yield from (f"  {style('in use', 'yellow')}: {use}" for use in gate.uses)
    yield from (f"  not seen: {what}" for what in gate.unseen)


def _lease(status: Status) -> Iterator[str]:
    if status.lease is None:
        return
    if status.lease.alive:
        yield f"running now: {status.lease.describe()}"
    elif status.lease.died:
        yield f"the last run ended in the middle: {status.lease.describe()}; `pgsluice run` goes on"
