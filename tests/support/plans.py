"""Plans made by hand, for tests of what runs them."""

from pgsluice.model.plan import MigrationPlan, Phase, PhaseName, Plan
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Fill, Lock, Preflight, Source, Step, StepKind, Undo

PATH = "0001_first.sql"


def strike(id: str, sql: str, table: str = "public.t", **facts) -> Step:
    """A strike with ACCESS EXCLUSIVE on one table; `undo` may be SQL text."""
    return _step(id, StepKind.STRIKE, sql, locks=(Lock(table, LockMode.ACCESS_EXCLUSIVE),), **facts)


def transaction(id: str, sql: str, **facts) -> Step:
    return _step(id, StepKind.TRANSACTION, sql, **facts)


def build_index(id: str, name: str, sql: str, table: str = "public.t", **facts) -> Step:
    lock = Lock(table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    undo = Undo(StepKind.DROP_INDEX, f"DROP INDEX CONCURRENTLY {name}", (lock,), subject=name)
    return Step(
        id,
        StepKind.BUILD_INDEX,
        sql,
        (lock,),
        "a test needs it",
        Source(PATH, 1),
        done_when=f"SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('{name}') AND indisvalid)",
        **{"undo": undo, "subject": name, **facts},
    )


def drop_index(id: str, name: str, table: str = "public.t", **facts) -> Step:
    sql = f"DROP INDEX CONCURRENTLY {name}"
    lock = Lock(table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    done = f"SELECT to_regclass('{name}') IS NULL"
    return Step(id, StepKind.DROP_INDEX, sql, (lock,), "a test needs it", Source(PATH, 1), done_when=done, subject=name, **facts)


def backfill(id: str, table: str, column: str, expression: str, where: str, **facts) -> Step:
    fill = Fill(table, ((column, expression),), where)
    sql = f"UPDATE {table} SET {column} = {expression} WHERE {where}"
    return Step(id, StepKind.BACKFILL, sql, (), "a test needs it", Source(PATH, 1), fill=fill, **facts)


def outside(id: str, sql: str, **facts) -> Step:
    return _step(id, StepKind.OUTSIDE, sql, **facts)


def migration(*steps: Step, name: str = "0001_first", checksum: str = "a" * 64, **phases: tuple[Step, ...]) -> MigrationPlan:
    """The steps given are those of `expand`; `migrate` and `contract` name the others'."""
    named = {PhaseName.EXPAND: steps, **{PhaseName(p): s for p, s in phases.items()}}
    return MigrationPlan(name, checksum, f"{name}.sql", tuple(Phase(p, s) for p, s in named.items() if s))


def plan(*migrations: MigrationPlan, search_path: tuple[str, ...] = ("public",)) -> Plan:
    return Plan(180000, search_path, "", migrations)


def preflight(sql: str, expect: str = "0", message: str = "there are {value}") -> Preflight:
    return Preflight(sql, expect, message)


def _step(id: str, kind: StepKind, sql: str, **facts) -> Step:
    undo = facts.pop("undo", None)
    if isinstance(undo, str):
        undo = Undo(kind, undo, facts.get("locks", ()), loses=facts.pop("loses", ()))
    return Step(id, kind, sql, reason="a test needs it", source=Source(PATH, 1), undo=undo, **{"locks": (), **facts})
