"""The phase in which an action belongs by its nature, before anything that it depends on is looked at."""

from collections.abc import Collection, Sequence

from pgsluice.analysis.parsing.changes import column_name
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.planner.guards import Key, dropped
from pgsluice.analysis.planner.naming import tying_relations
from pgsluice.model.catalog import Catalog, ConstraintKind
from pgsluice.model.plan import PhaseName

_FILLS_OR_VALIDATES = frozenset(
    {
        "ALTER TABLE VALIDATE CONSTRAINT",
        "ALTER DOMAIN VALIDATE CONSTRAINT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "COPY",
        "TRUNCATE",
        "ANALYZE",
        "VACUUM",
        "REFRESH MATERIALIZED VIEW",
        "REINDEX INDEX",
        "REINDEX TABLE",
        "REINDEX SCHEMA",
        "REINDEX DATABASE",
    }
)
_DERIVED = frozenset({"VIEW", "MATERIALIZED VIEW", "FUNCTION", "TRIGGER", "POLICY", "RULE", "STATISTICS"})
"""What holds no data of its own: dropped and made anew in one transaction, nothing is destroyed."""

_HARMLESS_DROPS = frozenset({"DROP INDEX", "DROP STATISTICS", "DROP PUBLICATION", "DROP SUBSCRIPTION"})
_DESTROYED_PARTS = frozenset({"ALTER TABLE DROP COLUMN", "ALTER TYPE DROP ATTRIBUTE", "ALTER TABLE DROP EXPRESSION"})
_RELIED_ON = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION})


_TAKES_VALUE = frozenset({"ALTER TABLE DROP DEFAULT", "ALTER TABLE DROP IDENTITY"})
_GIVES_VALUE = frozenset({"ALTER TABLE SET DEFAULT", "ALTER TABLE ADD IDENTITY", "ALTER TABLE ALTER COLUMN TYPE"})


def natural_phase(
    action: Action, catalog: Catalog, made_here: Collection[Key], made_anew: Collection[Key], others: Sequence[Action] = ()
) -> PhaseName:
    """EXPAND for what adds or loosens, and for what is about new tables, which nobody uses, MIGRATE for what fills, validates or drops
    an index, CONTRACT for what destroys something that a running release may use. `made_here` are the objects that the same run made
    before, `made_anew` those that the file drops and makes anew in one transaction; `others` are the actions of its statement and those
    behind it."""
    if action.kind in _FILLS_OR_VALIDATES:
        return PhaseName.EXPAND if _only_new(action, catalog) else PhaseName.MIGRATE
    if action.kind in _HARMLESS_DROPS:
        if _of_new_index(action, catalog):
            return PhaseName.EXPAND
        return PhaseName.CONTRACT if _unique_index(action, catalog) else PhaseName.MIGRATE
    if action.kind == "ALTER TABLE DROP CONSTRAINT":
        return PhaseName.CONTRACT if _relied_on(action, catalog) else PhaseName.EXPAND
    if action.kind in _TAKES_VALUE:
        given_again = any(o.kind in _GIVES_VALUE and _column(o) == _column(action) for o in others)
        return PhaseName.EXPAND if given_again or _of_new_table(action, catalog) else PhaseName.CONTRACT
    if action.kind in _DESTROYED_PARTS or action.kind.startswith("DROP "):
        return PhaseName.EXPAND if _nobody_misses(action, catalog, made_here, made_anew) else PhaseName.CONTRACT
    return PhaseName.EXPAND


def _nobody_misses(action: Action, catalog: Catalog, made_here: Collection[Key], made_anew: Collection[Key]) -> bool:
    if _of_new_table(action, catalog):
        return True
    key = dropped(action)
    return key is not None and (key in made_here or (key in made_anew and key[0] in _DERIVED))


def _of_new_table(action: Action, catalog: Catalog) -> bool:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation is not None else None
    return table is not None and table.made_by_run


def _column(action: Action) -> tuple[object, str | None]:
    return action.relation, column_name(action)


def _only_new(action: Action, catalog: Catalog) -> bool:
    """Whether it is about nothing but tables that this run has made."""
    found = [catalog.table(name) for name in tying_relations(action, catalog)]
    return bool(found) and all(table is not None and table.made_by_run for table in found)


def _unique_index(action: Action, catalog: Catalog) -> bool:
    """A unique index: upserts of the running release name its columns."""
    index = catalog.index(catalog.resolve(*action.relation)) if action.relation else None
    return index is not None and index.unique


def _of_new_index(action: Action, catalog: Catalog) -> bool:
    index = catalog.index(catalog.resolve(*action.relation)) if action.relation else None
    table = catalog.table(index.table) if index else None
    return table is not None and table.made_by_run


def _relied_on(action: Action, catalog: Catalog) -> bool:
    """A constraint that upserts of the running release may name: UNIQUE, PRIMARY KEY, EXCLUDE."""
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    if table is None or table.made_by_run:
        return False
    constraint = table.constraint(action.node.get("name", ""))
    return constraint is not None and constraint.kind in _RELIED_ON
