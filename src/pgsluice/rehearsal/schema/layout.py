"""Laying out a schema on a server that may lack what it takes for granted: roles are made, extensions stubbed, and both named."""

import re
from collections.abc import Iterable

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.execution.db.errors import DatabaseError, message_of, sqlstate_of
from pgsluice.execution.db.session import Session
from pgsluice.model.postgres.identifiers import quote

_STUBS = {
    "citext": "CREATE DOMAIN {schema}.citext AS text",
    "hstore": "CREATE DOMAIN {schema}.hstore AS text",
    "ltree": "CREATE DOMAIN {schema}.ltree AS text",
    "postgis": "CREATE DOMAIN {schema}.geometry AS bytea; CREATE DOMAIN {schema}.geography AS bytea",
    "vector": "CREATE DOMAIN {schema}.vector AS real[]",
    "uuid-ossp": "CREATE FUNCTION {schema}.uuid_generate_v4() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
    "pgcrypto": "",  # gen_random_uuid is the server's own since 13
}
"""What stands in for the types and functions of extensions that many schemas use, where the server lacks them."""

_ROLE = re.compile(r'role "((?:[^"]|"")+)" does not exist')
_ROLES = 3
"""A statement may name several roles that are missing; each try makes one."""

_PRESENT, _UNDEFINED_OBJECT = ("42P06", "42P07", "42710", "42723"), "42704"


def lay_out(session: Session, migrations: Iterable[Migration]) -> tuple[str, ...]:
    """Run the migrations, or a dump; what could not be made, and why, is in the answer. What does not go through as a whole
    is run statement by statement.

    Rows are left out (COPY), and so are psql's own commands. Raises no DatabaseError."""
    notes: list[str] = []
    for migration in migrations:
        if not _whole(session, migration):
            notes += [note for statement in migration.statements for note in _laid(session, statement)]
    return tuple(notes)


def _whole(session: Session, migration: Migration) -> bool:
    if any(s.problem is not None or s.data is not None for s in migration.statements):
        return False
    try:
        session.run(migration.text)
    except DatabaseError:
        if session.in_transaction:
            session.run("ROLLBACK")
        return False
    return True


def _laid(session: Session, statement: Statement) -> list[str]:
    if statement.problem is not None:
        return [] if statement.problem_code == "psql" else [f"{statement.place}: {statement.problem}"]
    if statement.kind == "TransactionStmt" or statement.data is not None:
        return []
    for _ in range(_ROLES):
        try:
            session.run(statement.sql)
            return []
        except DatabaseError as error:
            last = error
        role = _ROLE.search(message_of(last))
        if sqlstate_of(last) != _UNDEFINED_OBJECT or role is None:
            break
        session.run(f"CREATE ROLE {quote(role[1])}")
    if sqlstate_of(last) in _PRESENT or statement.kind == "VariableSetStmt":
        return []  # pg_dump sets what an older server does not know
    if statement.kind == "CreateExtensionStmt":
        return [_stubbed(session, str(statement.node.get("extname")), message_of(last))]
    return [f"{statement.place}: {message_of(last)}"]


def _stubbed(session: Session, extension: str, why: str) -> str:
    stub = _STUBS.get(extension)
    if stub is None:
        return f"extension {extension} is not there: {why}"
    for sql in filter(None, stub.format(schema="public").split("; ")):
        try:
            session.run(sql)
        except DatabaseError as error:
            return f"extension {extension} is not there, and could not be stubbed: {message_of(error)}"
    return f"extension {extension} is not there; plain types and functions stand in for it"
