"""How the rows of one table are made: which ordinal each column takes in the i-th row, so that keys hold by construction."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.rehearsal.rows.habits import GRAIN, Habit
from pgsluice.rehearsal.rows.shape import Check, ColumnShape, ForeignKey, Key, Shapes, TableShape, TypeShape
from pgsluice.rehearsal.rows.supply import PLENTY, Supply, supply

ROW = "i"
"""The row's own number, the ordinal of unique columns."""

SPREAD = 30_000
"""So many different values a column has that need not be unique, where its type has them: as numbers they fit a smallint, which a
migration may make of them or copy them to, and two of them multiplied fit an integer."""

_SIGN = 9223372036854775807
"""Takes the sign from a hash: ordinals are not negative."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Columns whose values come together: one of our own, or those of a foreign key, drawn from the `cards` rows of `target`.
    `bound` are columns of the key that another unit has chosen already: only rows that agree with them are drawn."""

    columns: tuple[str, ...]
    cards: int
    key: ForeignKey | None = None
    target: QualifiedName | None = None
    bound: tuple[str, ...] = ()


@dataclass(slots=True)
class Arrangement:
    """`ordinals` are SQL over `i`, by unit; `supplies` by column. `exact`: no two rows share a key by construction. `limit`: the keys
    allow no more rows. `later` are foreign keys that are filled by an UPDATE once their target has rows."""

    table: TableShape
    columns: tuple[ColumnShape, ...]
    units: list[Unit]
    supplies: dict[str, Supply]
    salt: int
    nulls: int
    wanted: int
    habits: Mapping[str, Habit]
    later: list[ForeignKey] = field(default_factory=list)
    constructed: dict[str, str] = field(default_factory=dict)
    ordinals: dict[Unit, str] = field(default_factory=dict)
    null: set[str] = field(default_factory=set)
    checks: list[Check] = field(default_factory=list)
    exact: bool = True
    limit: int = PLENTY

    @property
    def keyed(self) -> frozenset[str]:
        """Columns in unique keys: they are never NULL."""
        return frozenset(c for k in self.table.keys for c in k.used)

    def may_wait(self, column: str) -> bool:
        """Whether the column may be NULL until its foreign key is filled."""
        return not self.table.column(column).not_null and column not in self.keyed

    def unit_of(self, column: str) -> Unit | None:
        return next((u for u in self.units if column in u.columns), None)

    def hashed(self, *parts: str) -> str:
        """SQL of a number that looks random and follows from the row's number, the seed and the parts."""
        return hashed(ROW, self.salt, str(self.table.name), *parts)

    def ordinal(self, unit: Unit) -> str:
        """SQL of the unit's ordinal: of its own choice, else as production's habits are, else spread evenly."""
        if unit in self.ordinals:
            return self.ordinals[unit]
        habit = self._habit(unit)
        spread = max(1, min(unit.cards, SPREAD if habit is None else habit.distinct(self.wanted)))
        evenly = f"{self.hashed(*unit.columns)} % {spread}"
        if habit is None or not habit.commonest_per_grain:
            return evenly
        common = f"{self.hashed('common', *unit.columns)} % {GRAIN} < {habit.commonest_per_grain}"
        return f"CASE WHEN {common} THEN 0 ELSE {evenly} END"

    def with_nulls(self, unit: Unit, sql: str) -> str:
        """The SQL, or NULL in some rows where all columns of the unit may be NULL."""
        if not self._may_be_null(unit):
            return sql
        habit, drawn = self._habit(unit), self.hashed("null", *unit.columns)
        if habit is not None:
            absent = round(habit.null_share * GRAIN)
            return f"CASE WHEN {drawn} % {GRAIN} >= {absent} THEN {sql} END" if absent else sql
        return f"CASE WHEN {drawn} % {self.nulls} > 0 THEN {sql} END" if self.nulls else sql

    def _habit(self, unit: Unit) -> Habit | None:
        return self.habits.get(unit.columns[0]) if len(unit.columns) == 1 else None

    def _may_be_null(self, unit: Unit) -> bool:
        return all(map(self.may_wait, unit.columns))


def hashed(number: str, salt: int, *parts: str) -> str:
    """SQL of a non-negative bigint."""
    return f"(hashint8extended({number}, {_salted(salt, *parts)}) & {_SIGN})"


