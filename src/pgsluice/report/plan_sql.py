"""A plan as a SQL script: to read, or to run by hand where pgsluice may not."""

from collections.abc import Iterator

from pgsluice.model.plan import MigrationPlan, PhaseName, Plan
from pgsluice.model.postgres.versions import ServerVersion
from pgsluice.model.steps import Step, StepKind
from pgsluice.report.texts import indented

_HEAD = """-- Plan for PostgreSQL {version}. `pgsluice run` does more than this script: it watches for a gap before each strike,
-- bounds wait and work by the stall budget, batches backfills, and remembers how far it came."""


def plan_sql(plan: Plan) -> str:
    """The script without its last newline; what comes after the gate is commented out."""
    parts = [_HEAD.format(version=ServerVersion(plan.server_version))]
    for migration in plan.migrations:
        parts += _migration(migration)
    return "\n\n".join(parts)


def _migration(migration: MigrationPlan) -> Iterator[str]:
    yield indented(f"migration {migration.name} ({migration.path})", "-- ")
    for phase, step in migration.steps():
        statements = _statements(step)
        yield f"{_comment(phase, step)}\n{indented(statements, '-- ') if phase is PhaseName.CONTRACT else statements}"


def _comment(phase: PhaseName, step: Step) -> str:
    locks = "; ".join(f"{lock.mode} on {lock.relation}" for lock in step.locks)
    said = [f"{phase}, {step.kind.replace('_', ' ')}: {step.reason}", *([f"locks: {locks}"] if locks else [])]
    return indented("\n".join(said), "-- ")


def _statements(step: Step) -> str:
    """A strike gets the timeout that it would start with."""
    sql = step.sql.strip().rstrip(";") + ";"
    session = step.session.strip().rstrip(";") + ";\n" if step.session.strip() else ""
    if not step.transaction:
        return session + sql
    timeout = "SET LOCAL lock_timeout = '20ms';\n" if step.kind is StepKind.STRIKE else ""
    return f"BEGIN;\n{timeout}{session}{sql}\nCOMMIT;"
