"""What the rules make of a case: findings and plan, on a catalog made from its schema or read from a server."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.locks.prediction import impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.analysis.parsing.statement import Action, Statement
from pgsluice.analysis.parsing.statements import parse_file
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.planner.planning import PlanOptions, plan_migration
from pgsluice.analysis.rules.registry import hazards
from pgsluice.analysis.rules.rule import Context, Rewrite
from pgsluice.model.catalog import Catalog
from pgsluice.model.plan import MigrationPlan
from pgsluice.model.postgres.versions import ServerVersion
from tests.rules.spec import Case


def catalog_of(schema: str, major: int) -> Catalog:
    """The catalog that the DDL leaves behind, as it would be found by the next run."""
    catalog = Catalog(ServerVersion.of_major(major), role="postgres", superuser=True)
    for statement in parse_file(schema, "schema.sql"):
        for action in actions(statement):
            catalog = after(action, catalog)
    return replace(
        catalog,
        tables={n: replace(t, made_by_run=False, owner="postgres") for n, t in catalog.tables.items()},
        sequences={n: replace(s, made_by_run=False) for n, s in catalog.sequences.items()},
    )


def planned(case: Case, catalog: Catalog) -> MigrationPlan:
    """The plan of the case's change; raises RefusedError."""
    options = PlanOptions(treat_as_large=not case.small)
    return plan_migration(migration_of("0001_change.sql", "change.sql", case.change), catalog, options)[0]


def statements(plan: MigrationPlan) -> list[str]:
    """The plan's SQL, statement by statement, in the order in which it runs."""
    return [normal(s) for _, step in plan.steps() for s in parse_file(step.sql, "plan.sql")]


def written(sql: str) -> list[str]:
    """The statements of a text."""
    return [normal(s) for s in parse_file(sql, "spec.sql")]


def normal(statement: Statement) -> str:
    """The statement's text without comments, and one blank between words."""
    parts: list[str] = []
    end = 0
    for token in tokens(statement.sql):
        parts += [" " if token.start > end and parts else "", statement.sql[token.start : token.end]]
        end = token.end
    return "".join(parts)


def findings(case: Case, catalog: Catalog) -> frozenset[tuple[int, str]]:
    """(line, rule) of each hazard that is met in what the user wrote, not in what becomes of it."""
    return frozenset(_findings(case, catalog))


def _findings(case: Case, catalog: Catalog) -> Iterator[tuple[int, str]]:
    catalog = replace(catalog, known=False) if case.offline else catalog
    file = [actions(s) for s in migration_of("change.sql", "change.sql", case.change).statements]
    for number, group in enumerate(file):
        context = Context(
            catalog,
            treat_as_large=not case.small,
            earlier=_flat(file[:number]),
            later=_flat(file[number + 1 :]),
            asked=(case.rule,),
        )
        for action in group:
            context = replace(context, catalog=catalog)
            said = list(hazards(action, impact(action, catalog), context))
            yield from ((action.statement.place.line, rule.name) for rule, _ in said)
            waits = any(isinstance(hazard.way, Rewrite) and not hazard.way.parts for _, hazard in said)
            catalog = catalog if waits else after(action, catalog)


def _flat(groups: list[tuple[Action, ...]]) -> tuple[Action, ...]:
    return tuple(action for group in groups for action in group)
