"""Other values of a type, tried where the usual ones do not meet a CHECK: made of the constants that the condition names."""

import re
from collections.abc import Iterator
from itertools import pairwise

from pgsluice.model.postgres.identifiers import literal
from pgsluice.rehearsal.rows.shape import TypeShape
from pgsluice.rehearsal.rows.supply import Supply, chosen, constant, form

_TEXT = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'$])-?\d+(?:\.\d+)?(?![\w.'])")
_NUMERIC = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid"})
_MOMENTS = frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "interval"})
_MOST_CONSTANTS = 12
_LETTERS = "translate(§::text, '0123456789', 'abcdefghij')"
_SHAPES = (
    _LETTERS, f"upper({_LETTERS})", f"initcap({_LETTERS})", "§::text", "to_hex(§)", "('v' || §)", "('v_' || §)", "lpad(to_hex(§), 32, '0')",
    "md5(§::text)", "md5(§::text)::uuid::text", "('n' || § || '@example.com')", "('https://example.com/' || §)", "('/' || §)",
    "('#' || lpad(to_hex(§ % 16777216), 6, '0'))", "('+1555' || lpad((§ % 10000000)::text, 7, '0'))", "('1.' || § || '.0')",
    "(date '2000-01-01' + (§ % 9000)::int)::text", "('host' || § || '.example.com')", "host(inet '10.0.0.0' + § % 16777216)",
    "('sha256:' || lpad(to_hex(§), 64, '0'))",
)  # fmt: skip
"""Spellings that patterns usually ask for: letters, digits, addresses, versions, digests."""


def constants(condition: str) -> tuple[list[str], list[str]]:
    """The texts and the numbers that a condition names."""
    texts = list(dict.fromkeys(t.replace("''", "'") for t in _TEXT.findall(condition)))
    numeric = [t for t in texts if re.fullmatch(r"-?\d+(?:\.\d+)?", t)]
    numbers = (*_NUMBER.findall(_TEXT.sub(" ", condition)), *numeric)
    return texts[:_MOST_CONSTANTS], list(dict.fromkeys(numbers))[:_MOST_CONSTANTS]


def styles(type_: TypeShape, spelled: str, condition: str, span: int) -> Iterator[Supply]:
    """Supplies that may meet the condition, likelier ones first. `span` is how many values a unique column needs."""
    texts, numbers = constants(condition)
    name = type_.name.name
    if type_.kind == "e":
        yield from _labels(type_, texts)
    elif name in _NUMERIC:
        yield from _numbers(numbers, spelled, span)
    elif name in _MOMENTS:
        yield from _moments(texts, spelled, span)
    elif type_.element:
        yield from _arrays(type_, numbers)
    elif name == "bool":
        yield from (constant("true"), constant("false"))
    elif name in ("json", "jsonb"):
        yield from _documents(texts, name)
    elif name == "bytea":
        yield from (_bytes(int(n)) for n in numbers if _is_length(n))
    else:
        yield from _texts(texts, numbers, spelled)


def _is_length(number: str) -> bool:
    return number.isdigit() and 0 < int(number) <= 10_000


def _labels(type_: TypeShape, texts: list[str]) -> Iterator[Supply]:
    named = [t for t in texts if t in type_.labels]
    others = [label for label in type_.labels if label not in named]
    yield from (chosen(labels, type_.spelled) for labels in (named, others, *([x] for x in type_.labels)) if labels)


def _numbers(numbers: list[str], spelled: str, span: int) -> Iterator[Supply]:
    """Between two of the constants, above or below one, and the constants themselves."""
    values = sorted({float(n) for n in numbers} | {0.0})
    for low, high in pairwise(values):
        whole = int(high - low)
        if whole >= 1:
            yield form(f"({low:.0f} + § % {whole})::{spelled}", whole)
            yield form(f"({low:.0f} + 1 + § % {whole})::{spelled}", whole)
        yield form(f"({low} + {high - low} * ((§ % {span}) + 0.5) / {span})::{spelled}", span)
    for value in values:
        yield form(f"({value:.0f} + 1 + §)::{spelled}")
        yield form(f"({value:.0f} - §)::{spelled}")
        yield form(f"({value:.0f} + 2 * § + 1)::{spelled}")
    yield from (constant(f"({number})::{spelled}") for number in numbers)
    if numbers:
        yield chosen(numbers, spelled)


def _moments(texts: list[str], spelled: str, span: int) -> Iterator[Supply]:
    """Between two of the constants, after one, before one."""
    for early, late in ((a, b) for a in texts for b in texts if a < b):
        start, end = f"{literal(early)}::{spelled}", f"{literal(late)}::{spelled}"
        if spelled == "date":
            yield form(f"({start} + ((§ % {span}) % greatest(1, {end} - {start}))::int)", 1)
        else:
            yield form(f"({start} + ({end} - {start}) * ((§ % {span}) + 0.5) / {span})::{spelled}", span)
    for text in texts:
        for sign in "+-":
            for unit in ("second", "day", "microsecond"):
                yield form(f"({literal(text)}::{spelled} {sign} (§ % {span}) * interval '1 {unit}')::{spelled}", span)
        yield constant(f"{literal(text)}::{spelled}")


def _texts(texts: list[str], numbers: list[str], spelled: str) -> Iterator[Supply]:
    """Usual spellings, texts of a length, and the constants themselves."""
    if texts:
        yield chosen(texts, spelled)
    yield from (form(f"{shape}::{spelled}") for shape in _SHAPES)
    for number in filter(_is_length, numbers):
        for width in (int(number), int(number) + 1, int(number) - 1):
            yield form(f"lpad(§::text, {width}, '0')::{spelled}", 10 ** min(width, 18))
    for text in texts:
        yield form(f"({literal(text)} || §)::{spelled}")
        yield constant(f"{literal(text)}::{spelled}")
    yield constant(f"''::{spelled}")


def _arrays(type_: TypeShape, numbers: list[str]) -> Iterator[Supply]:
    for number in dict.fromkeys(("1", "2", *numbers)):
        if _is_length(number) and int(number) <= 1_000:
            yield constant(f"array_fill(NULL::{type_.spelled.removesuffix('[]')}, ARRAY[{number}])")
    yield constant(f"'{{}}'::{type_.spelled}")


def _documents(texts: list[str], type_: str) -> Iterator[Supply]:
    yield from map(form, (f"{type_}_build_object('n', §)", f"{type_}_build_array(§)", f"to_{type_}(§::text)", f"to_{type_}(§)"))
    named = [t for t in texts if t not in ("object", "array", "string", "number", "boolean", "null")]
    if named:
        yield form(f"{type_}_build_object({', '.join(f'{literal(n)}, §' for n in named)})")
        yield form(f"{type_}_build_object({', '.join(f'''{literal(n)}, 'v' || §''' for n in named)})")
    yield constant(f"'{{}}'::{type_}")


def _bytes(width: int) -> Supply:
    return form(f"decode(lpad(to_hex(§), {2 * width}, '0'), 'hex')", 256 ** min(width, 7))
