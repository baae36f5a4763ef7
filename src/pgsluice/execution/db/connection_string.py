"""Where to connect: the option, the environment, and the spellings that other programs use."""

import re
from collections.abc import Mapping

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgsluice.model.errors import UsageError

VARIABLES = ("PGSLUICE_DATABASE", "DATABASE_URL")
"""Read in this order where no --database is given; then libpq's own PGHOST, PGSERVICE, ~/.pgpass ..."""

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9]*)(?P<driver>\+\w+)?://(?P<rest>.*)\Z", re.DOTALL)
_ENCODE = "percent-encode the special characters of user name and password (@ is %40, / is %2F, : is %3A, # is %23)"


def connection_string(database: str | None, environment: Mapping[str, str], option: str = "--database") -> tuple[str, str]:
    """The connection string for libpq ('' where its own variables decide) and where it was found; `option` is the one that gave it.

    Raises UsageError `bad-connection-string`; no part of the string is in its message, since a password may be in it."""
    if database:
        return _for_libpq(database, option), option
    for variable in VARIABLES:
        if environment.get(variable):
            return _for_libpq(environment[variable], variable), variable
    return "", "libpq's variables, service and password files"


def parameters_of(text: str, source: str) -> dict[str, str]:
    """The parameters of a connection string; raises UsageError `bad-connection-string`."""
    try:
        return {key: str(value) for key, value in conninfo_to_dict(text).items() if value is not None}
    except ProgrammingError as error:
        unknown = re.match(r'invalid (?:URI query parameter|connection option "?)[: "]*(\w+)', str(error))
    if unknown:
        raise _bad(source, f"PostgreSQL knows no connection parameter {unknown[1]!r}", "remove it, or give --database without it")
    raise _bad(source, "it is neither a postgresql:// URL nor key=value pairs", _ENCODE)


def variables_of(text: str, source: str) -> dict[str, str]:
    """The connection string as libpq's environment variables, for other programs: their arguments can be read by every user of
    the machine. Parameters without a variable are left out. Raises UsageError `bad-connection-string`."""
    conninfo = _for_libpq(text, source)
    parameters_of(conninfo, source)
    found = pq.Conninfo.parse(conninfo.encode())
    return {o.envvar.decode(): o.val.decode() for o in found if o.envvar is not None and o.val is not None}


def with_database(text: str, name: str, source: str) -> str:
    """The connection string with another database in it; raises UsageError `bad-connection-string`."""
    return make_conninfo(**{**parameters_of(_for_libpq(text, source), source), "dbname": name})


def _for_libpq(text: str, source: str) -> str:
    text = text.strip()
    url = _URL.match(text)
    if url is None:
        return text
    if url["scheme"].lower() not in ("postgres", "postgresql"):
        known = "give a postgres:// or postgresql:// URL, or a key=value string"
        raise _bad(source, f"{url['scheme']}:// is not PostgreSQL", known)
    _refuse_loose_at_sign(url["rest"], source)
    rest = re.sub(r"(?<=[?&])ssl=", "sslmode=", url["rest"]) if url["driver"] == "+asyncpg" else url["rest"]
    return f"postgresql://{rest}"


def _refuse_loose_at_sign(rest: str, source: str) -> None:
    """A password with a bare @ or / in it makes libpq take a part of it for the host, and print that."""
    user, at, after = rest.partition("@")
    tail = after if at and "/" not in user else rest
    if "@" in tail.split("?")[0]:
        raise _bad(source, "user name and password cannot be told from the host", _ENCODE)


def _bad(source: str, why: str, next: str) -> UsageError:
    return UsageError("bad-connection-string", f"cannot read the connection string: {why}", where=source, next=next)
