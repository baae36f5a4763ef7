"""Reading the catalog: what stands in the database, as nouns."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pgsluice.execution.db.catalog_rows import CatalogChangedError, CatalogRows, Row, read_rows
from pgsluice.execution.db.catalog_tables import tables_of
from pgsluice.execution.db.errors import DatabaseError, Trouble, sqlstate_of, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model import catalog as nouns
from pgsluice.model.activity import Blocker
from pgsluice.model.errors import PatienceError
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.locks import LockMode

_QUERIES = named_queries(__package__)

_GONE = frozenset({"XX000", "42P01", "42704", "42883", "3F000"})
"""What the server says when an object vanishes between its row and the printing of its text: cache lookup failed, does not exist."""

PAUSE_S = 0.1
"""Between two readings."""

_VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}
_FUNCTIONS = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window function"}
_TYPES = {"e": "enum", "d": "domain", "c": "composite", "r": "range"}


def read_catalog(session: Session, *, lock_timeout_s: float = 0.5, patience_s: float = 10.0) -> nouns.Catalog:
    """What stands in the session's database; the session must not be in a transaction.

    Takes no lock but ACCESS SHARE, and that for milliseconds. Printing definitions waits behind somebody's ACCESS EXCLUSIVE
    lock: each wait ends after `lock_timeout_s`, and the reading begins anew until `patience_s` have passed.

    Raises PatienceError `catalog-locked` (naming who holds the lock) and `catalog-changes`, and DatabaseError."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return catalog_of(read_rows(session, lock_timeout_s))
        except (DatabaseError, CatalogChangedError) as error:
            locked = trouble_of(error) is Trouble.LOCK_TIMEOUT
            if not locked and not isinstance(error, CatalogChangedError) and sqlstate_of(error) not in _GONE:
                raise
            if time.monotonic() >= end:
                raise _locked(session, patience_s) if locked else _changing(patience_s) from error
        time.sleep(PAUSE_S)


def catalog_of(rows: CatalogRows) -> nouns.Catalog:
    """The catalog that the rows describe."""
    situation, around, parts = rows.situation, rows.surroundings, rows.parts
    tables = tables_of(rows)
    owned = {c.sequence: (t.name, c.name) for t in tables.values() for c in t.columns if c.sequence is not None}
    return nouns.Catalog(
        version=rows.version,
        search_path=_search_path(situation["search_path"], situation["role"], situation["schemas"], [s["name"] for s in parts["schemas"]]),
        role=situation["role"],
        superuser=bool(situation["superuser"]),
        database=situation["database"],
        schemas=frozenset(s["name"] for s in parts["schemas"]),
        tables=tables,
        sequences={_name(s): _sequence(rows, s, owned.get(_name(s))) for s in parts["sequences"]},
        functions=tuple(_function(rows, f) for f in parts["functions"]),
        types={_name(t): _type(t) for t in parts["types"]},
        extensions=frozenset(around["extensions"]),
        publications=tuple(nouns.Publication(p["name"], p["all_tables"], tuple(p["schemas"])) for p in parts["publications"]),
        replicas=tuple(around["replicas"]),
        slots=tuple(around["slots"]),
        event_triggers=tuple(around["event_triggers"]),
        settings=situation["settings"],
    )


def _name(row: Row) -> QualifiedName:
    return QualifiedName(row["schema"], row["name"])


def _sequence(rows: CatalogRows, row: Row, owned_by: tuple[QualifiedName, str] | None) -> nouns.Sequence:
    return nouns.Sequence(
        name=_name(row),
        type=row["type"],
        owned_by=owned_by,
        last_value=rows.last_values.get(row["oid"]),
        maximum=row["maximum"],
        minimum=row["minimum"],
        start=row["start"],
        increment=row["increment"],
        cache=row["cache"],
        cycle=row["cycle"],
        extension=row["extension"],
    )


def _function(rows: CatalogRows, row: Row) -> nouns.Function:
    return nouns.Function(
        name=_name(row),
        signature=row["signature"],
        kind=_FUNCTIONS[row["kind"]],
        volatility=_VOLATILITY[row["volatility"]],
        language=row["language"],
        definition=rows.texts["function_definitions"].get(row["oid"]),
        extension=row["extension"],
    )


def _type(row: Row) -> nouns.Type:
    return nouns.Type(
        name=_name(row),
        kind=_TYPES[row["kind"]],
        labels=tuple(row["labels"]),
        base=row["base"],
        not_null=row["not_null"],
        default=row["default"],
        constraints=tuple((name, definition, validated) for name, definition, validated in row["constraints"]),
        attributes=tuple((name, type_) for name, type_ in row["attributes"]),
        extension=row["extension"],
    )


def _search_path(setting: str, role: str, usable: Sequence[str], existing: Sequence[str]) -> tuple[str, ...]:
    """The schemas that the setting names, as the server reads it: $user is the role, those that our role may not use are
    passed over, and those that do not exist yet stay (a migration may make them)."""
    listed = [a.replace('""', '"') if a else b.strip().lower() for a, b in re.findall(r'"((?:[^"]|"")*)"|([^",]+)', setting)]
    named = (role if name == "$user" else name for name in listed if name not in ("", "pg_catalog", "pg_temp"))
    return tuple(dict.fromkeys(n for n in named if n in usable or (n not in existing and n != role)))


def _changing(patience_s: float) -> PatienceError:
    return PatienceError(
        "catalog-changes", f"the catalog kept changing while it was read, for {patience_s:g} s", next="run again when other DDL has ended"
    )


def _locked(session: Session, patience_s: float) -> PatienceError:
    holders = [_blocker(row) for row in session.rows(_QUERIES["access_exclusive_holders"])]
    who = "; ".join(b.describe() for b in holders) or "whoever held it has gone meanwhile"
    return PatienceError(
        "catalog-locked",
        f"the catalog could not be read within {patience_s:g} s: an ACCESS EXCLUSIVE lock is in the way ({who})",
        where=", ".join(dict.fromkeys(b.relation for b in holders)) or None,
        next="wait until it ends, or end it, then run again",
    )


def _blocker(row: Mapping[str, Any]) -> Blocker:
    return Blocker(
        pid=row["pid"],
        relation=row["relation"],
        mode=LockMode.ACCESS_EXCLUSIVE,
        age_s=row["age_s"] or 0.0,
        age_is_lower_bound=row["age_s"] is None,
        user=row["user"],
        application=row["application"],
        state=row["state"],
        query=row["query"],
        gid=row["gid"],
    )
