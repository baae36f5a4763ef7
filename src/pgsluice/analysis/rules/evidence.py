"""Preflight queries: what in the data would make a change fail. Each counts, and must find nothing."""

from collections.abc import Iterable

from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.rules.foresight import means_the_same
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.catalog import Constraint, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.steps import Preflight


def no_nulls(context: Context, table: QualifiedName, column: str, *, only: bool = False) -> tuple[Preflight, ...]:
    """That no row has NULL in the column; nothing where the column cannot be seen before the run."""
    if not context.foreseeable(table, [column]):
        return ()
    where = f"FROM {rows(context, table, only)} WHERE {quote(column)} IS NULL"
    return (no_rows(context, table, [], where, f"rows of {table} have NULL in {quote(column)}"),)


def no_duplicates(
    context: Context,
    table: QualifiedName,
    keys: Iterable[str | Expression],
    *,
    where: Expression | None = None,
    nulls_distinct: bool = True,
) -> tuple[Preflight, ...]:
    """That no two rows have equal values in the columns or expressions; `where` is a partial index's predicate."""
    parts = tuple(keys)
    expressions = [e for e in (*parts, where) if isinstance(e, Expression)]
    named = [*(p for p in parts if isinstance(p, str)), *(c for e in expressions for c in e.columns)]
    if not parts or not context.foreseeable(table, named) or not all(means_the_same(context, e) for e in expressions):
        return ()
    keyed = [quote(p) if isinstance(p, str) else f"({p.sql})" for p in parts]
    names = ", ".join(keyed)
    conditions = [f"({where.sql})"] if where else []
    conditions += [f"{key} IS NOT NULL" for key in keyed if nulls_distinct]
    filtered = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    groups = f"FROM {rows(context, table, True)}{filtered} GROUP BY {names} HAVING count(*) > 1"
    what = f"values of ({names}) occur more than once in {table}"
    counted, shown = f"SELECT count(*) FROM (SELECT {groups}) AS duplicated", f"SELECT {names} {groups}"
    return (none_found(counted, what, shown, f"SELECT {names}, count(*) AS times {groups}"),)


def no_violations(
    context: Context, table: QualifiedName, columns: Iterable[str], condition: Expression, *, only: bool = False
) -> tuple[Preflight, ...]:
    """That a CHECK's condition is false for no row; `columns` are those that it names."""
    if not context.foreseeable(table, columns) or not means_the_same(context, condition):
        return ()
    where = f"FROM {rows(context, table, only)} WHERE NOT ({condition.sql})"
    return (no_rows(context, table, columns, where, f"rows of {table} violate CHECK ({condition.sql})"),)


def none_outside(context: Context, table: QualifiedName, condition: str, what: str) -> tuple[Preflight, ...]:
    """That a condition of ours is false for no row; `what` such rows are."""
    if not context.foreseeable(table):
        return ()
    where = f"FROM {rows(context, table, False)} WHERE NOT ({condition})"
    return (no_rows(context, table, None, where, what),)


def no_orphans(context: Context, key: Constraint) -> tuple[Preflight, ...]:
    """That each row of a foreign key's table finds its row in the referenced one."""
    target = key.references
    if target is None or not key.referenced_columns or len(key.columns) != len(key.referenced_columns):
        return ()
    if not context.foreseeable(key.table, key.columns) or not context.foreseeable(target, key.referenced_columns):
        return ()
    given = " AND ".join(f"child.{quote(c)} IS NOT NULL" for c in key.columns)
    same = " AND ".join(f"parent.{quote(p)} = child.{quote(c)}" for c, p in zip(key.columns, key.referenced_columns, strict=True))
    children = f"FROM {rows(context, key.table, True, 'child')}"
    where = f"{children} WHERE {given} AND NOT EXISTS (SELECT FROM {rows(context, target, True, 'parent')} WHERE {same})"
    return (no_rows(context, key.table, key.columns, where, f"rows of {key.table} reference no row of {target}", "child."),)


def is_empty(context: Context, table: QualifiedName, why: str) -> tuple[Preflight, ...]:
    """That the table has no row; `why` ends the sentence `the table has rows, and ...`."""
    if not context.foreseeable(table):
        return ()
    query = f"SELECT count(*) FROM (SELECT FROM {rows(context, table, False)} LIMIT 1) AS one"
    return (Preflight(query, "0", f"{table} has rows, and {why}"),)


def rows(context: Context, table: QualifiedName, only: bool, alias: str = "") -> str:
    """The table as FROM names it: a partitioned one always with its partitions, it has no rows of its own. Where earlier statements
    of the file change its rows, the query that shows how."""
    known = context.imagined.get(table)
    if known is not None:
        return f"({known.query}) AS {alias or quote(table.name)}"
    found = context.catalog.table(table)
    partitioned = found is not None and found.kind is TableKind.PARTITIONED
    named = f"ONLY {table}" if only and not partitioned else str(table)
    return f"{named} AS {alias}" if alias else named


def no_rows(context: Context, table: QualifiedName, columns: Iterable[str] | None, where: str, what: str, prefix: str = "") -> Preflight:
    """That `where` (from FROM on) finds none; for each of the first ones it meets its key and `columns` are shown, the whole row where
    there is no key or these are None."""
    found = context.catalog.table(table)
    key = found.primary_key.columns if found is not None and found.primary_key else ()
    named = dict.fromkeys((*key, *(columns or ())))
    whole = columns is None or not key or not context.foreseeable(table, named)
    shown = f"{prefix}*" if whole else ", ".join(f"{prefix}{quote(c)}" for c in named)
    return none_found(f"SELECT count(*) {where}", what, f"SELECT {prefix}* {where}", f"SELECT {shown} {where}")


def none_found(query: str, what: str, show: str, examples: str) -> Preflight:
    """That the count `query` is 0; `show` is the query that shows all of them."""
    return Preflight(query, "0", f"{{value}} {what}: see them with {show}", examples)
