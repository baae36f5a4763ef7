"""An UPDATE or DELETE that may touch very many rows of a table in use, in one transaction.

## What it does

One `UPDATE` or `DELETE` locks every row that it changes until it ends, and writes each of them anew.

## Why it is dangerous

Writes of the application to those rows wait for the end of the statement, minutes for some ten million rows. The WAL it
writes in one go makes standbys lag; the dead rows can only be cleaned up when it is over; a failure at the end undoes all of it.

## The safe way

In batches, each a short transaction that gives way to traffic, resumed where it was interrupted:

- page by page, where doing it to a row again changes nothing: what is assigned does not read what is assigned, and calls nothing
  that gives another value the next time (`random()`, `now()`); or the column is filled where it `IS NULL`; every DELETE. Pages are
  gone over until no row is left, so that the end is that of the statement run at that moment.
- else in the order of a unique key, each row once: `SET n = n + 1`, `SET token = gen_random_uuid()`. Nobody may change keys
  meanwhile; rows that come behind the last key of the beginning are not touched. `now()` is the time of each batch.

`UPDATE ... FROM` one other table, with `=` on all columns of a unique key of that, and `DELETE ... USING` one go the same way: each
row asks the other table for its own row. A statement that names its rows by a unique key with `=` or `IN` stays as it is.

## When the safe way does not apply

Two other tables or a query behind FROM or USING, or one of which a row may meet several rows; another table whose rows a foreign
key changes with those that are changed; WITH and RETURNING; a condition that calls a volatile function; a subquery on the table
itself; rows that would move to another partition; rules of the table; a row that must be met once in a table without a unique
key. Where few rows are touched, or nobody writes the table, allow the rule with a directive on the statement: it then runs as it
is, for as long as it takes.
"""

from collections.abc import Iterator

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.expressions import expression
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import relation_name, strings, walk
from pgsluice.analysis.rules.batching import batched
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.model.catalog import Catalog, Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.plan import PhaseName

MANY = 100
"""Values of an IN list up to which it names few rows: updating 100 rows took under 2 ms (18, 2 cores)."""

_PARTS = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt"})


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind not in ("UPDATE", "DELETE") or action.relation is None:
        return _of_parts(action, context)
    name, table = context.name(action.relation), context.table(action)
    if not context.busy(name) or (table is not None and _few(action.node.get("whereClause", {}), table)):
        return None
    message = f"writes to the rows of {context.described(name)} that it changes wait until all of them are changed"
    return Hazard(message, _way(action, table, context.catalog) if table is not None else _UNKNOWN)


def _of_parts(action: Action, context: Context) -> Hazard | None:
    """UPDATE and DELETE in WITH, and MERGE, which may touch any row of their table."""
    inner = action.node.get("selectStmt", {}).get("SelectStmt", {})
    if action.kind != "MERGE" and "withClause" not in action.node and "withClause" not in inner:
        return None
    written = [body for kind, body in walk({action.statement.kind: action.node}) if kind in _PARTS and "relation" in body]
    for body in written:
        name = context.name(relation_name(body["relation"]))
        table = context.catalog.table(name)
        if context.busy(name) and not (table is not None and _few(body.get("whereClause", {}), table)):
            return Hazard(f"writes to the rows of {context.described(name)} that it changes wait until all of them are changed", _MIXED)
    return None


def _few(where: Node, table: Table) -> bool:
    """Whether the condition names its rows by all columns of a unique index."""
    named = frozenset(_named(where))
    whole = (i for i in table.indexes if i.unique and i.valid and i.predicate is None)
    return any(bool(i.keys) and all(k in named for k in i.keys) for i in whole)


def _named(where: Node) -> Iterator[str]:
    """The columns that a condition holds to constants, by `=` or IN, all at once."""
    both = where.get("BoolExpr", {})
    if both.get("boolop") == "AND_EXPR":
        for part in both["args"]:
            yield from _named(part)
    compared = where.get("A_Expr", {})
    values = compared.get("rexpr", {}).get("List", {}).get("items", [compared.get("rexpr", {})])
    known = compared.get("kind") in ("AEXPR_OP", "AEXPR_IN") and strings(compared.get("name", ())) == ("=",)
    if known and len(values) <= MANY and all(expression("", v).constant for v in values if v) and all(values):
        yield from _column(compared.get("lexpr", {}))


def _column(node: Node) -> tuple[str, ...]:
    """The column that a ColumnRef names, () for anything else."""
    return strings(node.get("ColumnRef", {}).get("fields", ())[-1:])


def _way(action: Action, table: Table, catalog: Catalog) -> Rewrite | NoRewrite:
    found = batched(action, table, catalog)
    if isinstance(found, NoRewrite):
        return found
    how = f"in the order of {', '.join(found.key)}, each row once" if found.key else "page by page"
    return Rewrite((Part(action.sql, f"in batches that give way to traffic, {how}", PhaseName.MIGRATE, fill=found),), declinable=True)


_MIXED = NoRewrite(
    "a statement that does more than one thing cannot be taken apart by its rows",
    "write it as plain UPDATEs and DELETEs; or, where few rows are touched, allow unbatched-write above the statement",
)
_UNKNOWN = NoRewrite(
    "whether the statement may be taken apart depends on the table, of which nothing is known here",
    "plan it on the database; or, where few rows are touched or nobody writes them, "
    "write `-- pgsluice: allow unbatched-write because ...` above the statement",
)

RULE = Rule(
    "unbatched-write",
    Severity.ERROR,
    Category.DATA,
    _match,
    kinds=frozenset({"UPDATE", "DELETE", "MERGE", "INSERT", "SELECT", "SELECT INTO", "CREATE TABLE AS"}),
)
