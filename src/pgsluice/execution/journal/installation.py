"""Making the journal's tables, and bringing those of an older pgsluice up to date."""

import re
from importlib.resources import files

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import ConnectionFailedError, PgsluiceError
from pgsluice.model.postgres.identifiers import quote

_QUERIES = named_queries(__package__)
_VERSION = re.compile(r"^-- version: (\d+)[ \t]*$", re.MULTILINE)


def schema_parts() -> dict[int, str]:
    """The SQL of each version of the schema, by its number."""
    parts = _VERSION.split(files(__package__).joinpath("schema.sql").read_text(encoding="utf-8"))
    return {int(number): sql.strip() for number, sql in zip(parts[1::2], parts[2::2], strict=True)}


def installed_version(session: Session) -> int | None:
    """The version of the journal that stands in the database, None without one. Changes nothing.

    Raises ConnectionFailedError `journal-not-permitted` or `journal-newer`."""
    place = session.rows(_QUERIES["installed"])[0]
    if not place["tables"]:
        return None
    try:
        version: int | None = session.value(_QUERIES["version"])
    except DatabaseError as error:
        raise _explained(error, place["database"], place["role"], exists=True) from error
    known = max(schema_parts())
    if version is not None and version > known:
        raise ConnectionFailedError(
            "journal-newer",
            f"the journal in schema pgsluice is of version {version}; this program knows versions up to {known}",
            where=f"database {place['database']}",
            next="use the pgsluice that wrote it, or a newer one",
        )
    return version


def install(session: Session) -> None:
    """Makes the journal, or what is missing of it, in one durable transaction; nothing where all is there.

    Only for the holder of the lease: two at once would make it twice. Takes no lock on a table of the user's.
    Raises as `installed_version` does."""
    version = installed_version(session) or 0
    missing = {number: sql for number, sql in schema_parts().items() if number > version}
    if not missing:
        return
    rows = "".join(f"{sql}\nINSERT INTO pgsluice.version (version) VALUES ({number});\n" for number, sql in sorted(missing.items()))
    place = session.rows(_QUERIES["installed"])[0]
    try:
        session.run(f"BEGIN;\n{rows}COMMIT")
    except DatabaseError as error:
        if session.in_transaction:
            session.run("ROLLBACK")
        raise _explained(error, place["database"], place["role"], exists=place["schema"]) from error


def _explained(error: DatabaseError, database: str, role: str, *, exists: bool) -> PgsluiceError | DatabaseError:
    """What to grant, where a right is missing; any other error as it is."""
    if trouble_of(error) is not Trouble.NOT_PERMITTED:
        return error
    grant = (
        f"as the owner of schema pgsluice: GRANT USAGE, CREATE ON SCHEMA pgsluice TO {quote(role)}; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgsluice TO {quote(role)};"
        if exists
        else f"GRANT CREATE ON DATABASE {quote(database)} TO {quote(role)};"
    )
    return ConnectionFailedError(
        "journal-not-permitted",
        f"role {quote(role)} may not {'use' if exists else 'make'} the journal (schema pgsluice): {message_of(error)}",
        where=f"database {database}",
        next=grant,
    )
