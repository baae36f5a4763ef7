"""The prediction held against a server: a specimen under odd names, what `impact` says of it, and what the server did."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql as composing

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.prediction import impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.execution.db.catalog import read_catalog
from pgsluice.execution.db.session import Session
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import NAME_BYTES, QualifiedName, clip, quote
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock
from tests.server.locks.observation import SCHEMA, NeedsNoTransaction, Sight, look, prepare, relations
from tests.server.locks.specimen import Specimen, by_scene

ODD_SCHEMA = 'Odd "schema", ö'
KEYWORD = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "i": "INDEX", "I": "INDEX", "S": "SEQUENCE"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was said of a form too weak or not at all, and what too strong or in vain."""

    form: str
    missing: tuple[str, ...]
    excess: tuple[str, ...]
    analysed: bool


def prepare_odd(connection: psycopg.Connection, specimen: Specimen) -> list[str]:
    """Makes the scene under names that need quotes, of 63 bytes, in a schema that does, with tables of the same names in
    another schema; returns the names that the specimen's statement has for them."""
    connection.execute(f"DROP SCHEMA IF EXISTS {quote(ODD_SCHEMA)} CASCADE; DROP SCHEMA IF EXISTS decoy CASCADE; CREATE SCHEMA decoy")
    prepare(connection, specimen)
    names = [(r.name, KEYWORD[r.kind]) for r in relations(connection).values() if r.kind in KEYWORD]
    for name, keyword in names:
        connection.execute(f"ALTER {keyword} {name} RENAME TO {quote(odd(name))}")
    for name, keyword in names:
        if keyword == "TABLE":
            connection.execute(f"CREATE TABLE decoy.{quote(odd(name))} (id int)")
    connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {quote(ODD_SCHEMA)}")
    connection.execute(composing.SQL("SET search_path = {}, decoy").format(composing.Identifier(ODD_SCHEMA)))
    return [name for name, _ in names]


def odd(name: str) -> str:
    return clip(f'{name} "Ö {"x" * NAME_BYTES}')


def renamed(sql: str, names: list[str]) -> str:
    """The statement with the odd names; a quoted name reads the same in a string for regclass."""
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    renamed = re.sub(rf"\b({words})\b(?!\()", lambda m: quote(odd(m[1])), sql) if names else sql
    return re.sub(rf"\b{SCHEMA}\b", lambda _: quote(ODD_SCHEMA), renamed)


def predicted(sql: str, catalog: Catalog) -> Impact:
    """What `impact` says of the statement's actions together, in the catalog as it stands."""
    return together([impact(a, catalog) for a in actions(parse_statement(sql))])


def together(impacts: list[Impact]) -> Impact:
    locks: dict[str, Lock] = {}
    for lock in (lock for i in impacts for lock in i.locks):
        locks[lock.relation] = max(lock, locks.get(lock.relation, lock), key=lambda k: k.mode.strength)
    return Impact(
        tuple(locks.values()),
        tuple(n for i in impacts for n in i.scans),
        tuple(n for i in impacts for n in i.rewrites),
        tuple(n for i in impacts for n in i.builds),
        all(i.in_transaction for i in impacts),
        all(i.analysed for i in impacts),
    )


def differences(said: Impact, sight: Sight, schema: str = ODD_SCHEMA) -> tuple[list[str], list[str]]:
    """What was said too weak or not at all, and what was said too strong or in vain."""
    name = {oid: str(QualifiedName(schema, r.name)) for oid, r in sight.before.items()}
    seen = {name[oid]: mode for oid, mode in sight.held.items()}
    declared = {lock.relation: lock.mode for lock in said.locks}
    missing = [f"{n}: {m}, said {declared.get(n, 'nothing')}" for n, m in seen.items() if _weaker(declared.get(n), m)]
    excess = [f"{n}: {m}, seen {seen.get(n, 'nothing')}" for n, m in declared.items() if _weaker(seen.get(n), m)]
    for word, facts, names in _works(said, sight):
        work, spoken = {name[o] for o in facts}, {str(n) for n in names}
        missing += [f"{word} {n}" for n in sorted(work - spoken)]
        excess += [f"{word} {n}" for n in sorted(spoken - work)]
    if said.in_transaction != sight.in_transaction:
        missing.append(f"in a transaction: {sight.in_transaction}")
    return missing, excess


def _works(said: Impact, sight: Sight) -> list[tuple[str, set[int], tuple[QualifiedName, ...]]]:
    return [
        ("scans", sight.scanned, said.scans),
        ("rewrites", sight.rewritten, said.rewrites),
        ("builds", sight.built, said.builds),
    ]


def _weaker(one: LockMode | None, other: LockMode) -> bool:
    return one is None or one.strength < other.strength


def comparisons(connection: psycopg.Connection, specimens: list[Specimen]) -> Iterator[Comparison]:
    """Each specimen under odd names; those that this server does not know must not be among them."""
    stage, names, catalog = None, [], None
    for specimen in by_scene(specimens):
        if catalog is None or specimen.stage != stage or specimen.session:
            names = prepare_odd(connection, specimen)
            connection.execute(specimen.session or "SELECT 1")
            stage, catalog = None if specimen.session else specimen.stage, read_catalog(Session(connection))
        sql = renamed(specimen.sql, names)
        said = predicted(sql, catalog)
        try:
            missing, excess = differences(said, look(connection, sql))
        except NeedsNoTransaction:
            missing, excess = (["said to run in a transaction"] if said.in_transaction else []), []
        yield Comparison(specimen.form, tuple(missing), tuple(excess), said.analysed)
