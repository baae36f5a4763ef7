"""Whether an UPDATE or DELETE may be done in batches, and in which order.

By pages where doing it to a row again changes nothing (`Fill`): rows move while it runs, so each may be met twice or be missed at
first. Written so, the end is that of the statement run when the last batch has ended. By key, where a row must be met once.
"""

from collections.abc import Iterator

from pgsluice.analysis.locks.cast import ancestors, descendants
from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.changes import trigger_definition
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.row_changes import RowChange, conjuncts, has_default, row_change
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import strings, walk
from pgsluice.analysis.rules.joined import unjoined
from pgsluice.analysis.rules.rule import NoRewrite
from pgsluice.model.catalog import Catalog, Column, ConstraintKind, Index, Table, TableKind, Trigger
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.steps import Fill

_OF_THE_MOMENT = frozenset(
    """now transaction_timestamp statement_timestamp current_date current_time current_timestamp localtime localtimestamp age
    pg_current_snapshot txid_current_snapshot current_setting currval lastval pg_current_wal_lsn""".split()
)
"""Stable functions that give another value in another transaction; `age` with one argument counts from today."""
_MOMENTS = frozenset(("now", "today", "tomorrow", "yesterday"))
"""What a date or time may be written as, and means another one in each transaction."""

_ONE_IMAGE = frozenset(
    ("smallint", "integer", "bigint", "oid", "boolean", "uuid", "date", "bytea", "timestamp without time zone", "timestamp with time zone")
)
"""Types of which two values are equal only if their bytes are: their comparison functions compare numbers of one format, or bytes. (Text
may have a collation that takes two strings for equal; -0.0 equals 0.0.)"""


def batched(action: Action, table: Table, catalog: Catalog) -> Fill | NoRewrite:
    """The statement as a batched change, or why it cannot be one. `action` is an UPDATE or DELETE of `table`."""
    plain = unjoined(action, table, catalog)
    if isinstance(plain, str):
        return NoRewrite(plain, _ONE_VALUE)
    change = row_change(plain)
    reason = _unfit(change, table, catalog)
    if reason is not None:
        return NoRewrite(reason, _NEXT)
    if change.where is not None and is_volatile(change.where, catalog):
        return NoRewrite(
            "its condition calls a function that is volatile or not known: each row would be asked about more than once", _NEXT
        )
    fill = _by_pages(change, table, catalog) or _by_key(change, table, catalog)
    return fill or NoRewrite(_why_not(change, table, catalog), _NEXT)


def _unfit(change: RowChange, table: Table, catalog: Catalog) -> str | None:
    """What speaks against any batches at all."""
    if change.beyond:
        return f"it uses {', '.join(change.beyond)}, which batches do not know"
    if table.kind not in (TableKind.TABLE, TableKind.PARTITIONED):
        return f"{table.name} is a {table.kind}"
    family = _family(table, catalog)
    if odd := next((t for t in family if t.rules), None):
        return f"the rules {', '.join(odd.rules)} of {odd.name} would act on each batch"
    if odd := next((t for t in family if t.kind not in (TableKind.TABLE, TableKind.PARTITIONED)), None):
        return f"{odd.name} is a {odd.kind}"
    read = {catalog.resolve(*name) for e in change.expressions for name in read_tables(e.node)}
    if read & {t.name for t in (*family, *_parents(catalog, table))}:
        return "it reads other rows of the table that it changes"
    if taken := sorted(map(str, read & _taken_along(change, family, catalog))):
        return f"a foreign key changes rows of {taken[0]}, which it reads, with those that it changes"
    return _unfit_columns(change, table, catalog)


def _taken_along(change: RowChange, family: list[Table], catalog: Catalog) -> set[QualifiedName]:
    """The tables whose rows go or change with the rows that are changed, by foreign keys, at any distance."""
    found: set[QualifiedName] = set()
    keys = [k for t in family for k in catalog.foreign_keys_to(t.name)]
    queue = [k for k in keys if not change.columns or {*change.columns} & {*k.referenced_columns}]
    while queue:
        key = queue.pop()
        if key.table not in found and (" ON DELETE " in key.definition or " ON UPDATE " in key.definition):
            found.add(key.table)
            queue += catalog.foreign_keys_to(key.table)
    return found


