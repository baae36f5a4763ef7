"""The catalog as rows: what the server's own tables say, before nouns are made of it.

Which objects there are is read in one snapshot. Texts that the server prints from stored trees (views, rules, policies,
functions) and sizes are read right after it: printing a view locks what it reads until the transaction ends, and a
reader that kept ACCESS SHARE on everything for seconds would be what we exist to prevent.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pgsluice.execution.db.errors import DatabaseError, Trouble, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.versions import ServerVersion

_QUERIES = named_queries(__package__)

Row = Mapping[str, Any]

SETTINGS = (
    "TimeZone",
    "autovacuum_freeze_max_age",
    "block_size",
    "deadlock_timeout",
    "default_table_access_method",
    "default_tablespace",
    "default_transaction_isolation",
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_worker_processes",
    "server_encoding",
    "session_replication_role",
    "synchronous_commit",
    "synchronous_standby_names",
    "wal_level",
)
"""What planning and running ask for."""

PARTS = (
    "relations", "columns", "indexes", "constraints", "triggers", "inheritance", "rules", "policies", "view_reads", "sequences",
    "functions", "types",
)  # fmt: skip
"""The queries that take the schemas' oids."""

HELD_TEXTS = 50
"""Texts printed in one transaction. 50 views of 10 columns took 4 to 8 ms (18, 2 cores): so long are locks held."""

BRIEF_LOCK_TIMEOUT_MS = 20
"""For a wait during which locks are held."""


class CatalogChangedError(Exception):
    """Something that the snapshot shows is gone by now: it has to be read anew."""


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """`parts` are rows by the name of their query; `texts` definitions by oid, for each query of definitions;
    `sizes` bytes by oid, None where a lock hid them; `estimates` the planner's, None where never analysed."""

    version: ServerVersion
    situation: Row
    surroundings: Row
    parts: Mapping[str, list[dict[str, Any]]]
    texts: Mapping[str, Mapping[int, str]]
    last_values: Mapping[int, int | None]
    sizes: Mapping[int, int | None]
    estimates: Mapping[int, int | None]


def read_rows(session: Session, lock_timeout_s: float) -> CatalogRows:
    """One reading. Raises DatabaseError (a lock that was not had in time among them) and CatalogChangedError."""
    with _transaction(session, _QUERIES["begin"], round(lock_timeout_s * 1000)):
        (situation,) = session.rows(_QUERIES["situation"], {"settings": list(SETTINGS)})
        session.run(_QUERIES["spelling"])
        parts = {name: session.rows(_QUERIES[name]) for name in ("schemas", "publications")}
        schemas = [s["oid"] for s in parts["schemas"]]
        parts |= {name: session.rows(_QUERIES[name], {"schemas": schemas}) for name in PARTS}
        (surroundings,) = session.rows(_QUERIES["surroundings"])
        estimates = session.rows(_QUERIES["estimated_sizes"], {"schemas": schemas})
    return CatalogRows(
        version=session.version,
        situation=situation,
        surroundings=surroundings,
        parts=parts,
        texts=_texts(session, parts),
        last_values={r["oid"]: r["last_value"] for r in _in_batches(session, "last_values", [s["oid"] for s in parts["sequences"]])},
        sizes=_sizes(session, schemas),
        estimates={r["oid"]: r["bytes"] for r in estimates},
    )


def _texts(session: Session, parts: Mapping[str, list[dict[str, Any]]]) -> dict[str, dict[int, str]]:
    wanted = {
        "view_definitions": [r["oid"] for r in parts["relations"] if r["kind"] in ("v", "m")],
        "rule_definitions": [r["oid"] for r in parts["rules"]],
        "policy_definitions": [r["oid"] for r in parts["policies"]],
        "function_definitions": [f["oid"] for f in parts["functions"] if f["kind"] != "a" and f["extension"] is None],
    }
    found = {name: {r["oid"]: r["definition"] for r in _in_batches(session, name, oids)} for name, oids in wanted.items()}
    for name, oids in wanted.items():
        if any(found[name].get(oid) is None for oid in oids):
            raise CatalogChangedError
    return found


def _in_batches(session: Session, query: str, oids: list[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(oids), HELD_TEXTS):
        with _transaction(session, "BEGIN READ ONLY", BRIEF_LOCK_TIMEOUT_MS):
            session.run(_QUERIES["spelling"])
            yield from session.rows(_QUERIES[query], {"oids": oids[start : start + HELD_TEXTS]})


def _sizes(session: Session, schemas: Iterable[int]) -> dict[int, int | None]:
    """{} where a lock that came in between hid them twice."""
    for _ in range(2):
        try:
            with _transaction(session, "BEGIN READ ONLY", BRIEF_LOCK_TIMEOUT_MS):
                return {r["oid"]: r["bytes"] for r in session.rows(_QUERIES["sizes"], {"schemas": list(schemas)})}
        except DatabaseError as error:
            if trouble_of(error) is not Trouble.LOCK_TIMEOUT:
                raise
    return {}


@contextmanager
def _transaction(session: Session, begin: str, lock_timeout_ms: int) -> Iterator[None]:
    session.run(f"{begin.rstrip(';')}; SET LOCAL lock_timeout = {lock_timeout_ms}")
    try:
        yield
        session.run("COMMIT")
    finally:
        if session.in_transaction:
            session.run("ROLLBACK")
