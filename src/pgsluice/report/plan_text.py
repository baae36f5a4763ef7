"""A plan for people: phases, steps, locks and why."""

from collections.abc import Iterator

from pgsluice.model.plan import MigrationPlan, PhaseName, Plan
from pgsluice.model.postgres.versions import ServerVersion
from pgsluice.model.steps import Step, StepKind
from pgsluice.report.locks import lock_words
from pgsluice.report.style import Style
from pgsluice.report.texts import counted, indented, one_line

_PHASES = {
    PhaseName.EXPAND: "adds; the old and the new release both work",
    PhaseName.MIGRATE: "fills and validates",
    PhaseName.CONTRACT: "waits until `pgsluice contract` says that the old release is gone",
}

_KINDS = {
    StepKind.STRIKE: "watched for, then struck inside the stall budget",
    StepKind.TRANSACTION: "one transaction; blocks no application query",
    StepKind.BUILD_INDEX: "built concurrently",
    StepKind.DROP_INDEX: "dropped concurrently",
    StepKind.REINDEX: "rebuilt concurrently",
    StepKind.DETACH: "detached concurrently",
    StepKind.BACKFILL: "in batches that give way to traffic",
    StepKind.OUTSIDE: "outside of a transaction",
}


def plan_text(plan: Plan, style: Style) -> str:
    """The plan without its last newline."""
    path = ", ".join(plan.search_path) or "(empty)"
    steps = sum(1 for migration in plan.migrations for _ in migration.steps())
    size = f"{counted(len(plan.migrations), 'migration')}, {counted(steps, 'step')}"
    lines = [f"Plan for PostgreSQL {ServerVersion(plan.server_version)}, search_path {path}: {size}"]
    for migration in plan.migrations:
        lines += ["", *_migration(migration, style)]
    if plan.notes:
        lines += ["", *(f"note: {note}" for note in plan.notes)]
    return "\n".join(lines)


def _migration(migration: MigrationPlan, style: Style) -> Iterator[str]:
    yield f"{style(migration.name, 'bold')}  {style(migration.path, 'dim')}"
    number = 0
    for phase in migration.phases:
        yield f"  {style(phase.name, 'cyan')}: {_PHASES[phase.name]}"
        for step in phase.steps:
            number += 1
            yield from _step(number, step, style)
    if not number:
        yield "  nothing to do"
    yield from (f"  note: {note}" for note in migration.notes)


def _step(number: int, step: Step, style: Style) -> Iterator[str]:
    yield f"    {number}. {style(step.kind.replace('_', ' '), 'bold')}: {_KINDS[step.kind]}  {style(f'line {step.source.line}', 'dim')}"
    if step.session:
        yield indented(step.session, "         ")
    yield indented(step.sql, "         ")
    for label, text in _facts(step):
        yield f"       {style(label + ':', 'dim')} {text}"


def _facts(step: Step) -> Iterator[tuple[str, str]]:
    if step.locks:
        yield "locks", "; ".join(map(lock_words, step.locks))
    yield "why", step.reason
    if step.hazard:
        yield "instead of", step.hazard
    for preflight in step.preflight:
        yield "first", f"must hold, or nothing is changed: {one_line(preflight.sql)}"
    if step.releases_notice:
        yield "releases notice", step.releases_notice
    if step.estimate:
        yield "estimate", step.estimate
    if step.may_exceed_budget:
        yield "allowed", "its work may hold the lock for longer than the stall budget"
    yield "undo", _undo(step)


def _undo(step: Step) -> str:
    if step.undo is None:
        return "none: rollback stops here"
    return one_line(step.undo.sql) or "nothing to do"
