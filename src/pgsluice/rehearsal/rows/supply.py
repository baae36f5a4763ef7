"""Values of a type, numbered: an SQL expression that makes the k-th one, and how many of them differ."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pgsluice.model.postgres.identifiers import literal
from pgsluice.rehearsal.rows.shape import TypeShape

PLENTY = 2**62
"""So many that no table has them all; ordinals are non-negative bigints."""

Made = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Supply:
    """`made` turns the SQL of an ordinal (a bigint, 0 and up) into the SQL of a value; ordinals below `distinct` give values that
    all differ. `ordered` where a greater ordinal below `distinct` gives a greater value."""

    made: Made
    distinct: int = PLENTY
    ordered: bool = False


def form(template: str, distinct: int = PLENTY, *, ordered: bool = False) -> Supply:
    """The supply whose values are the template with the ordinal in the place of each §."""
    return Supply(lambda k: template.replace("§", f"({k})"), distinct, ordered)


def constant(sql: str) -> Supply:
    """The same value each time."""
    return form(sql, 1)


def chosen(values: list[str], type_: str) -> Supply:
    """One of these texts, each read as the type."""
    listed = ", ".join(literal(v) for v in values)
    return form(f"((ARRAY[{listed}])[1 + (§ % {len(values)})::int])::{type_}", len(values))


def supply(type_: TypeShape, spelled: str, types: Mapping[int, TypeShape], depth: int = 0) -> Supply | None:
    """The usual values of a type, None where we know none. `spelled` is the type with its modifiers."""
    if depth > 5:
        return None
    if type_.kind == "d":
        return supply(types[type_.base], type_.base_spelled, types, depth + 1)
    if type_.kind == "e":
        return chosen(list(type_.labels), type_.spelled) if type_.labels else None
    if type_.element:
        inner = supply(types[type_.element], spelled.removesuffix("[]"), types, depth + 1)
        return _wrapped(inner, "ARRAY[{}]::" + type_.spelled)
    if type_.kind == "r":
        return _range(type_, types, depth)
    if type_.kind == "m":
        inner = supply(types[type_.range], "", types, depth + 1)
        return _wrapped(inner, f"{type_.name}({{}})")
    if type_.kind == "c":
        return _composite(type_, types, depth)
    return _scalar(type_, spelled)


def _wrapped(inner: Supply | None, template: str) -> Supply | None:
    return None if inner is None else Supply(lambda k: template.replace("{}", inner.made(k)), inner.distinct)


def _range(type_: TypeShape, types: Mapping[int, TypeShape], depth: int) -> Supply | None:
    """Ranges that neither touch nor overlap, so that exclusion constraints hold as well; of one value where it is not known which of
    two is the larger one."""
    inner = supply(types[type_.subtype], "", types, depth + 1)
    if inner is None or not inner.ordered:
        return _wrapped(inner, f"{type_.name}({{}}, {{}}, '[]')")

    def made(k: str) -> str:
        start = f"(2 * (({k}) % {inner.distinct // 2}))"
        return f"{type_.name}({inner.made(start)}, {inner.made(f'({start} + 1)')})"

    return Supply(made, inner.distinct // 2)


def _composite(type_: TypeShape, types: Mapping[int, TypeShape], depth: int) -> Supply:
    inner = [(supply(types[oid], spelled, types, depth + 1), spelled) for oid, spelled in type_.attributes]
    distinct = max((s.distinct for s, _ in inner if s), default=1)
    return Supply(lambda k: f"ROW({', '.join(s.made(k) if s else 'NULL' for s, _ in inner)})::{type_.spelled}", distinct)


def _modifiers(spelled: str) -> list[int]:
    found = re.search(r"\((-?\d+)(?:,(-?\d+))?\)", spelled)
    return [int(g) for g in found.groups() if g is not None] if found else []


def _scalar(type_: TypeShape, spelled: str) -> Supply | None:
    own = type_.name.name
    sized = _SIZED.get(own) if type_.name.schema == "pg_catalog" else None
    if sized is not None:
        return sized(_modifiers(spelled))
    found = _PLAIN.get(own)
    return found if found is not None or type_.category != "S" else text_of(_modifiers(spelled), f"::{type_.spelled}")


def text_of(modifiers: list[int], cast: str = "") -> Supply:
    """Texts that fit: words with a number, or hexadecimal digits where there is no room for a word."""
    if not modifiers or modifiers[0] >= 26:
        return form(f"('value ' || §){cast}")
    room = modifiers[0]
    if room >= 16:
        return form(f"to_hex(§){cast}")
    return form(f"to_hex(§ % {16**room}){cast}", 16**room)


def _numeric(modifiers: list[int]) -> Supply:
    if not modifiers:
        return form("(1 + §)::numeric", ordered=True)
    precision, scale = modifiers[0], modifiers[1] if len(modifiers) > 1 else 0
    distinct = min(10**precision - 1, PLENTY)
    return form(f"((1 + § % {distinct})::numeric * 1e{-scale}::numeric)", distinct, ordered=True)


def _bits(modifiers: list[int], varying: bool = False) -> Supply:
    width = modifiers[0] if modifiers else 62 if varying else 1
    held = min(width, 62)
    type_ = "varbit" if varying else f"bit({width})"
    return form(f"(lpad('', {width - held}, '0') || (§ % {2**held})::bit({held})::text)::{type_}", 2**held)


_SIZED: Mapping[str, Callable[[list[int]], Supply]] = {
    "text": text_of,
    "varchar": text_of,
    "bpchar": lambda m: text_of(m or [1]) if m else text_of([], "::bpchar"),
    "numeric": _numeric,
    "bit": _bits,
    "varbit": lambda m: _bits(m, varying=True),
}


def _integer(type_: str, most: int) -> Supply:
    return form(f"(1 + § % {most})::{type_}", most, ordered=True)


def _moment(start: str, most: int, step: str) -> Supply:
    return form(f"({start} + (§ % {most}) * interval '{step}')", most, ordered=True)


_DAYS, _SECONDS = 100_000, 10**11
"""From 2000 on: up to the year 2273, and up to 5168. Seconds in the order of their numbers, most of the usual draws within a few years."""

_PLAIN: Mapping[str, Supply] = {
    "int2": _integer("smallint", 2**15 - 1),
    "int4": _integer("integer", 2**31 - 1),
    "int8": form("(1 + §)", ordered=True),
    "float4": form(f"(§ % {2**24})::real", 2**24, ordered=True),
    "float8": form("§::double precision", 2**53, ordered=True),
    "money": form(f"(§ % {10**15})::money", 10**15),
    "bool": form("(§ % 2 = 0)", 2),
    "char": form('chr(97 + (§ % 26)::int)::"char"', 26),
    "name": form("('n' || §)::name"),
    "bytea": form("int8send(§)"),
    "uuid": form("md5(§::text)::uuid"),
    "date": form(f"(date '2000-01-01' + (§ % {_DAYS})::int)", _DAYS, ordered=True),
    "timestamp": _moment("timestamp '2000-01-01'", _SECONDS, "1 second"),
    "timestamptz": _moment("timestamptz '2000-01-01 00:00:00+00'", _SECONDS, "1 second"),
    "time": _moment("time '00:00'", 86_400, "1 second"),
    "timetz": _moment("timetz '00:00+00'", 86_400, "1 second"),
    "interval": form("(§ * interval '1 second')"),
    "json": form("json_build_object('n', §)"),
    "jsonb": form("jsonb_build_object('n', §)"),
    "jsonpath": form("('$.n' || §)::jsonpath"),
    "xml": form("('<n>' || § || '</n>')::xml"),
    "inet": form(f"(inet '10.0.0.0' + § % {2**24})", 2**24),
    "cidr": form(f"set_masklen((inet '10.0.0.0' + § % {2**24})::cidr, 32)", 2**24),
    "macaddr": form(f"lpad(to_hex(§ % {2**47}), 12, '0')::macaddr", 2**47),
    "macaddr8": form("lpad(to_hex(§), 16, '0')::macaddr8"),
    "point": form("point(§, 1)"),
    "lseg": form("lseg(point(§, 1), point(§, 2))"),
    "line": form("line(point(§, 1), point(0, 2))"),
    "box": form("box(point(2 * §, 0), point(2 * § + 1, 1))"),
    "path": form("path(polygon(box(point(§, 0), point(§ + 1, 1))))"),
    "polygon": form("polygon(box(point(2 * §, 0), point(2 * § + 1, 1)))"),
    "circle": form("circle(point(3 * §, 0), 1)"),
    "tsvector": form("to_tsvector('simple', 'n' || §)"),
    "tsquery": form("to_tsquery('simple', 'n' || §)"),
    "oid": form(f"(16384 + § % {2**31})::oid", 2**31),
    "xid": form(f"(§ % {2**31})::text::xid", 2**31),
    "xid8": form("§::text::xid8"),
    "cid": form(f"(§ % {2**31})::text::cid", 2**31),
    "tid": form(f"('(' || (§ % {2**31}) || ',1)')::tid", 2**31),
    "pg_lsn": form("(pg_lsn '0/0' + §::numeric)"),
    "regclass": constant("'pg_catalog.pg_class'::regclass"),
    "regtype": constant("'pg_catalog.int4'::regtype"),
    "regproc": constant("'pg_catalog.now'::regproc"),
    "regprocedure": constant("'pg_catalog.now()'::regprocedure"),
    "regrole": constant("current_user::regrole"),
    "regnamespace": constant("'pg_catalog'::regnamespace"),
    "citext": form("('value ' || §)::citext"),
    "hstore": form("('n=>' || §)::hstore"),
    "ltree": form("('n' || §)::ltree"),
}
"""By the type's own name; those that are no built-in types belong to extensions, and are cast in the session's search path."""
