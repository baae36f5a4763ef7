"""What an action is about, with the catalog's knowledge of it: what the classification of every kind starts from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pgsluice.analysis.locks.cast import Match, Names
from pgsluice.analysis.locks.inlining import inlined
from pgsluice.analysis.locks.table import has_row
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.trees import Name
from pgsluice.model.catalog import Catalog, Function, Table, TableKind, Type
from pgsluice.model.postgres.identifiers import QualifiedName


class NotUnderstoodError(Exception):
    """The classification does not know what the action does: the worst is assumed of everything that it mentions."""


@dataclass(frozen=True, slots=True)
class Subject:
    """`main` is the relation that the action is about, as the catalog resolves its name; `table` what is known of it."""

    action: Action
    catalog: Catalog
    main: QualifiedName | None = None
    table: Table | None = None

    @classmethod
    def of(cls, action: Action, catalog: Catalog) -> "Subject":
        main = catalog.resolve(*action.relation) if action.relation else None
        return cls(action, catalog, main, catalog.table(main) if main else None)

    def match(self, form: str, **roles: Names) -> Match:
        """The action has this form, on a partitioned table the one of its own where there is one; roles are given with
        underscores for spaces."""
        if self.partitioned and has_row(f"{form} (partitioned)", self.catalog.version.major):
            form = f"{form} (partitioned)"
        return Match(form, self.main, {r.replace("_", " "): names for r, names in roles.items()})

    def on(self, name: QualifiedName) -> "Subject":
        """The same action as it touches another relation."""
        return Subject(self.action, self.catalog, name, self.catalog.table(name))

    def name(self, name: Name) -> QualifiedName:
        return self.catalog.resolve(*name)

    @property
    def missing(self) -> bool:
        """Whether the relation is known not to be there: then IF EXISTS does nothing."""
        there = self.table is not None or self.main in self.catalog.sequences
        return self.catalog.known and not there and (self.main is None or self.catalog.index(self.main) is None)

    @property
    def partitioned(self) -> bool:
        return self.table is not None and self.table.kind is TableKind.PARTITIONED

    def type(self, name: Name) -> Type | None:
        """The user's type of this name, the first in the search path; None for PostgreSQL's own and where it is not known."""
        return self.catalog.type_named(*name)


def unless_missing(form: str) -> Callable[[Subject], Iterator[Match]]:
    """The classification of what always has one form, and none where IF EXISTS finds nothing."""

    def classify(subject: Subject) -> Iterator[Match]:
        if not (subject.missing and subject.action.if_exists):
            yield subject.match(form)

    return classify


_DEPTH = 5
"""Functions that the server replaces by their body inside of others: deeper ones are taken for volatile."""


def is_volatile(expression: Expression, catalog: Catalog, depth: int = 0) -> bool:
    """Whether the value may differ from row to row: it calls a function that is volatile or that nobody knows."""
    return any(_volatile(name, catalog, depth) for name in expression.functions if not _zone_of_an_instant(name, expression, catalog))


_ZONE = frozenset({(None, "timezone"), ("pg_catalog", "timezone")})
_TIMES_OF_DAY = frozenset({"current_time", "localtime", "timetz", "time"})


def _zone_of_an_instant(name: Name, expression: Expression, catalog: Catalog) -> bool:
    """Of the server's functions behind AT TIME ZONE only the one for a time of the day is volatile (it looks at the date), on 14."""
    if name not in _ZONE or any(f.name.name == "timezone" for f in catalog.functions):
        return False
    return catalog.version.major > 14 or not any(plain in _TIMES_OF_DAY for _, plain in (*expression.functions, *expression.types))


def _volatile(name: Name, catalog: Catalog, depth: int) -> bool:
    schema, plain = name
    found = [f for f in catalog.functions if f.name.name == plain and (schema is None or f.name.schema == schema)]
    if found:
        return any(f.volatility == "volatile" and _acts_volatile(f, catalog, depth) for f in found)
    return not (schema in (None, "pg_catalog") and plain in steady_functions())


def _acts_volatile(function: Function, catalog: Catalog, depth: int) -> bool:
    value = inlined(function.definition) if function.definition is not None and depth < _DEPTH else None
    return value is None or is_volatile(value, catalog, depth + 1)


@cache
def steady_functions() -> frozenset[str]:
    """PostgreSQL's own functions that are stable or immutable in all their variants on all majors, CURRENT_DATE and its kin
    included. Written by `tools/gen_locks.py --functions` from pg_proc of the servers."""
    return frozenset(Path(__file__).with_name("steady_functions.txt").read_text(encoding="utf-8").split())
