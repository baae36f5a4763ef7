"""The SQL that makes rows by an arrangement: INSERT, a probe of what it would make, and the UPDATE of foreign keys that had to wait."""

from collections.abc import Iterable

from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.rehearsal.rows.arrangement import ROW, Arrangement, Unit, hashed
from pgsluice.rehearsal.rows.habits import GRAIN
from pgsluice.rehearsal.rows.shape import Check, ForeignKey


def insert(made: Arrangement, start: int, count: int, checks: Iterable[Check], *, avoid_conflicts: bool) -> str:
    """Rows number `start` and the `count` - 1 after it, those left out that a check forbids."""
    filled = [c for c in made.columns if _has_value(made, c.name)]
    names = ", ".join(quote(c.name) for c in filled)
    values = ", ".join(f"made.{quote(c.name)}::{c.spelled}" for c in filled)
    if not filled:
        return f"INSERT INTO {made.table.name} SELECT FROM generate_series({start}, {start + count - 1})"
    rows = f"generate_series({start}::bigint, {start + count - 1}::bigint)"
    text = f"INSERT INTO {made.table.name} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {made_rows(made, rows)}{_where(checks)}"
    return f"{text} ON CONFLICT DO NOTHING" if avoid_conflicts else text


def probe(
    made: Arrangement,
    start: int,
    count: int,
    checks: list[Check],
    sample: int,
    only: frozenset[str] | None = None,
    unique: Iterable[str] = (),
) -> str:
    """One array: of a sample of the rows, how many there are, how many meet each check, how many meet all, and how many values
    the least varied of the `unique` columns has."""
    rows = f"generate_series({start}::bigint, {start + count - 1}::bigint, {max(1, count // sample)})"
    met = [f"count(*) FILTER (WHERE ({c.condition}) IS NOT FALSE)" for c in checks]
    every = f"count(*) FILTER ({_where(checks).strip() or 'WHERE true'})"
    differing = ", ".join(f"count(DISTINCT {quote(c)})" for c in unique) or "count(*)"
    return f"SELECT ARRAY[count(*), {', '.join((*met, every))}, least({differing})]::int[] AS met FROM {made_rows(made, rows, only)}"


def made_rows(made: Arrangement, rows: str, only: frozenset[str] | None = None) -> str:
    """A FROM item `made` with the columns; `only` some of them. Conditions find the columns under their own names in it."""
    if only is not None:
        only = only.union(*(u.bound for u in made.units if only & {*u.columns}))
    numbered = [(n, u) for n, u in enumerate(made.units) if only is None or only & {*u.columns}]
    joins = "".join(_joined(made, n, u) for n, u in numbered if u.key is not None and not made.null & {*u.columns})
    values = ", ".join(_value(made, n, u, c) for n, u in numbered for c in u.columns)
    return f"(SELECT {values or '1 AS nothing'} FROM {rows} AS g({ROW}){joins}) AS made"


def _has_value(made: Arrangement, column: str) -> bool:
    return made.unit_of(column) is not None


def _value(made: Arrangement, number: int, unit: Unit, column: str) -> str:
    own = made.table.column(column)
    if column in made.null:
        return f"NULL::{own.spelled} AS {quote(column)}"
    if column in made.constructed:
        return f"{made.constructed[column]} AS {quote(column)}"
    if unit.key is None:
        return f"{made.with_nulls(unit, made.supplies[column].made(made.ordinal(unit)))} AS {quote(column)}"
    return f"p{number}.{quote(_target_column(unit.key, column))} AS {quote(column)}"


def _target_column(key: ForeignKey, column: str) -> str:
    return key.target_columns[key.columns.index(column)]


def _joined(made: Arrangement, number: int, unit: Unit) -> str:
    """The rows of the target, numbered: as a whole, or among those that agree with the columns that are bound."""
    assert unit.key is not None and unit.target is not None
    if made.constructed.keys() & {*unit.columns}:
        return ""
    alias = f"p{number}"
    if not unit.bound:
        which = made.with_nulls(unit, made.ordinal(unit))
        return f" LEFT JOIN {_numbered(unit.target, unit.key.target_columns)} AS {alias} ON {alias}.k = {which}"
    bound = [(_target_column(unit.key, c), _bound_value(made, c)) for c in unit.bound]
    agree = " AND ".join(f"{alias}.{quote(theirs)} = {ours}" for theirs, ours in bound)
    which = made.with_nulls(unit, f"{made.hashed(*unit.columns)} % {alias}.n")
    return (
        f" LEFT JOIN {_numbered(unit.target, unit.key.target_columns, [b[0] for b in bound])} AS {alias} ON {agree} AND {alias}.k = {which}"
    )


