"""From an action to its impact: which forms of the lock table it has, and who plays their roles in this database."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from pgsluice.analysis.locks import table
from pgsluice.analysis.locks.cast import Match, players
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.subject import NotUnderstoodError, Subject
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.statement import Action
from pgsluice.model.catalog import Catalog, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock

Classifier = Callable[[Subject], Iterable[Match]]


def impact(action: Action, catalog: Catalog) -> Impact:
    """What the action does to the traffic on the relations that exist before it, on a server as `catalog` describes it.

    Where the catalog cannot tell between forms, the worst of them. What is not understood comes back with `analysed` False
    and ACCESS EXCLUSIVE on everything that the action names. Source of every lock: the table that servers have confirmed."""
    classifier = classifiers().get(action.kind)
    try:
        if classifier is None:
            raise NotUnderstoodError(action.kind)
        return combined(classifier(Subject.of(action, catalog)), catalog)
    except NotUnderstoodError:
        return unknown(action, catalog)


def combined(matches: Iterable[Match], catalog: Catalog) -> Impact:
    """The impacts of all matches in one: the strongest lock on each relation, and all work."""
    locks: dict[QualifiedName, LockMode] = {}
    work: tuple[dict[QualifiedName, None], ...] = ({}, {}, {})
    in_transaction = True
    for match in matches:
        row = _row(match, catalog)
        in_transaction &= row.in_transaction
        for role, mode in row.locks.items():
            for name in players(match, role, catalog):
                locks[name] = max(mode, locks.get(name, mode), key=lambda m: m.strength)
        works = ((), (), ()) if match.idle else (row.scans, row.rewrites, row.builds)
        for found, roles in zip(work, works, strict=True):
            found.update((n, None) for role in roles for n in players(match, role, catalog) if _has_rows(n, catalog))
    scans, rewrites, builds = (tuple(found) for found in work)
    return Impact(tuple(Lock(str(n), m) for n, m in locks.items()), scans, rewrites, builds, in_transaction)


def _has_rows(name: QualifiedName, catalog: Catalog) -> bool:
    found = catalog.table(name)
    return found is None or found.kind not in (TableKind.PARTITIONED, TableKind.VIEW)


def unknown(action: Action, catalog: Catalog) -> Impact:
    """The worst, on everything that is named."""
    names = sorted({catalog.resolve(*name) for name in mentioned_relations(action)})
    return Impact(tuple(Lock(str(n), LockMode.ACCESS_EXCLUSIVE) for n in names), tuple(names), tuple(names), analysed=False)


def _row(match: Match, catalog: Catalog) -> table.Row:
    try:
        return table.row(match.form, catalog.version.major)
    except KeyError as error:
        raise NotUnderstoodError(f"{match.form} on {catalog.version.major}") from error


@cache
def classifiers() -> Mapping[str, Classifier]:
    """By kind of action (`parsing/kinds.py`)."""
    from pgsluice.analysis.locks import columns, constraints, indexes, objects, options, partitions, queries, tables, types

    modules = (columns, constraints, indexes, objects, options, partitions, queries, tables, types)
    return {kind: classifier for module in modules for kind, classifier in module.CLASSIFIERS.items()}
