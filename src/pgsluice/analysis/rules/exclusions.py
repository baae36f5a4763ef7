"""The preflight query for an exclusion constraint: which rows exclude one another."""

from collections.abc import Sequence

from pgsluice.analysis.parsing.constraints import Excluded
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.indexes import IndexKey
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.foresight import means_the_same
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.steps import Preflight

_EVERYWHERE = frozenset({"=", "<>", "&&"})
"""Operators that stand without an extension, which may bring others."""


def no_exclusions(
    context: Context, table: QualifiedName, excluded: Sequence[Excluded], where: Expression | None = None
) -> tuple[Preflight, ...]:
    """That no row is excluded by another one; nothing where that cannot be seen before the run. A NULL excludes nobody. What takes
    too long (it may be every row against every other) is given up as any question is."""
    expressions = [e for e in (*(x.key.expression for x in excluded), where) if e is not None]
    columns = dict.fromkeys([*(x.key.column for x in excluded if x.key.column), *(c for e in expressions for c in e.columns)])
    identity = _identity(context, table)
    same = all(means_the_same(context, e) for e in expressions) and _operators_stand(context, excluded)
    if not identity or not same or not context.foreseeable(table, columns):
        return ()
    from_ = f"FROM {_side(context, table, excluded, where, 'one', identity)} WHERE EXISTS (SELECT FROM"
    from_ += f" {_side(context, table, excluded, where, 'other', identity)} WHERE {_met(excluded, identity)})"
    shown = f"SELECT {', '.join(f'one.{quote(c)}' for c in dict.fromkeys((*_key(context, table), *columns)))} {from_}"
    said = ", ".join(f"{_text(x.key)} WITH {x.operator}" for x in excluded)
    return (evidence.none_found(f"SELECT count(*) {from_}", f"rows of {table} exclude one another by ({said})", shown, shown),)


_PLACE = ("tableoid", "ctid")


def _identity(context: Context, table: QualifiedName) -> tuple[str, ...]:
    """The columns that tell a row from all others: its place, where it stands in the table now, or its primary key; () without one."""
    return _key(context, table) if table in context.imagined else _PLACE


def _key(context: Context, table: QualifiedName) -> tuple[str, ...]:
    known = context.catalog.table(table)
    key = known.primary_key.columns if known is not None and known.primary_key else ()
    return key if context.foreseeable(table, key) else ()


def _operators_stand(context: Context, excluded: Sequence[Excluded]) -> bool:
    """Whether the operators mean now what they will mean then."""
    usual = {x.operator for x in excluded} <= _EVERYWHERE
    return not any(a.kind.endswith(" OPERATOR") or (a.kind == "CREATE EXTENSION" and not usual) for a in context.earlier)


def _side(
    context: Context, table: QualifiedName, excluded: Sequence[Excluded], where: Expression | None, alias: str, identity: tuple[str, ...]
) -> str:
    """The table under an alias, with the value of each element."""
    values = "".join(f", {_text(x.key)} AS {_value(number)}" for number, x in enumerate(excluded))
    place = ", tableoid, ctid" if identity == _PLACE else ""
    condition = f" WHERE ({where.sql})" if where is not None else ""
    return f"(SELECT *{place}{values} FROM {evidence.rows(context, table, True)}{condition}) AS {alias}"


def _met(excluded: Sequence[Excluded], identity: tuple[str, ...]) -> str:
    """That the other row is another one, and each operator holds."""
    one, other = (", ".join(f"{side}.{quote(c)}" for c in identity) for side in ("one", "other"))
    held = (f"one.{_value(n)} {x.operator} other.{_value(n)}" for n, x in enumerate(excluded))
    return " AND ".join((f"({one}) <> ({other})", *held))


def _value(number: int) -> str:
    return f"_pgsluice_{number + 1}"


def _text(key: IndexKey) -> str:
    """What is compared, under its own collation."""
    value = quote(key.column) if key.column is not None else f"({key.expression.sql if key.expression else ''})"
    if key.collation is None:
        return value
    schema, name = key.collation
    return f"{value} COLLATE {f'{quote(schema)}.' if schema else ''}{quote(name)}"
