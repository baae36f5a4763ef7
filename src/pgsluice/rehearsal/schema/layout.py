"""Laying out a schema on a server that may lack what it takes for granted: roles are made, extensions stubbed, and both named."""

import re
from collections.abc import Iterable
from itertools import pairwise

from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.parsing.tokens import tokens
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
_MODIFIED = re.compile(r'type modifier is not allowed for type "(?:[^"]*\.)?([^".]+)"')
_TRIES = 5
"""A statement may name several roles that are missing, and several types that something stands in for; each try mends one."""

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
    sql = statement.sql
    for _ in range(_TRIES):
        try:
            session.run(sql)
            return []
        except DatabaseError as error:
            last = error
        if (role := _ROLE.search(message_of(last))) is not None and sqlstate_of(last) == _UNDEFINED_OBJECT:
            session.run(f"CREATE ROLE {quote(role[1])}")
        elif (stub := _MODIFIED.search(message_of(last))) is not None:
            sql = _without_modifiers(sql, stub[1])
        else:
            break
    if sqlstate_of(last) in _PRESENT or statement.kind == "VariableSetStmt":
        return []  # pg_dump sets what an older server does not know
    if statement.kind == "CreateExtensionStmt":
        return [_stubbed(session, str(statement.node.get("extname")), _schema_of(statement), message_of(last))]
    return [f"{statement.place}: {message_of(last)}"]


def _without_modifiers(sql: str, type_: str) -> str:
    """The statement with `geometry(Point,4326)` made `geometry`: what stands in for a type is a domain, which takes none."""
    found = tokens(sql)
    for name, opening in pairwise(found):
        if opening.word == "(" and sql[name.start : name.end].strip('"').lower() == type_.lower():
            closing = next(t for t in found if t.start > opening.start and t.word == ")" and t.depth == opening.depth)
            return _without_modifiers(sql[: opening.start] + sql[closing.end :], type_)
    return sql


def _schema_of(extension: Statement) -> str:
    """Where its types and functions go."""
    options = (o["DefElem"] for o in extension.node.get("options", ()))
    return next((o["arg"]["String"]["sval"] for o in options if o["defname"] == "schema"), "public")


def _stubbed(session: Session, extension: str, schema: str, why: str) -> str:
    stub = _STUBS.get(extension)
    if stub is None:
        return f"extension {extension} is not there: {why}"
    for sql in filter(None, stub.format(schema=quote(schema)).split("; ")):
        try:
            session.run(sql)
        except DatabaseError as error:
            return f"extension {extension} is not there, and could not be stubbed: {message_of(error)}"
    return f"extension {extension} is not there; plain types and functions stand in for it"