def _unfit_columns(change: RowChange, table: Table, catalog: Catalog) -> str | None:
    parted = [t for t in (*_parents(catalog, table), *_family(table, catalog)) if t.partition_key]
    words = {c.name for c in table.columns for t in parted if _names_column(t.partition_key or "", c.name)}
    if moved := words & set(change.columns):
        return f"rows would move to other partitions, since {', '.join(sorted(moved))} decides where they are"
    late = next((c for c in table.constraints if c.deferrable and set(c.columns) & set(change.columns)), None)
    if late is not None and late.kind is not ConstraintKind.FOREIGN_KEY:
        return f"the constraint {late.name} may be checked when all rows are changed, and batches are checked one by one"
    return None


def _names_column(key: str, column: str) -> bool:
    return quote(column) in key


def _family(table: Table, catalog: Catalog) -> list[Table]:
    """The table, and all that hold its rows."""
    return [table, *(t for n in descendants(catalog, table) if (t := catalog.table(n)) is not None)]


def _parents(catalog: Catalog, table: Table) -> list[Table]:
    return [t for n in ancestors(catalog, table) if (t := catalog.table(n)) is not None]


def read_tables(node: Node) -> Iterator[tuple[str | None, str]]:
    """The tables that a query or subquery reads."""
    for _, body in walk(node):
        if "relname" in body:
            yield body.get("schemaname"), body["relname"]


def _by_pages(change: RowChange, table: Table, catalog: Catalog) -> Fill | None:
    where = f"({change.where.sql})" if change.where else "true"
    if not change.assignments:
        return None if _keeps_rows(table, catalog) else _pages(change, table, where)
    read = _reads(change.values, table) & set(change.columns)
    guard = _gap(change)
    if guard is not None and (lasting := _lasting(dict(change.assignments)[guard], catalog, again=bool(read))) is not None:
        return _pages(change, table, f"{where}{lasting}")
    steady = all(_steady(value, catalog) for value in change.values)
    if steady and not read and not _fires(table, catalog) and _typed(change, table):
        return _pages(change, table, f"{where} AND {_differs(change, table)}")
    return None


def _lasting(value: Expression, catalog: Catalog, *, again: bool) -> str | None:
    """What must hold besides for a gap to be closed for good; None where that cannot be said, and `again` would do harm."""
    if value.constant:
        return ""
    if _steady(value, catalog):
        return f" AND ({value.sql}) IS NOT NULL"
    return None if again else ""


def _pages(change: RowChange, table: Table, where: str) -> Fill:
    assignments = tuple((column, value.sql) for column, value in change.assignments)
    return Fill(str(table.name), assignments, where, alias=change.alias, only=change.only)


def _differs(change: RowChange, table: Table) -> str:
    """By the rows' images: `IS DISTINCT FROM` takes 1.0 and 1.00 for the same, and json has no equality at all. Where equal values
    always have one image it costs a quarter of the CPU, which each row pays some three times."""
    prefix = quote(change.alias or table.name.name)
    pairs = [
        (f"{prefix}.{quote(column)}", f"CAST(({value.sql}) AS {_column(table, column).type})", _column(table, column).type in _ONE_IMAGE)
        for column, value in change.assignments
    ]
    tests = [f"{now} IS DISTINCT FROM {then}" for now, then, one_image in pairs if one_image]
    if others := [(now, then) for now, then, one_image in pairs if not one_image]:
        now, then = (", ".join(values) for values in zip(*others, strict=True))
        tests.append(f"pg_catalog.record_image_ne(ROW({now}), ROW({then}))")
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _typed(change: RowChange, table: Table) -> bool:
    return all(_column(table, column).type != "unknown" for column in change.columns)


def _column(table: Table, name: str) -> Column:
    return table.column(name) or Column(name, "unknown")


def _by_key(change: RowChange, table: Table, catalog: Catalog) -> Fill | None:
    key = place_in_order(table, only=change.only, changed=change.columns)
    if key is None:
        return None
    where = f"({change.where.sql})" if change.where else "true"
    assignments = tuple((column, value.sql) for column, value in change.assignments)
    return Fill(str(table.name), assignments, where, key, change.alias, change.only)