def _salted(salt: int, *parts: str) -> int:
    digest = blake2b("\0".join((str(salt), *parts)).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big")


def arrange(
    table: TableShape,
    shapes: Shapes,
    counts: Mapping[int, int],
    later: list[ForeignKey],
    wanted: int,
    salt: int,
    nulls: int,
    habits: Mapping[str, Habit],
) -> Arrangement:
    """The arrangement of `wanted` rows; `counts` are the rows of each table that may be referenced."""
    columns = tuple(c for c in table.columns if c.generated is None)
    made = Arrangement(table, columns, [], {}, salt, nulls, wanted, habits, later=later)
    _add_foreign_units(made, shapes, counts)
    taken = {c for u in made.units for c in u.columns} | {c for k in later for c in k.columns if made.may_wait(c)}
    for column in columns:
        if column.name not in taken:
            found = _supply(column, shapes)
            if found is not None:
                made.supplies[column.name] = found
                made.units.append(Unit((column.name,), found.distinct))
    made.checks += [*table.checks, *_of_domains(columns, shapes.types)]
    if table.bounds is not None:
        made.checks.append(Check("its bounds as a partition", table.bounds, named_in(table.bounds, columns)))
    for key in sorted(table.keys, key=lambda k: len(k.used)):
        _keep_apart(made, key, wanted)
    return made


def _supply(column: ColumnShape, shapes: Shapes) -> Supply | None:
    """The usual values of a column, or those of the type that it becomes, where that one is narrower and has them in its spelling."""
    type_ = shapes.types[column.type]
    own = supply(type_, column.spelled, shapes.types)
    if own is None or column.becomes is None:
        return own
    later = supply(*column.becomes, shapes.types)
    text = type_.category == "S" != column.becomes[0].category
    if later is None or not (text or (type_.category == column.becomes[0].category and later.distinct < own.distinct)):
        return own
    return Supply(lambda k: f"({later.made(k)})::{column.spelled}", later.distinct, later.ordered and not text)


def _add_foreign_units(made: Arrangement, shapes: Shapes, counts: Mapping[int, int]) -> None:
    """One unit for each foreign key, the one with the most columns first; a key within another one's columns follows from it."""
    taken: set[str] = set()
    keys = made.table.foreign_keys
    for key in sorted(keys, key=lambda k: (-len(k.columns), sum(map(made.may_wait, k.columns)))):
        own = tuple(c for c in key.columns if c not in taken)
        if key in made.later or not own:
            continue
        bound = tuple(c for c in key.columns if c in taken)
        cards = counts.get(key.target, 0) if not bound else 1
        made.units.append(Unit(own, cards, key, shapes.tables[key.target].name, bound))
        made.checks += [Check(key.name, f"{quote(c)} IS NOT NULL", frozenset({c})) for c in own if bound and not made.may_wait(c)]
        taken |= {*own}


def _of_domains(columns: tuple[ColumnShape, ...], types: Mapping[int, TypeShape]) -> list[Check]:
    found = []
    for column in columns:
        type_ = types[column.type]
        while type_.kind == "d":
            name, only = f"a check of {type_.name}", frozenset({column.name})
            found += [Check(name, _of_column(c, column.name), only) for c in type_.checks]
            type_ = types[type_.base]
    return found


def _of_column(condition: str, column: str) -> str:
    """A domain's condition about a column: VALUE outside of quotes is the value."""
    parts = condition.split("'")
    parts[::2] = [_replaced(p, column) for p in parts[::2]]
    return "'".join(parts)


def _replaced(text: str, column: str) -> str:
    return re.sub(r"\bVALUE\b", lambda _: quote(column), text)


def named_in(condition: str, columns: tuple[ColumnShape, ...]) -> frozenset[str]:
    """The columns that a condition names."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", condition)
    return frozenset(c.name for c in columns if re.search(rf'(?<![\w"]){re.escape(quote(c.name))}(?![\w"])', bare))


def _keep_apart(made: Arrangement, key: Key, wanted: int) -> None:
    """Give the units of a key such ordinals that no two rows share it: one that is the row's number, or digits of that. Where a foreign
    key's is, the first row of its target comes again behind the last one."""
    units = list(dict.fromkeys(u for c in sorted(key.used) if (u := made.unit_of(c)) is not None))
    if not units:
        made.exact = False
        return
    whole = [u for u in units if not u.bound and (u.key is None or {*u.columns} <= key.used)]
    if any(made.ordinals.get(u) == ROW for u in whole):
        return
    free = [u for u in whole if u not in made.ordinals]
    big = [u for u in free if u.cards >= wanted and u.key is None] or [u for u in free if u.cards >= wanted]
    if big:
        made.ordinals[big[0]] = ROW if big[0].key is None else f"{ROW} % {big[0].cards}"
        made.exact = made.exact and big[0].key is None
    elif len(free) == len(units):
        _mixed(made, units)
    else:
        made.exact = False


def _mixed(made: Arrangement, units: list[Unit]) -> None:
    """Digits of the row's number; each but the first is shifted by the first, so that small tables meet various partners."""
    product = 1
    for unit in units:
        cards = max(1, unit.cards)
        digit = ROW if product == 1 else f"({ROW} / {product})"
        shift = "" if product == 1 else f" + {ROW} % {max(1, units[0].cards)}"
        made.ordinals[unit] = f"({digit}{shift}) % {cards}"
        product *= cards
    made.limit = min(made.limit, product)
