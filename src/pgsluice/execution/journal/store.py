"""Reading and writing the journal's rows. Every write is one durable transaction on the control session."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal import stored_plan
from pgsluice.execution.journal.stored_plan import StoredPlan
from pgsluice.model.errors import StoppedError
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import MigrationFile, MigrationProgress, MigrationState, StepProgress, StepState
from pgsluice.model.steps import StepKind

_QUERIES = named_queries(__package__)


class Journal:
    """The journal of one database as the holder of lease number `fence` may write it; 0 reads only.

    `session` commits synchronously. A write that finds another state than it expects, or another holder of the lease,
    changes nothing and raises StoppedError `lease-lost`: somebody else works here."""

    def __init__(self, session: Session, fence: int = 0, writing: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """`writing` is entered around each write, which may have to wait for a synchronous standby."""
        self.session, self.fence, self._writing = session, fence, writing

    def migrations(self) -> tuple[MigrationProgress, ...]:
        """All of them with their steps, in the order in which they began."""
        steps: dict[str, list[StepProgress]] = {}
        for row in self.session.rows(_QUERIES["steps"]):
            steps.setdefault(row.pop("migration"), []).append(_step(row))
        return tuple(_migration(row, steps.get(row["name"], [])) for row in self.session.rows(_QUERIES["migrations"]))

    def migration(self, name: str) -> MigrationProgress | None:
        """The one of that name, None where the journal has none."""
        return next((m for m in self.migrations() if m.name == name), None)

    def plan(self, migration: str) -> StoredPlan:
        """The plan that a started migration is resumed from."""
        return stored_plan.load(self.session.value(_QUERIES["plan"], {"migration": migration}))

    def unsettled_plans(self) -> tuple[str, ...]:
        """The stored plans, as JSON text, of the migrations that are neither done nor taken back."""
        settled = [MigrationState.DONE.value, MigrationState.ROLLED_BACK.value]
        return tuple(row["plan"] for row in self.session.rows(_QUERIES["plans"], {"settled": settled}))

    def step_state(self, migration: str, step: str) -> StepState:
        return StepState(self.session.value(_QUERIES["step_state"], {"migration": migration, "step": step}))

    def begin(self, plan: StoredPlan, through: PhaseName) -> None:
        """Stores the plan of a migration that is about to start, in the place of one that was taken back."""
        migration = plan.migration
        facts = {
            "name": migration.name,
            "checksum": migration.checksum,
            "path": migration.path,
            "through": through.value,
            "plan": stored_plan.dump(plan),
            "steps": json.dumps(_step_rows(plan)),
        }
        with self._writing(), self._transaction():
            self.session.rows(_QUERIES["forget"], {"migration": migration.name})
            self._expect("begin", facts)

    def adopt(self, files: Sequence[MigrationFile]) -> None:
        """Records migrations that were applied before pgsluice came."""
        rows = [{"name": f.name, "number": n, "checksum": f.checksum, "path": f.path} for n, f in enumerate(files, 1)]
        self._write("adopt", {"files": json.dumps(rows)})

    def move(
        self,
        migration: str,
        was: MigrationState,
        becomes: MigrationState,
        *,
        through: PhaseName | None = None,
        error: str | None = None,
        also: Callable[[Session], None] | None = None,
    ) -> None:
        """Changes a migration's state; `through` where a further phase is asked for now. `also` writes what must be true together
        with it, in the same transaction."""
        facts = {"migration": migration, "was": was.value, "state": becomes.value, "error": error}
        facts["through"] = None if through is None else through.value
        if also is None:
            return self._write("move", facts)
        with self._writing(), self._transaction():
            also(self.session)
            self._expect("move", facts)

    def start_step(self, migration: str, step: str, state: StepState = StepState.STARTED) -> None:
        """Says that a step is about to be sent (or, UNDOING, taken back)."""
        doing = f"{migration} {step}"
        self._write("start_step", {"migration": migration, "step": step, "state": state.value, "doing": doing, "fence": self.fence})

    def end_step(self, migration: str, step: str, state: StepState, error: str | None = None) -> None:
        """Says how a step ended. For one that its own transaction recorded this is the synchronous write that makes a
        commit durable which waited for nobody."""
        self._write("end_step", {"migration": migration, "step": step, "state": state.value, "error": error, "fence": self.fence})

    def forget_backfill(self, migration: str, step: str) -> None:
        """The cursor of a backfill that was taken back."""
        self.session.rows(_QUERIES["forget_backfill"], {"migration": migration, "step": step})

    def _write(self, query: str, facts: dict[str, Any]) -> None:
        with self._writing():
            self._expect(query, facts)

    def _expect(self, query: str, facts: dict[str, Any]) -> None:
        if not self.session.rows(_QUERIES[query], facts):
            raise StoppedError(
                "lease-lost",
                f"the journal is not as this run left it ({query.replace('_', ' ')}): another run took over",
                where=facts.get("migration"),
                next="see `pgsluice status`; run again once the other run has ended",
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.session.run("BEGIN")
        try:
            yield
            self.session.run("COMMIT")
        except BaseException:
            if self.session.in_transaction:
                self.session.run("ROLLBACK")
            raise


def _step_rows(plan: StoredPlan) -> list[dict[str, Any]]:
    return [
        {"id": step.id, "number": number, "phase": phase.value, "kind": step.kind.value, "sql": step.sql}
        for number, (phase, step) in enumerate(plan.migration.steps(), 1)
    ]


def _step(row: dict[str, Any]) -> StepProgress:
    kinds = {"phase": PhaseName(row["phase"]), "kind": StepKind(row["kind"]), "state": StepState(row["state"])}
    return StepProgress(**{**row, **kinds})


def _migration(row: dict[str, Any], steps: Sequence[StepProgress]) -> MigrationProgress:
    return MigrationProgress(
        name=row["name"],
        checksum=row["checksum"],
        path=row["path"],
        order=row["position"],
        state=MigrationState(row["state"]),
        through=row["through"] and PhaseName(row["through"]),
        error=row["error"],
        by=row["run_by"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        steps=tuple(steps),
    )
