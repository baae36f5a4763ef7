"""The fingerprint of what a plan touches: it changes when a plan made before would no longer fit."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName

_LEFT_OUT = frozenset(
    {
        "rows", "bytes", "total_bytes", "size_known", "wraparound_age", "last_value",  # sizes and what grows by use
        "comment", "statistics_target", "has_missing_value", "made_by_run", "filled",  # nothing that a step depends on
        "owner", "privileges",  # a plan made on a copy fits, whoever owns that
    }
)  # fmt: skip


def fingerprint(catalog: Catalog, names: Iterable[str]) -> str:
    """SHA-256, in hex, over the objects called `names`, in whatever order those come: quoted qualified names of relations,
    sequences, indexes and types, and signatures of functions. One that does not exist counts as absent.

    A table brings the foreign keys that reference it and the views on it. Sizes, estimates, comments, owners, privileges
    and statistics never count."""
    from hashlib import sha256  # loads OpenSSL, and `check` needs none

    found: dict[str, list[Any]] = {name: [] for name in sorted(set(names))}
    for name, thing in _named_objects(catalog):
        if name in found:
            found[name].append(_plain(thing))
    return sha256(repr(found).encode()).hexdigest()


def _named_objects(catalog: Catalog) -> Iterator[tuple[str, Any]]:
    """Each object by its name, and what hangs on a table from outside by the table's name."""
    shelves: tuple[Mapping[QualifiedName, Any], ...] = (catalog.tables, catalog.sequences, catalog.types)
    for shelf in shelves:
        yield from ((str(name), thing) for name, thing in shelf.items())
    yield from ((str(i.name), i) for i in catalog.indexes())
    yield from ((f.signature, f) for f in catalog.functions)
    for table in catalog.tables.values():
        yield from ((str(key.references), key) for key in table.foreign_keys)
        yield from ((str(name), table) for name in dict.fromkeys(name for name, _ in table.depends_on))


def _plain(value: Any) -> Any:
    """The value as tuples and texts, in one order, without what does not count."""
    if is_dataclass(value):
        return tuple((f.name, _plain(getattr(value, f.name))) for f in fields(value) if f.name not in _LEFT_OUT)
    if isinstance(value, frozenset):
        return tuple(sorted(_plain(v) for v in value))
    if isinstance(value, tuple):
        return tuple(_plain(v) for v in value)
    return value.value if isinstance(value, Enum) else value
