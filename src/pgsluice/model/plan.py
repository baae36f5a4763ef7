"""The plan: the only thing that crosses from analysis to execution. Plain frozen data; `plan_json` reads and writes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pgsluice.model.steps import Step


class PhaseName(StrEnum):
    """EXPAND adds (old and new release both work), MIGRATE fills and validates, CONTRACT destroys what only the old
    release used and never runs by itself."""

    EXPAND = "expand"
    MIGRATE = "migrate"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Phase:
    name: PhaseName
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """One migration: `name` is the file's stem (or the folder's name), `checksum` the SHA-256 of its text in hex,
    `touches` the quoted qualified relations that exist before it and that its steps lock or read. `repeatable`: it runs again
    when it was edited."""

    name: str
    checksum: str
    path: str
    phases: tuple[Phase, ...]
    touches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repeatable: bool = False

    def steps(self, through: PhaseName = PhaseName.CONTRACT) -> Iterator[tuple[PhaseName, Step]]:
        """The steps in the order in which they run, up to and including the phase `through`."""
        last = list(PhaseName).index(through)
        for phase in self.phases:
            if list(PhaseName).index(phase.name) <= last:
                for step in phase.steps:
                    yield phase.name, step

    def steps_of(self, name: PhaseName) -> tuple[Step, ...]:
        """Those of one phase."""
        return tuple(step for phase in self.phases if phase.name is name for step in phase.steps)


@dataclass(frozen=True, slots=True)
class Plan:
    """`server_version` is server_version_num. `fingerprint` covers the objects that the plan touches, never sizes;
    empty where the plan was made without a database."""

    server_version: int
    search_path: tuple[str, ...]
    fingerprint: str
    migrations: tuple[MigrationPlan, ...]
    notes: tuple[str, ...] = ()