def place_in_order(table: Table, *, only: bool, changed: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """The columns of a unique index in whose order each row has one place for good; None without one."""
    if table.children and table.kind is TableKind.TABLE and not only:
        return None
    key = next((i for i in sorted(table.indexes, key=lambda i: not i.primary) if _fit(i, table, changed)), None)
    return tuple(k for k in key.keys if k) if key else None


def _fit(index: Index, table: Table, changed: tuple[str, ...]) -> bool:
    """Whether each row has one place in the order of the index, for good."""
    columns = [table.column(k) for k in index.keys if k]
    whole = index.unique and index.valid and index.plain and index.predicate is None and len(columns) == len(index.keys) > 0
    return whole and all(c is not None and c.never_null and c.name not in changed for c in columns)


def _why_not(change: RowChange, table: Table, catalog: Catalog) -> str:
    if not all(_steady(v, catalog) for v in change.values):
        twice = "another value would come out if a row were met twice"
    elif _reads(change.values, table) & set(change.columns):
        twice = "it reads what it changes, so that no row may be met twice"
    else:
        twice = "triggers would act on a row again if it were met twice"
    return f"{twice}, and {table.name} has no unique key that holds each row's place (valid, without NULLs, not changed here)"


def _steady(value: Expression, catalog: Catalog) -> bool:
    """Whether the same row gives the same value in the next transaction, too."""
    moment = any(name in _OF_THE_MOMENT for _, name in value.functions)
    return not moment and not is_volatile(value, catalog) and not has_default(value.node) and not _says_a_moment(value.node)


def _says_a_moment(node: Node) -> bool:
    texts = (body["sval"].get("sval", "") for kind, body in walk(node) if kind == "A_Const" and "sval" in body)
    return any(text.strip().lower() in _MOMENTS for text in texts)


def _gap(change: RowChange) -> str | None:
    """The column that is filled only where it is NULL, and not by NULL."""
    values = dict(change.assignments)
    for test in (c.get("NullTest", {}) for c in conjuncts(change.where.node if change.where else {})):
        column = strings(test.get("arg", {}).get("ColumnRef", {}).get("fields", ()))[-1:]
        if test.get("nulltesttype") == "IS_NULL" and column and column[0] in values and not values[column[0]].null:
            return column[0] if not has_default(values[column[0]].node) else None
    return None


def _reads(expressions: tuple[Expression, ...], table: Table) -> frozenset[str]:
    """The columns that they read: all of them where one names the whole row, or a column that is made of others."""
    named = {name for e in expressions for name in e.columns}
    own = {c.name: c for c in table.columns}
    whole = any(kind == "A_Star" for e in expressions for kind, _ in walk(e.node))
    if whole or any(name not in own or own[name].generated for name in named):
        return frozenset(own) | named
    return frozenset(named)


def _fires(table: Table, catalog: Catalog) -> bool:
    """Whether a trigger acts on each update: then each row has to be met once, as by the plain statement."""
    return any(t.enabled for t in _triggers(table, catalog))


def _keeps_rows(table: Table, catalog: Catalog) -> bool:
    """Whether a trigger may keep a row from being deleted (a soft delete): it must not be met with the row again."""
    found = (trigger_definition(action_of(t.definition)) for t in _triggers(table, catalog) if t.enabled)
    return any(t is None or (t.timing == "BEFORE" and t.row and "DELETE" in t.events) for t in found)


def _triggers(table: Table, catalog: Catalog) -> list[Trigger]:
    """Those of the table and of all that hold its rows."""
    return [t for member in _family(table, catalog) for t in member.triggers]


_NEXT = (
    "do it in parts of your own before or after the migration; or, where few rows are touched or nobody writes them, "
    "write `-- pgsluice: allow unbatched-write because ...` above the statement"
)
_ONE_VALUE = f"write it with a query for each value, SET a = (SELECT ...) WHERE EXISTS (SELECT ...), which goes in batches; or {_NEXT}"
