"""A plan on paper: for people, and as a script."""

from pgsluice.model.plan import MigrationPlan, Phase, PhaseName, Plan
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, Source, Step, StepKind, Undo
from pgsluice.report.plan_sql import plan_sql
from pgsluice.report.plan_text import plan_text
from pgsluice.report.style import Style

SOURCE = Source("m/1.sql", 3)
ADD = Step(
    "1",
    StepKind.STRIKE,
    "ALTER TABLE t ADD c int",
    (Lock("public.t", LockMode.ACCESS_EXCLUSIVE),),
    "metadata only",
    SOURCE,
    session="SET search_path = app",
    undo=Undo(StepKind.STRIKE, "ALTER TABLE t DROP c"),
    releases_notice="prepared SELECT * fails once",
)
BUILD = Step("2", StepKind.BUILD_INDEX, "CREATE INDEX CONCURRENTLY i ON t (c)", (), "no lock", SOURCE, hazard="blocking-index-build")
DROP = Step("3", StepKind.STRIKE, "ALTER TABLE t DROP b;", (Lock("public.t", LockMode.ACCESS_EXCLUSIVE),), "destroys b", SOURCE)
PHASES = (Phase(PhaseName.EXPAND, (ADD, BUILD)), Phase(PhaseName.CONTRACT, (DROP,)))
PLAN = Plan(140023, ("app", "public"), "", (MigrationPlan("1", "abc", "m/1.sql", PHASES, notes=("a note",)),), ("another",))


def test_for_people():
    text = plan_text(PLAN, Style())
    assert text.splitlines()[0] == "Plan for PostgreSQL 14.23, search_path app, public: 1 migration, 3 steps"
    for expected in (
        "1. strike: watched for, then struck inside the stall budget  line 3",
        "locks: ACCESS EXCLUSIVE on public.t (blocks reads and writes)",
        "instead of: blocking-index-build",
        "releases notice: prepared SELECT * fails once",
        "undo: ALTER TABLE t DROP c",
        "undo: none: rollback stops here",
        "contract: waits until",
        "note: a note",
        "note: another",
    ):
        assert expected in text


def test_as_a_script():
    assert plan_sql(PLAN).split("\n\n")[1:] == [
        "-- migration 1 (m/1.sql)",
        "-- expand, strike: metadata only\n-- locks: ACCESS EXCLUSIVE on public.t\n"
        "BEGIN;\nSET LOCAL lock_timeout = '20ms';\nSET search_path = app;\nALTER TABLE t ADD c int;\nCOMMIT;",
        "-- expand, build index: no lock\nCREATE INDEX CONCURRENTLY i ON t (c);",
        "-- contract, strike: destroys b\n-- locks: ACCESS EXCLUSIVE on public.t\n"
        "-- BEGIN;\n-- SET LOCAL lock_timeout = '20ms';\n-- ALTER TABLE t DROP b;\n-- COMMIT;",
    ]