def _bound_value(made: Arrangement, column: str) -> str:
    """What the unit that chose a bound column made of it, as SQL that may stand in a later join."""
    unit = made.unit_of(column)
    assert unit is not None and unit.key is not None
    return f"p{made.units.index(unit)}.{quote(_target_column(unit.key, column))}"


def _numbered(target: QualifiedName, columns: Iterable[str], within: Iterable[str] = ()) -> str:
    listed = ", ".join(map(quote, columns))
    given = " AND ".join(f"{quote(c)} IS NOT NULL" for c in columns)
    among = ", ".join(map(quote, within))
    window = f"PARTITION BY {among} " if among else ""
    size = f", count(*) OVER (PARTITION BY {among}) AS n" if among else ""
    return f"(SELECT {listed}, row_number() OVER ({window}ORDER BY {listed}) - 1 AS k{size} FROM {target} WHERE {given})"


def update(made: Arrangement, key: ForeignKey, target: QualifiedName, nullable: list[str]) -> str:
    """Fill the nullable columns of a foreign key in most rows, with rows of the target that agree with the other ones and that the
    checks allow."""
    bound = [(ours, theirs) for ours, theirs in zip(key.columns, key.target_columns, strict=True) if ours not in nullable]
    agree = "".join(f" AND p.{quote(theirs)} = s.{quote(ours)}" for ours, theirs in bound)
    size = "p.n" if bound else "(SELECT count(*) FROM " + str(target) + ")"
    draw = hashed("s._pgsluice_k", made.salt, str(made.table.name), *key.columns)
    ordered = ", ".join(map(quote, next((k.plain for k in made.table.keys if k.plain and not k.of_expressions), ()))) or "ctid"
    others = [quote(c.name) for c in made.table.columns if c.name not in nullable]
    held = f"ctid AS _pgsluice_row, row_number() OVER (ORDER BY {ordered}) AS _pgsluice_k"
    rows = f"(SELECT {', '.join((held, *others))} FROM ONLY {made.table.name})"
    numbered = _numbered(target, key.target_columns, [theirs for _, theirs in bound])
    values = [f"p.{quote(_target_column(key, c))} AS {quote(c)}" for c in nullable]
    drawn = ", ".join(("s._pgsluice_row, s._pgsluice_k", *(f"s.{name}" for name in others), *values))
    checks = [check for check in made.checks if check.columns & {*nullable}]
    if (some := _some(made, key, nullable)) is not None:
        checks.append(Check("some stay NULL", some, frozenset()))
    assigned = ", ".join(f"{quote(c)} = found.{quote(c)}" for c in nullable)
    found = f"SELECT * FROM (SELECT {drawn} FROM {rows} AS s JOIN {numbered} AS p ON p.k = {draw} % {size}{agree}) AS made{_where(checks)}"
    return f"UPDATE ONLY {made.table.name} AS t SET {assigned} FROM ({found}) AS found WHERE t.ctid = found._pgsluice_row"


def _some(made: Arrangement, key: ForeignKey, nullable: list[str]) -> str | None:
    """Which rows are filled: as many as in production, where that is known; None for all."""
    habit = made.habits.get(nullable[0])
    if habit is None:
        return f"_pgsluice_k % {made.nulls} > 0" if made.nulls else None
    drawn = hashed("_pgsluice_k", made.salt, "null", str(made.table.name), *key.columns)
    return f"{drawn} % {GRAIN} >= {round(habit.null_share * GRAIN)}"


def orphans(table: QualifiedName, key: ForeignKey, target: QualifiedName) -> str:
    """How many rows reference nothing."""
    given = " AND ".join(f"t.{quote(c)} IS NOT NULL" for c in key.columns)
    same = " AND ".join(f"p.{quote(p)} = t.{quote(t)}" for t, p in zip(key.columns, key.target_columns, strict=True))
    return f"SELECT count(*) AS n FROM ONLY {table} AS t WHERE {given} AND NOT EXISTS (SELECT FROM {target} AS p WHERE {same})"


def _where(checks: Iterable[Check]) -> str:
    return "".join(f"{' AND' if n else ' WHERE'} ({c.condition}) IS NOT FALSE" for n, c in enumerate(checks))
