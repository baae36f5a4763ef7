"""What a rule is: a hazard, how to see it in an action, and the safe way to the same end state.

A rule's module holds one `RULE`; its docstring is the hazard's page. Looking never changes anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import column_name
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parts import Part as Part
from pgsluice.analysis.twins.twin import NO_VIEWS, RebuiltViews
from pgsluice.model.catalog import Catalog, Column, Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.versions import ServerVersion

SMALL_TABLE_BYTES = 256 * 1024
"""Heap up to which the plain form ends within a tenth of the default stall budget: building an index over a 256 KiB
table took 2 to 4 ms, rewriting it 3 to 5 ms (18, 2 cores). Smaller budgets scale it down."""


@dataclass(frozen=True, slots=True)
class Imagined:
    """The rows that a table will hold behind the earlier statements of the file, as a query over what stands there now."""

    query: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at: the catalog as it stands before the action (this file's earlier statements included).

    `start` is the catalog as it stood before the run, None where it is the same; `disturbed` are the relations whose
    rows earlier statements of the run may change: what a preflight query would see, when it runs, is `start`. Where it is known how
    they change them the table is in `imagined` instead. `earlier` and `later` are the actions of the same file in front of this one's
    statement and after it. `asked` are the names, patterns or categories of the rules that somebody asked for although they are not on
    by default. `around` are the views that the file drops right before the action and makes anew right behind it."""

    catalog: Catalog
    budget_s: float = 0.1
    treat_as_large: bool = False
    start: Catalog | None = None
    disturbed: frozenset[QualifiedName] = frozenset()
    imagined: Mapping[QualifiedName, Imagined] = field(default_factory=dict)
    earlier: Sequence[Action] = ()
    later: Sequence[Action] = ()
    asked: tuple[str, ...] = ()
    around: RebuiltViews = NO_VIEWS

    @property
    def version(self) -> ServerVersion:
        return self.catalog.version

    def name(self, relation: tuple[str | None, str]) -> QualifiedName:
        return self.catalog.resolve(*relation)

    def table(self, action: Action) -> Table | None:
        """The table that the action is about, as far as it is known."""
        return None if action.relation is None else self.catalog.table(self.name(action.relation))

    def in_block(self) -> tuple[Action, ...]:
        """The actions since the BEGIN of the transaction block that the file has opened, in its order; () outside of one."""
        inside: list[Action] = []
        for action in reversed(self.earlier):
            if action.kind == "BEGIN":
                return tuple(reversed([*inside, action]))
            if action.kind in ("COMMIT", "ROLLBACK"):
                break
            inside.append(action)
        return ()

    def doomed(self, table: Table) -> tuple[Column, ...]:
        """The columns that earlier statements of the file drop from a table that stood before, so that they stay until contract."""
        before = (self.start or self.catalog).table(table.name)
        if before is None or table.made_by_run:
            return ()
        dropped = [a for a in self.earlier if a.kind == "ALTER TABLE DROP COLUMN" and a.relation and self.name(a.relation) == table.name]
        found = (before.column(column_name(a) or "") for a in dropped)
        return tuple(c for c in found if c is not None and table.column(c.name) is None)

    def foreseeable(self, name: QualifiedName, columns: Iterable[str] = ()) -> bool:
        """Whether a query run before anything changes can see the rows and columns that the action will meet."""
        if (known := self.imagined.get(name)) is not None:
            return self.catalog.known and {*columns} <= {*known.columns}
        table = (self.start or self.catalog).table(name)
        if table is None or table.made_by_run or name in self.disturbed:
            return False
        return self.catalog.known and all(table.column(c) is not None for c in columns)

    def stood_before(self, name: QualifiedName) -> bool:
        """Whether the relation was there before this run, so that a running release may use it, whatever its size."""
        table = self.catalog.table(name)
        return not self.catalog.known if table is None else not table.made_by_run

    def busy(self, name: QualifiedName) -> bool:
        """Whether work that grows with the relation's size must not be done under a lock that blocks the application:
        it was not made by this run and is not known to be small."""
        table = self.catalog.table(name)
        if table is None:
            # what a database does not hold, the run itself makes
            return not self.catalog.known
        if table.made_by_run:
            return False
        limit = SMALL_TABLE_BYTES * min(1.0, self.budget_s / 0.1)
        return self.treat_as_large or not self.catalog.known or table.bytes > limit

    def described(self, name: QualifiedName) -> str:
        """The relation with its size, where that is known: `public.orders (about 2,300,000 rows, 410 MB)`."""
        table = self.catalog.table(name)
        if table is None or table.made_by_run or not self.catalog.known or not table.bytes:
            return str(name)
        rows = f"about {table.rows:,.0f} rows, " if table.rows else ""
        return f"{name} ({rows}{_size(table.bytes)})"

    def hurts(self, impact: Impact) -> bool:
        """Whether the action works on a busy relation while it holds a lock that blocks the application."""
        return impact.blocks and any(self.busy(name) for name in impact.works)


def _size(number: int) -> str:
    """Bytes as pg_size_pretty prints them."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 10 * 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.0f} TB"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The safe way: the parts together reach the same end state as the action. No parts: there is nothing to do. `declinable`:
    it is so much more than the action that who allows the rule gets the action as it is."""

    parts: tuple[Part, ...]
    declinable: bool = False


@dataclass(frozen=True, slots=True)
class NoRewrite:
    """Why there is no safe way in place, and what to do instead."""

    reason: str
    next: str


@dataclass(frozen=True, slots=True)
class Hazard:
    """A hazard met: `message` says what happens, to whom, for how long. `way` is the safe way or why there is none;
    None where the hazard only needs to be said (the action then runs as it is). `severity` where it is not the rule's."""

    message: str
    way: Rewrite | NoRewrite | None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`match` returns None where the hazard is not there. `impact` is what the lock table says of the action.
    `last`: it is for what no other rule knows, and asked only where none of them has a way or a reason against one.
    `optional`: it is off unless somebody asks for it, by its name, a pattern or its category. `kinds` are those of the actions
    in which it can be met, all of them where there is none: the others are not even shown to it."""

    name: str
    severity: Severity
    category: Category
    match: Callable[[Action, Impact, Context], Hazard | None]
    last: bool = False
    optional: bool = False
    kinds: frozenset[str] = frozenset()

    def asked_for(self, asked: tuple[str, ...]) -> bool:
        """Whether it is on by default, or one of the names, patterns or categories is its."""
        return not self.optional or any(self.category == name or fnmatchcase(self.name, name) for name in asked)
