"""The tokens of a statement, from PostgreSQL's own scanner, by character; comments left out."""

from dataclasses import dataclass
from functools import lru_cache

from pgsluice.analysis.parsing import native

_COMMENTS = (275, 276)
"""SQL_COMMENT and C_COMMENT of enum Token in pg_query.proto (libpg_query 18)."""

_OPEN, _CLOSE = frozenset("(["), frozenset(")]")


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` count characters from the start of the text. `word` is the text in upper case, except for quoted
    identifiers and literals, which are as written. `depth` is the number of brackets around it."""

    start: int
    end: int
    word: str
    depth: int


def _message(data: bytes) -> list[tuple[int, int, int]]:
    """(start, end, token) of each ScanToken: field 2 of ScanResult, with fields 1, 2 and 4 of its own; all varints."""
    found: list[tuple[int, int, int]] = []
    position, size = 0, len(data)
    while position < size:
        tag, position = data[position], position + 1
        value, position = _varint(data, position)
        if tag == 0x12:
            found.append(_scan_token(data, position, position + value))
            position += value
    return found


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _scan_token(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    fields = [0, 0, 0, 0, 0, 0]
    while position < end:
        field = data[position] >> 3
        fields[field], position = _varint(data, position + 1)
    return fields[1], fields[2], fields[4]


@lru_cache(maxsize=64)
def tokens(sql: str) -> tuple[Token, ...]:
    """The tokens of the text; raises ParserError where the scanner does (an unterminated quote)."""
    raw = _message(native.scan(sql))
    at = None if sql.isascii() else byte_offsets(sql)
    found: list[Token] = []
    depth = 0
    for start, end, kind in raw:
        if kind in _COMMENTS:
            continue
        if at is not None:
            start, end = at[start], at[end]
        text = sql[start:end]
        depth -= text in _CLOSE
        found.append(Token(start, end, text if text[0] in "\"'$" else text.upper(), depth))
        depth += text in _OPEN
    return tuple(found)


def trimmed(sql: str) -> str:
    """The text up to the end of its last token: what is appended to it must not end up in a comment."""
    if "--" not in sql and "*/" not in sql:
        return sql.rstrip(" \t\n\r\f\v")
    found = tokens(sql)
    return sql[: found[-1].end] if found else sql


def byte_offsets(sql: str) -> list[int]:
    """For each byte of the text in UTF-8, and for its end, the number of the character that it belongs to."""
    offsets: list[int] = []
    for number, character in enumerate(sql):
        offsets.extend([number] * len(character.encode(errors="surrogatepass")))
    offsets.append(len(sql))
    return offsets
