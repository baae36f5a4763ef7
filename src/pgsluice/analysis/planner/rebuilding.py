"""Where a file drops views, changes the type of a column and makes the views anew."""

from collections.abc import Iterator
from dataclasses import dataclass

from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.planner.guards import Span
from pgsluice.analysis.twins.twin import RebuiltViews
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName

_ABOUT = frozenset({"GRANT", "COMMENT"})


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """The statements `first` to `last` (counted from 0), all but `change` about the views alone."""

    first: int
    change: int
    last: int

    def views(self, file: list[tuple[Action, ...]], catalog: Catalog) -> RebuiltViews | None:
        """None where one of them is not known."""
        relations = [a.relation for actions in file[self.first : self.change] for a in actions if a.relation]
        found = [catalog.table(catalog.resolve(*relation)) for relation in relations]
        made = tuple(actions[0].statement.sql for actions in file[self.change + 1 : self.last + 1])
        return RebuiltViews(tuple(v for v in found if v is not None), made) if None not in found else None

    def left_of(self, spans: list[Span]) -> list[Span] | None:
        """The spans without those of the views; None where one holds more together."""
        inside = [s for s in spans if s.first <= self.last and self.first <= s.last]
        if any(s.first < self.first or s.last > self.last for s in inside):
            return None
        return [s for s in spans if s not in inside]


def rebuildings(file: list[tuple[Action, ...]], catalog: Catalog) -> Iterator[Rebuilding]:
    """Each change of one type with the drops right before it, if what stands right behind makes the same views anew. `catalog`: in front
    of the file."""
    for number, actions in enumerate(file):
        if [a.kind for a in actions] != ["ALTER TABLE ALTER COLUMN TYPE"]:
            continue
        first, last = number, number
        while first > 0 and all(_drops(a) for a in file[first - 1]):
            first -= 1
        gone = {name for before in file[first:number] for a in before for name in _views(a, catalog)}
        while last + 1 < len(file) and all(_about(a, gone, catalog) for a in file[last + 1]):
            last += 1
        made = [name for behind in file[number + 1 : last + 1] for a in behind if a.kind == "CREATE VIEW" for name in _views(a, catalog)]
        if gone and len(made) == len(gone) and set(made) == gone:
            yield Rebuilding(first, number, last)


def _drops(action: Action) -> bool:
    return action.kind == "DROP VIEW" and action.node.get("behavior") != "DROP_CASCADE"


def _views(action: Action, catalog: Catalog) -> Iterator[QualifiedName]:
    if action.relation is not None:
        yield catalog.resolve(*action.relation)


def _about(action: Action, views: set[QualifiedName], catalog: Catalog) -> bool:
    """Whether it makes one of these views, or says something of them and nothing else."""
    if action.kind == "CREATE VIEW":
        return {*_views(action, catalog)} <= views and not action.node.get("replace")
    named = {catalog.resolve(*relation) for relation in mentioned_relations(action)}
    return action.kind in _ABOUT and bool(named) and named <= views
