"""What a statement demands of the rows that are there: asked before anything changes, whether it runs as it is or in a safe way."""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.changes import constraint_name, type_change
from pgsluice.analysis.parsing.constraints import ConstraintClause, Excluded, added_constraint
from pgsluice.analysis.parsing.indexes import IndexDefinition, IndexKey, index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.composites import CHANGES, of_composite
from pgsluice.analysis.rules.conversion import convertible
from pgsluice.analysis.rules.domains import CHECKING, of_domain
from pgsluice.analysis.rules.exclusions import no_exclusions
from pgsluice.analysis.rules.index.definition import compared_keys
from pgsluice.analysis.rules.rule import Context
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import Constraint, ConstraintKind
from pgsluice.model.names import foreign_key_name
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.steps import Preflight

_CHANGE = "ALTER TABLE ALTER COLUMN TYPE"


def demands(action: Action, impact: Impact, context: Context) -> tuple[Preflight, ...]:
    """The questions for a statement that runs as it is; none where other clauses of it change the values that they are about."""
    if impact.analysed and not impact.works:
        return ()
    if action.kind in CHECKING:
        return of_domain(action, context)
    if action.kind in CHANGES:
        return of_composite(action, context)
    if action.relation is None:
        return ()
    changes = [a for a in actions(action.statement) if a.kind == _CHANGE]
    if action.kind == _CHANGE:
        return _of_type(action, context) if impact.rewrites else ()  # each USING of a statement reads the row as it was
    table = context.name(action.relation)
    index = index_definition(action)
    if index is not None:
        return of_index(index, table, context)
    return () if changes else _of_clause(action, table, context)


def _of_clause(action: Action, table: QualifiedName, context: Context) -> tuple[Preflight, ...]:
    if action.kind == "ALTER TABLE SET NOT NULL":
        return _no_nulls(context, table, action.node["name"], only=action.only)
    if action.kind == "ALTER TABLE VALIDATE CONSTRAINT":
        known = context.catalog.table(table)
        constraint = known.constraint(constraint_name(action) or "") if known is not None else None
        return _of_known(constraint, context) if constraint is not None and not constraint.validated else ()
    clause = added_constraint(action)
    return of_constraint(clause, table, context) if clause is not None and not clause.not_valid else ()


def of_constraint(clause: ConstraintClause, table: QualifiedName, context: Context) -> tuple[Preflight, ...]:
    """That the rows obey a constraint which is to be valid."""
    kind = clause.kind
    if kind is ConstraintKind.EXCLUSION:
        return no_exclusions(context, table, clause.excluded, clause.where)
    if clause.without_overlaps:
        return _without_overlaps(clause, table, context)
    if not clause.enforced:
        return ()
    if kind is ConstraintKind.CHECK:
        return (
            evidence.no_violations(context, table, clause.columns, clause.expression, only=clause.no_inherit) if clause.expression else ()
        )
    if kind is ConstraintKind.FOREIGN_KEY:
        return evidence.no_orphans(context, foreign_key(clause, table, context))
    if kind is ConstraintKind.NOT_NULL:
        return _no_nulls(context, table, clause.columns[0], only=clause.no_inherit)
    if kind not in (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY):
        return ()
    distinct = not clause.nulls_not_distinct
    doubled = evidence.no_duplicates(context, table, clause.columns, nulls_distinct=distinct) if not clause.using_index else ()
    return (*_primary(clause, table, context), *doubled)


def _primary(clause: ConstraintClause, table: QualifiedName, context: Context) -> tuple[Preflight, ...]:
    """That a primary key's columns have no NULL."""
    return tuple(q for c in clause.columns for q in _no_nulls(context, table, c)) if clause.kind is ConstraintKind.PRIMARY_KEY else ()


def _without_overlaps(clause: ConstraintClause, table: QualifiedName, context: Context) -> tuple[Preflight, ...]:
    """Of a key: that no two rows with the same values overlap in the last column, which is never empty."""
    if clause.kind is ConstraintKind.FOREIGN_KEY:
        return ()
    *same, period = clause.columns
    keys = (*(Excluded(IndexKey(c, c), "=") for c in same), Excluded(IndexKey(period, period), "&&"))
    empty = evidence.none_outside(context, table, f"NOT isempty({quote(period)})", f"rows of {table} have an empty {quote(period)}")
    return (*_primary(clause, table, context), *empty, *no_exclusions(context, table, keys))


def of_index(index: IndexDefinition, table: QualifiedName, context: Context) -> tuple[Preflight, ...]:
    """That the rows let a unique index be built."""
    keys = compared_keys(index)
    if not index.unique or not keys:
        return ()
    return evidence.no_duplicates(context, table, keys, where=index.where, nulls_distinct=not index.nulls_not_distinct)


def foreign_key(clause: ConstraintClause, table: QualifiedName, context: Context) -> Constraint:
    """The foreign key that a clause makes, with the columns that it references where it does not say them."""
    references = context.name(clause.references or (None, ""))
    name = clause.name or foreign_key_name(context.catalog, table, clause.columns)
    known = context.catalog.table(references)
    primary = known.primary_key.columns if known is not None and known.primary_key else ()
    referenced = clause.referenced_columns or primary
    return Constraint(name, table, clause.kind, "", clause.columns, references=references, referenced_columns=referenced)


def _of_known(constraint: Constraint, context: Context) -> tuple[Preflight, ...]:
    """That the rows obey a constraint which stands as NOT VALID."""
    if constraint.kind is ConstraintKind.FOREIGN_KEY:
        return evidence.no_orphans(context, constraint)
    if constraint.kind is ConstraintKind.NOT_NULL:
        return _no_nulls(context, constraint.table, constraint.columns[0])
    added = actions(parse_statement(f"ALTER TABLE {constraint.table} ADD {constraint.definition}", ""))[0]
    clause = added_constraint(added)
    return of_constraint(clause, constraint.table, context) if clause is not None else ()


def _no_nulls(context: Context, table: QualifiedName, column: str, *, only: bool = False) -> tuple[Preflight, ...]:
    known = context.catalog.table(table)
    found = known.column(column) if known is not None else None
    never = found is not None and found.not_null and found.not_null_validated
    return () if never else evidence.no_nulls(context, table, column, only=only)


def _of_type(action: Action, context: Context) -> tuple[Preflight, ...]:
    change, table = type_change(action), context.table(action)
    column = table.column(change.column) if table is not None and change is not None else None
    if change is None or table is None or column is None:
        return ()
    return convertible(Twin(context.catalog, table, column, change), context)
