"""Identifiers: quoting, and the names that PostgreSQL itself would choose."""

import re
from dataclasses import dataclass

from pgsluice.model.postgres.keywords import MUST_QUOTE

NAME_BYTES = 63
"""NAMEDATALEN - 1; a server built with another value is not supported."""

HELPER_PREFIX = "_pgsluice_"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


def quote(name: str) -> str:
    """The identifier as the server's quote_ident prints it: quoted only where it must be."""
    return name if _PLAIN.match(name) and name not in MUST_QUOTE else '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string literal that means `text` whatever standard_conforming_strings is."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in text else f"'{quoted}'"


@dataclass(frozen=True, slots=True, order=True)
class QualifiedName:
    """A schema and a name, both as stored in the catalog (not quoted); printing it quotes."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"


def clip(name: str, limit: int = NAME_BYTES) -> str:
    """The name cut to `limit` bytes at a character's edge, as the server truncates identifiers."""
    return name.encode()[:limit].decode(errors="ignore")


def object_name(first: str, second: str | None, label: str) -> str:
    """`first_second_label` within 63 bytes, as makeObjectName in src/backend/commands/indexcmds.c makes it:
    the longer of the two names gives way first."""
    one, two = len(first.encode()), len((second or "").encode())
    room = NAME_BYTES - len(label.encode()) - 1 - (1 if second else 0)
    while one + two > room:
        one, two = (one - 1, two) if one > two else (one, two - 1)
    parts = [clip(first, one), clip(second, two) if second else "", label]
    return "_".join(p for p in parts if p)


def helper_name(*parts: str) -> str:
    """The name of a helper object: the prefix and the parts, made unique by a hash where it must be cut."""
    from hashlib import sha256

    whole = HELPER_PREFIX + "_".join(parts)
    if len(whole.encode()) <= NAME_BYTES:
        return whole
    return clip(whole, NAME_BYTES - 9) + "_" + sha256(whole.encode()).hexdigest()[:8]


def bounds_helper(table: str, partition: QualifiedName) -> str:
    """The helper CHECK on a table that proves what the bounds of a partition ask of its rows: the partition itself, or the default one."""
    return helper_name(table, partition.name, "bounds")
