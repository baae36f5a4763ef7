"""A piece: one statement of the composed rewrite, before it becomes (a part of) a step."""

from dataclasses import dataclass

from pgsluice.analysis.effects.hanging import Carrier
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parts import Settled
from pgsluice.model.catalog import Catalog
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.steps import Fill, Preflight


@dataclass(frozen=True, slots=True)
class Piece:
    """`actions` are what `sql` does, `before` the catalog in front of it. `origin` is the number of the file's statement and
    that of the action in it, from 0: pieces of one origin keep their order. `brief`: it may share a short transaction.
    `atom`: pieces with the same number share one transaction, -1 for none. `relations` are those that it mentions or
    makes, `names` all other names (columns, constraints, types, functions ...), as the catalog stores them. `independent`: only those
    names can tie it to others that are so too. `carriers` is on what hung what it drops. `opaque`: what it does cannot be seen, so
    nothing may change places with it. `settled`, `apart`: as in the part that it is."""

    sql: str
    actions: tuple[Action, ...]
    impact: Impact
    before: Catalog
    origin: tuple[int, int]
    phase: PhaseName
    reason: str
    hazard: str | None = None
    brief: bool = True
    atom: int = -1
    with_next: bool = False
    apart: bool = False
    session: str = ""
    fill: Fill | None = None
    preflight: tuple[Preflight, ...] = ()
    releases_notice: str | None = None
    relations: frozenset[QualifiedName] = frozenset()
    names: frozenset[str] = frozenset()
    independent: bool = False
    carriers: frozenset[Carrier] = frozenset()
    opaque: bool = False
    may_exceed_budget: bool = False
    settled: Settled | None = None

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(a.kind for a in self.actions)
