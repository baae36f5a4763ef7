"""Changes of type at both ends of a foreign key: first the column that is referenced, then those that reference it.

The swap of a twin lays the old column's foreign key aside, which rests on the very key that the swap at the other end exchanges.
"""

from collections.abc import Iterator, Sequence

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.changes import type_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.model.catalog import Catalog

Group = tuple[Action, ...]
"""What one statement does."""


def parents_first(groups: Sequence[Group], catalog: Catalog) -> list[int]:
    """The order in which they are to run, by their numbers: within each stretch of nothing but changes of type."""
    changes = [all(type_change(action) is not None for action in group) for group in groups]
    if sum(changes) < 2:
        return list(range(len(groups)))
    order: list[int] = []
    stretch: list[int] = []
    behind = catalog
    for number, group in enumerate(groups):
        if changes[number]:
            stretch.append(number)
        else:
            order += [*_sorted(stretch, groups, catalog), number]
            stretch = []
        behind = _after(group, behind)
        catalog = catalog if stretch else behind
    return [*order, *_sorted(stretch, groups, catalog)]


def too_late(groups: Sequence[Group], catalog: Catalog) -> Iterator[tuple[int, int]]:
    """The numbers of two of them that run in this order, where the first changes what references what the second changes."""
    for number, group in enumerate(groups):
        yield from ((earlier, number) for earlier in range(number) if _reference(groups[earlier], group, catalog))
        catalog = _after(group, catalog)


def _after(group: Group, catalog: Catalog) -> Catalog:
    for action in group:
        catalog = after(action, catalog)
    return catalog


def _sorted(stretch: Sequence[int], groups: Sequence[Group], catalog: Catalog) -> list[int]:
    """As they stand, but for what waits until nothing that it references is left. A circle stays as it is."""
    left, order = list(stretch), list[int]()
    while left:
        free = (n for n in left if not any(o != n and _reference(groups[n], groups[o], catalog) for o in left))
        order.append(next(free, left[0]))
        left.remove(order[-1])
    return order


def _reference(ones: Group, others: Group, catalog: Catalog) -> bool:
    """Whether a foreign key over a column whose type one changes references one whose type another changes."""
    return any(_references(one, other, catalog) for one in ones for other in others)


def _references(one: Action, other: Action, catalog: Catalog) -> bool:
    ours, theirs = type_change(one), type_change(other)
    if ours is None or theirs is None or one.relation is None or other.relation is None:
        return False
    table, target = catalog.table(catalog.resolve(*one.relation)), catalog.resolve(*other.relation)
    keys = table.foreign_keys if table is not None else ()
    return any(k.references == target and ours.column in k.columns and theirs.column in k.referenced_columns for k in keys)
