"""Which changes of a column's type leave the rows as they are.

Source: each pair is a specimen that servers 14 to 18 have confirmed (tests/server/locks/specimens/alter_table_type.sql);
whatever is not listed here rewrites.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from pgsluice.analysis.parsing.trees import Name
from pgsluice.model.catalog import Catalog, Type
from pgsluice.model.postgres.types import printed


class Verdict(Enum):
    """What a change of type does to the rows and to plain indexes."""

    FREE = auto()
    FREE_BUT_ORDER = auto()
    """The rows stay, but they sort by other rules: indexes with the column as a key are built anew."""
    REWRITE = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """From `old`, as format_type prints it, to the type written as `sql` with the parser's `name`; `collation` is the
    column's, None for its type's own, and `new_collation` the one said in the clause."""

    old: str
    name: Name
    sql: str
    collation: str | None = None
    new_collation: str | None = None


_ZONES = frozenset(("UTC", "Etc/UTC", "GMT", "GMT0", "Etc/GMT", "Etc/GMT0", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Etc/Universal"))
_SPELLING = re.compile(r"([^(\[]*?)\s*(?:\(([^)]*)\))?([^(\[]*)((?:\[\d*\])*)\Z")
_SAME_BYTES = frozenset((("cidr", "inet"), ("character varying", "text"), ("text", "character varying")))
_SAME_BYTES_OTHER_ORDER = frozenset((("integer", "oid"), ("oid", "integer")))
_TEXTS = ("character varying", "text")
_TIMES = frozenset(f"{t} {z} time zone" for t in ("timestamp", "time") for z in ("with", "without"))
_MOST_DIGITS = 6
"""MAX_TIMESTAMP_PRECISION: more digits of a second are not kept, and this is what no precision means."""


def verdict(change: Change, catalog: Catalog, type_named: Callable[[Name], Type | None]) -> Verdict:
    """What the change does on a server with the catalog's settings; `type_named` finds user types."""
    old_base, old_mod, old_array = _without_domain(_parts(change.old), catalog, type_named)
    new_base, new_mod, new_array = _new_parts(change, type_named)
    if new_base is None or old_array != new_array:
        return Verdict.REWRITE
    order = _other_collation(change)
    if old_array:
        same = old_base == new_base and (old_mod == new_mod or not new_mod)
        return _free(order) if same else Verdict.REWRITE
    if old_base == new_base:
        return _free(order) if _roomier(old_base, old_mod, new_mod) else Verdict.REWRITE
    if {old_base, new_base} == {"timestamp with time zone", "timestamp without time zone"}:
        utc = catalog.settings.get("TimeZone") in _ZONES
        return Verdict.FREE_BUT_ORDER if utc and not new_mod else Verdict.REWRITE
    if (old_base, new_base) in _SAME_BYTES and (not new_mod or (old_mod and _roomier(new_base, old_mod, new_mod))):
        return _free(order)
    return Verdict.FREE_BUT_ORDER if (old_base, new_base) in _SAME_BYTES_OTHER_ORDER else Verdict.REWRITE


def _free(other_order: bool) -> Verdict:
    return Verdict.FREE_BUT_ORDER if other_order else Verdict.FREE


def _parts(text: str) -> tuple[str, str, bool]:
    """The type without its modifier, the modifier, and whether it is an array: `numeric(8,2)` is (numeric, 8,2, False)."""
    found = _SPELLING.match(text)
    if found is None:
        return text, "", False
    base = f"{found[1]} {found[3].strip()}".strip()
    return base, (found[2] or "").replace(" ", ""), bool(found[4])


def _without_domain(parts: tuple[str, str, bool], catalog: Catalog, type_named: Callable[[Name], Type | None]) -> tuple[str, str, bool]:
    base, modifier, array = parts
    schema, _, plain = base.rpartition(".")
    found = None if array else type_named((schema.strip('"') or None, plain.strip('"')))
    if found is not None and found.kind == "domain" and found.base:
        return _without_domain(_parts(found.base), catalog, type_named)
    return base, modifier, array


def _new_parts(change: Change, type_named: Callable[[Name], Type | None]) -> tuple[str | None, str, bool]:
    """Like `_parts`, of the new type; None for a domain that checks its values: it always rewrites."""
    schema, plain = change.name
    _, modifier, array = _parts(" ".join(change.sql.split()))
    array = array or change.sql.rstrip().endswith("]") or " array" in change.sql.lower()
    user_type = type_named(change.name) if schema != "pg_catalog" else None
    if user_type is None:
        return printed(plain), modifier, array
    if user_type.kind != "domain" or array:
        return f"{user_type.name.schema}.{user_type.name.name}", modifier, array
    if user_type.not_null or user_type.constraints or not user_type.base:
        return None, "", False
    return _parts(user_type.base)


def _roomier(base: str, old: str, new: str) -> bool:
    """Whether every value under the old modifier is one under the new, as the type's own support function knows."""
    if old == new:
        return True
    if base in _TIMES or base == "interval":
        return _digits(new) >= _digits(old)
    if not new:
        return base not in ("character", "bit")
    if not old:
        return False
    if base in ("character varying", "bit varying"):
        return int(new) >= int(old)
    if base == "numeric":
        (precision, scale), (wider, same) = _numeric(old), _numeric(new)
        return wider >= precision and scale == same
    return False


def _digits(modifier: str) -> int:
    return int(modifier) if modifier.isdigit() else _MOST_DIGITS


def _numeric(modifier: str) -> tuple[int, int]:
    precision, _, scale = modifier.partition(",")
    return int(precision), int(scale or 0)


def _other_collation(change: Change) -> bool:
    """Whether the column sorts by another collation afterwards: the clause names one, or leaves out the one that it had."""
    new = change.new_collation.rpartition(".")[2].strip('"') if change.new_collation else None
    old = change.collation.rpartition(".")[2].strip('"') if change.collation else None
    return new != old
