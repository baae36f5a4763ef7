"""What a constraint of a domain demands of the rows of all tables that have a column of it."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.changes import constraint_name
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.foresight import means_the_same
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.catalog import Column, ConstraintKind, Table, TableKind, Type
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.steps import Preflight

CHECKING = frozenset({"ALTER DOMAIN ADD CONSTRAINT", "ALTER DOMAIN VALIDATE CONSTRAINT", "ALTER DOMAIN SET NOT NULL"})
"""What looks at each value of the domain, unless it says NOT VALID."""


def of_domain(action: Action, context: Context) -> tuple[Preflight, ...]:
    """That each value which is stored obeys the constraint; a domain over the domain and arrays of it are left to the server."""
    named = subject(action)
    domain = context.catalog.type_named(*named) if named is not None else None
    if domain is None:
        return ()
    return tuple(q for table, column in _columns(domain, context) for q in _asked(action, domain, table, column, context))


def _columns(domain: Type, context: Context) -> Iterator[tuple[Table, Column]]:
    name = domain.name
    spelled = {
        str(name),
        f"{name.schema}.{name.name}",
        *((name.name, quote(name.name)) if name.schema in context.catalog.search_path else ()),
    }
    for table in context.catalog.tables.values():
        stored = table.kind in (TableKind.TABLE, TableKind.PARTITIONED, TableKind.MATERIALIZED_VIEW) and not table.is_partition
        yield from ((table, c) for c in table.columns if stored and c.type in spelled)


def _asked(action: Action, domain: Type, table: Table, column: Column, context: Context) -> tuple[Preflight, ...]:
    if action.kind == "ALTER DOMAIN SET NOT NULL":
        return evidence.no_nulls(context, table.name, column.name)
    clause = added_constraint(_added(action, domain))
    if clause is None or clause.not_valid:
        return ()
    if clause.kind is ConstraintKind.NOT_NULL:
        return evidence.no_nulls(context, table.name, column.name)
    condition = clause.expression
    return _obeying(condition, table, column, context) if condition is not None else ()


def _added(action: Action, domain: Type) -> Action:
    """ADD CONSTRAINT, for VALIDATE that of the constraint which stands."""
    if action.kind != "ALTER DOMAIN VALIDATE CONSTRAINT":
        return action
    name = constraint_name(action)
    definition = next((d for n, d, validated in domain.constraints if n == name and not validated), "")
    text = definition.removesuffix(" NOT VALID")
    return actions(parse_statement(f"ALTER DOMAIN {domain.name} ADD {text}", ""))[0] if text else action


def _obeying(condition: Expression, table: Table, column: Column, context: Context) -> tuple[Preflight, ...]:
    key = table.primary_key.columns if table.primary_key else ()
    if not context.foreseeable(table.name, (*key, column.name)) or not means_the_same(context, condition):
        return ()
    shown = "".join(f"{quote(c)}, " for c in key if c != "value")
    values = f"SELECT {shown}{quote(column.name)} AS value FROM {evidence.rows(context, table.name, False)}"
    where = f"FROM ({values}) AS {quote(table.name.name)} WHERE NOT ({condition.sql})"
    what = f"values of {quote(column.name)} of {table.name} violate CHECK ({condition.sql})"
    return (evidence.none_found(f"SELECT count(*) {where}", what, f"SELECT * {where}", f"SELECT * {where}"),)
