"""The thin binding to libpg_query, PostgreSQL 18's own scanner and parser.

The library comes in the `postgast` wheel; postgast itself (protobuf, 100 ms to import) is never imported here. The
structures are those of pg_query.h. Every result is freed; what C could not survive is refused before the call.
"""

import ctypes
import json
import os
import re
import sys
from ctypes import POINTER, Structure, c_char_p, c_int, c_size_t, c_void_p
from functools import cache
from importlib.util import find_spec
from typing import Any

from pgsluice.analysis.parsing.statement import Node
from pgsluice.model.errors import PgsluiceError

STATEMENT_CHARACTERS = 1_000_000
"""Longest statement that is parsed. A tree takes about 150 times the text (measured on INSERT ... VALUES), so this one
takes 150 MB; real DDL is a thousand times shorter."""

_OPERATOR_RUN = re.compile(r"[-+*/<>=~!@#%^&|`?]{2001}")
"""PostgreSQL's scanner takes quadratic time for a run of operator characters: 20 s for 40,000 (`/*/*/*`)."""

_FILES = {"linux": "libpg_query.so", "darwin": "libpg_query.dylib", "win32": "pg_query.dll"}
"""By sys.platform."""


class ParserError(Exception):
    """The text is not SQL. `offset` counts characters from the start of the text; `code` is syntax, nul, encoding,
    size, depth or tree
    (of PL/pgSQL)."""

    def __init__(self, message: str, offset: int, code: str = "syntax") -> None:
        super().__init__(message)
        self.message, self.offset, self.code = message, offset, code


class _Error(Structure):
    _fields_ = (
        ("message", c_char_p),
        ("funcname", c_char_p),
        ("filename", c_char_p),
        ("lineno", c_int),
        ("cursorpos", c_int),
        ("context", c_char_p),
    )


class _ParseResult(Structure):
    _fields_ = (("parse_tree", c_char_p), ("stderr_buffer", c_char_p), ("error", POINTER(_Error)))


class _Protobuf(Structure):
    _fields_ = (("len", c_size_t), ("data", c_void_p))


class _ScanResult(Structure):
    _fields_ = (("pbuf", _Protobuf), ("stderr_buffer", c_char_p), ("error", POINTER(_Error)))


class _PlpgsqlResult(Structure):
    _fields_ = (("plpgsql_funcs", c_char_p), ("error", POINTER(_Error)))


_CALLS = (
    ("pg_query_parse", "pg_query_free_parse_result", _ParseResult),
    ("pg_query_scan", "pg_query_free_scan_result", _ScanResult),
    ("pg_query_parse_plpgsql", "pg_query_free_plpgsql_parse_result", _PlpgsqlResult),
)


@cache
def _library() -> ctypes.CDLL:
    """The loaded library; raises PgsluiceError where it is not installed for this platform."""
    spec = find_spec("postgast")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    name = _FILES.get(sys.platform, "libpg_query.so")
    path = next((p for p in (os.path.join(f, name) for f in folders) if os.path.isfile(p)), None)
    if path is None:
        raise PgsluiceError("parser-missing", f"{name} is not installed", next="pip install --force-reinstall postgast")
    library = ctypes.CDLL(path)
    for call, free, result in _CALLS:
        getattr(library, call).argtypes, getattr(library, call).restype = [c_char_p], result
        getattr(library, free).argtypes, getattr(library, free).restype = [result], None
    return library


def _encoded(sql: str) -> bytes:
    """The text as C takes it; raises ParserError for what would be cut short or misread."""
    if len(sql) > STATEMENT_CHARACTERS:
        raise ParserError(f"a statement of more than {STATEMENT_CHARACTERS:,} characters", 0, "size")
    if run := _OPERATOR_RUN.search(sql):
        raise ParserError("a run of more than 2,000 operator characters", run.start(), "size")
    nul = sql.find("\0")
    if nul >= 0:
        raise ParserError("a NUL character, which SQL text cannot hold", nul, "nul")
    try:
        return sql.encode()
    except UnicodeEncodeError as error:
        raise ParserError("a character that is not valid Unicode", error.start, "encoding") from None


def _raised(error: Any) -> ParserError:
    """cursorpos counts characters from 1, as scanner_errposition does; 0 where the place is not known."""
    found = error.contents
    return ParserError((found.message or b"").decode(errors="replace"), max(found.cursorpos - 1, 0))


def parse(sql: str) -> list[tuple[Node, int, int]]:
    """The raw statements of the text: each one's node ({"SelectStmt": {...}}), offset and length in bytes (0: to the end).

    Raises ParserError. `location` in the nodes counts bytes. Text that may nest deeper than C's stack bears must have
    been refused before (`nesting.check`)."""
    data = _encoded(sql)
    library = _library()
    result = library.pg_query_parse(data)
    try:
        if result.error:
            raise _raised(result.error)
        tree = json.loads(result.parse_tree.decode())
    except RecursionError:
        raise ParserError("expressions nested too deeply to be analysed", 0, "depth") from None
    finally:
        library.pg_query_free_parse_result(result)
    return [(s.get("stmt", {}), s.get("stmt_location", 0), s.get("stmt_len", 0)) for s in tree.get("stmts", ())]


def scan(sql: str) -> bytes:
    """The tokens of the text as libpg_query's ScanResult message, with offsets in bytes; `tokens` decodes it.
    Raises ParserError."""
    data = _encoded(sql)
    library = _library()
    result = library.pg_query_scan(data)
    try:
        if result.error:
            raise _raised(result.error)
        return ctypes.string_at(result.pbuf.data, result.pbuf.len)
    finally:
        library.pg_query_free_scan_result(result)


_PROMISE = re.compile(r"(?<=[,\[])\{\}\},")


def _plpgsql_tree(text: str) -> Any:
    """The writer ends the entries of a trigger's TG_... variables with one bracket too many; they stand before `action`."""
    variables, action, rest = text.partition('"action":')
    return json.loads(_PROMISE.sub("{},", variables) + action + rest)


def parse_plpgsql(sql: str) -> list[Any]:
    """The PL/pgSQL tree of a CREATE FUNCTION, CREATE PROCEDURE or DO statement; raises ParserError."""
    data = _encoded(sql)
    library = _library()
    result = library.pg_query_parse_plpgsql(data)
    try:
        if result.error:
            raise _raised(result.error)
        found = _plpgsql_tree(result.plpgsql_funcs.decode())
    except RecursionError:
        raise ParserError("a body nested too deeply to be analysed", 0, "depth") from None
    except json.JSONDecodeError as error:
        raise ParserError(f"its tree cannot be read ({error.msg})", 0, "tree") from None
    finally:
        library.pg_query_free_plpgsql_parse_result(result)
    return list(found)
