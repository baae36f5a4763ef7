"""What a server really does with a specimen: locks, scans, rewrites, index builds, by the role of the relation.

The statement runs in a transaction that is rolled back. A relation counts as scanned where the backend fetched at least
as many of its blocks as it has (index builds, rewrites and validations included: they all read through the buffers),
as rewritten where it has another file with rows in it, and its index as built where a file is new that no index had before.
Parallel workers would count for themselves, so there are none.
"""

import re
from dataclasses import dataclass, field

import psycopg
from psycopg import errors

from pgsluice.model.postgres.locks import LockMode, from_pg_locks
from tests.server.locks.specimen import Specimen, role_of, scene_sql

SCHEMA = "scene"
LEAST_BLOCKS = 10
"""A relation must be at least so large for a scan of it to be told from a look at some of its pages."""

RELATIONS = """
SELECT c.oid, c.relname, c.relkind, coalesce(pg_relation_filenode(c.oid), 0) AS file,
    CASE WHEN c.relkind IN ('r', 'm', 'i', 't', 'S') THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END AS blocks,
    coalesce(pg_stat_get_xact_blocks_fetched(c.oid), 0) AS fetched,
    coalesce(i.indrelid, d.refobjid, 0) AS owner
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S'
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
"""
LOCKS = """
SELECT relation, mode FROM pg_locks
WHERE locktype = 'relation' AND pid = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SESSION = """
SET search_path = scene; SET max_parallel_workers_per_gather = 0; SET max_parallel_maintenance_workers = 0;
SET client_min_messages = error; SET TimeZone = 'UTC'
"""


@dataclass(frozen=True, slots=True)
class Relation:
    oid: int
    name: str
    kind: str
    file: int
    blocks: int
    fetched: int
    owner: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen, by oid: the relations `before` and `after`, and the strongest lock `held` on those before."""

    before: dict[int, Relation]
    after: dict[int, Relation]
    held: dict[int, LockMode]
    in_transaction: bool = True

    @property
    def scanned(self) -> set[int]:
        return {oid for oid in self.stored if _scanned(oid, self.before, self.after)}

    @property
    def rewritten(self) -> set[int]:
        return {oid for oid in self.before if _rewritten(oid, self.before, self.after, self.scanned)}

    @property
    def built(self) -> set[int]:
        return {oid for oid in self.scanned if _built(oid, self.before, self.after)}

    @property
    def stored(self) -> set[int]:
        return {oid for oid, relation in self.before.items() if relation.kind in "rm"}


@dataclass(frozen=True, slots=True)
class Observation:
    """The facts by role."""

    locks: dict[str, LockMode] = field(default_factory=dict)
    scans: frozenset[str] = frozenset()
    rewrites: frozenset[str] = frozenset()
    builds: frozenset[str] = frozenset()
    in_transaction: bool = True


class NeedsNoTransaction(Exception):
    """The statement may not run inside a transaction block."""


def relations(connection: psycopg.Connection, schema: str = SCHEMA) -> dict[int, Relation]:
    """The relations of the scene as they stand now, by their oid."""
    return {row[0]: Relation(*row) for row in connection.execute(RELATIONS, (schema,))}


def prepare(connection: psycopg.Connection, specimen: Specimen) -> None:
    """Makes the specimen's scene anew in its schema; the session's settings are those under which specimens run."""
    connection.execute("SET client_min_messages = error; RESET search_path")
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    connection.execute(SESSION)
    connection.execute(scene_sql(specimen.scene) or "SELECT 1")
    for part in filter(None, map(str.strip, specimen.setup.split(";"))):
        connection.execute(part)


def look(connection: psycopg.Connection, sql: str, session: str = "") -> Sight:
    """Runs the statement in a transaction and rolls it back; raises NeedsNoTransaction where the server refuses that,
    and the server's error where the statement fails. `session` is SQL that holds meanwhile."""
    connection.execute("BEGIN")
    try:
        connection.execute(session or "SELECT 1")
        (schema,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
        before = relations(connection, schema)
        connection.execute(sql)
        found = connection.execute(LOCKS, (connection.info.backend_pid,)).fetchall()
        after = relations(connection, schema)
    except errors.ActiveSqlTransaction as error:
        raise NeedsNoTransaction from error
    finally:
        connection.execute("ROLLBACK")
    return Sight(before, after, strongest({(oid, from_pg_locks(mode)) for oid, mode in found if oid in before}))


def strongest(held: set[tuple[int, LockMode]]) -> dict[int, LockMode]:
    return dict(sorted(held, key=lambda h: h[1].strength))


def summary(specimen: Specimen, sight: Sight) -> Observation:
    """The facts by role; raises ValueError where relations of one role differ: then they need roles of their own.
    Locks of a statement that was watched from outside are seen only where it waited: there the strongest counts."""
    role = {oid: _role(specimen, relation, sight.before) for oid, relation in sight.before.items()}
    if sight.in_transaction:
        _check_agreement(specimen, role, {o: str(sight.held.get(o, "no lock")) for o in sight.before})
    for facts in (sight.scanned, sight.rewritten & sight.stored, sight.built):
        _check_agreement(specimen, role, {o: str(o in facts) for o in sight.stored})
    held = sorted(((role[o], m) for o, m in sight.held.items()), key=lambda f: (f[0], f[1].strength))
    scans, rewrites, builds = (frozenset(role[o] for o in facts) for facts in (sight.scanned, sight.rewritten, sight.built))
    return Observation(dict(held), scans, rewrites, builds, sight.in_transaction)


def _role(specimen: Specimen, relation: Relation, before: dict[int, Relation]) -> str:
    owner = before.get(relation.owner)
    if relation.name in specimen.roles:
        role = specimen.roles[relation.name]
    elif owner is None or relation.name.rstrip("0123456789_").endswith("_index"):
        role = role_of(relation.name)
    else:
        return f"{_role(specimen, owner, before)} {'sequences' if relation.kind == 'S' else 'indexes'}"
    return re.sub(r"\bpartition$", "partitioned partition", role) if relation.kind == "p" else role


def _scanned(oid: int, before: dict[int, Relation], after: dict[int, Relation]) -> bool:
    blocks = before[oid].blocks
    return blocks >= LEAST_BLOCKS and oid in after and after[oid].fetched - before[oid].fetched >= blocks


def _rewritten(oid: int, before: dict[int, Relation], after: dict[int, Relation], scanned: set[int]) -> bool:
    was, now = before[oid], after.get(oid)
    if now is None or now.file == was.file or was.kind not in "rmi":
        return False
    if was.kind == "i":
        return was.owner not in scanned and now.blocks >= was.blocks > 1
    return now.blocks >= LEAST_BLOCKS


def _built(table: int, before: dict[int, Relation], after: dict[int, Relation]) -> bool:
    files = {r.file for r in before.values() if r.owner == table and r.kind == "i"}
    return any(r.kind == "i" and r.owner == table and r.file not in files for r in after.values())


def _check_agreement(specimen: Specimen, role: dict[int, str], facts: dict[int, str]) -> None:
    by_role: dict[str, str] = {}
    for oid, fact in facts.items():
        if by_role.setdefault(role[oid], fact) != fact:
            raise ValueError(f"{specimen.place} {specimen.form}: relations in the role {role[oid]!r} differ: {by_role[role[oid]]}, {fact}")
