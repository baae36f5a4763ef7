"""Connecting: one way in, with settings that keep a session from hanging or dying of somebody else's defaults."""

import re
from collections.abc import Mapping

import psycopg

from pgsluice.execution.db.connection_string import connection_string, parameters_of
from pgsluice.execution.db.errors import message_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import ConnectionFailedError
from pgsluice.model.postgres.versions import OLDEST

_QUERIES = named_queries(__package__)

CONNECT_TIMEOUT_S = 10
"""libpq itself waits for ever; a server that has not answered by then is said to be unreachable."""

KEEPALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A dead peer is noticed within 30 s (libpq's default is the kernel's two hours); the session sets the same on the server."""

_FAILURES = (
    ("wrong-password", r"password authentication failed", "check user and password (PGPASSWORD, ~/.pgpass, the connection string)"),
    ("authentication-failed", r"no password supplied|empty password", "give a password: PGPASSWORD, ~/.pgpass or the connection string"),
    (
        "not-permitted",
        r"pg_hba\.conf|permission denied for database|not permitted to log in|not currently accepting connections",
        "let the role in: LOGIN, GRANT CONNECT ON DATABASE, and an entry in the server's pg_hba.conf",
    ),
    (
        "authentication-failed",
        r"authentication failed|role .* does not exist|no such user|certificate",
        "check the user and how it gets in",
    ),
    ("no-such-database", r"database .* does not exist|no such database", "check the database's name, or create it"),
    (
        "cannot-connect",
        r"too many connections|too many clients|connection slots are reserved",
        "end idle sessions or raise max_connections, then try again",
    ),
    ("cannot-connect", r"starting up|shutting down|recovery mode|not yet accepting", "wait until the server is up, then try again"),
)
"""What a failed connection says, by the server's words: libpq hands out no SQLSTATE for it. A server that speaks another
language falls through to `cannot-connect`, with its own words."""

_UNREACHABLE = "check host and port, that the server runs, and that a firewall lets you through"


def connect(
    database: str | None, purpose: str, *, environment: Mapping[str, str], read_only: bool = False, option: str = "--database"
) -> Session:
    """A session of its own, application_name `pgsluice PURPOSE`, in autocommit mode, with no timeout in force.

    `database` is the value of `option`; without one PGSLUICE_DATABASE and DATABASE_URL of `environment` count, then libpq's
    own variables and files. `read_only`: the session only looks, so that a hot standby is good enough.
    What the role or database sets beyond timeouts (search_path, isolation, DateStyle ...) stays, as in a plain psql session.

    Raises UsageError `bad-connection-string` and ConnectionFailedError `cannot-connect`, `wrong-password`,
    `authentication-failed`, `not-permitted`, `no-such-database`, `read-only-server`, `server-too-old`, `pooled-connection`."""
    text, source = connection_string(database, environment, option)
    parameters = parameters_of(text, source)
    connection = _open(parameters, purpose, environment, source)
    where = _target(connection)
    try:
        return _checked(Session(connection), where, read_only)
    except psycopg.Error as error:
        connection.close()
        raise ConnectionFailedError("cannot-connect", message_of(error), where=where, next=_UNREACHABLE) from None
    except ConnectionFailedError:
        connection.close()
        raise


def _open(parameters: dict[str, str], purpose: str, environment: Mapping[str, str], source: str) -> psycopg.Connection:
    ours: dict[str, str | int] = {**KEEPALIVE, **parameters, "application_name": f"pgsluice {purpose}", "client_encoding": "UTF8"}
    if not {"connect_timeout", "service"} & parameters.keys() and not {"PGCONNECT_TIMEOUT", "PGSERVICE"} & environment.keys():
        ours["connect_timeout"] = CONNECT_TIMEOUT_S
    try:
        # prepared statements would be re-planned, or refused, after each DDL of ours
        return psycopg.connect("", autocommit=True, prepare_threshold=None, **ours)  # type: ignore[arg-type]
    except psycopg.Error as error:
        failure = _failure(_without_password(message_of(error), parameters), source)
    raise failure


def _failure(said: str, source: str) -> ConnectionFailedError:
    for code, words, next in _FAILURES:
        if re.search(words, said):
            return ConnectionFailedError(code, said, where=source, next=next)
    return ConnectionFailedError("cannot-connect", said, where=source, next=_UNREACHABLE)


def _without_password(text: str, parameters: Mapping[str, str]) -> str:
    """libpq prints no password of its own accord; this is for what a driver or a proxy may make of it."""
    for secret in (parameters.get("password"), parameters.get("sslpassword")):
        if secret and secret not in (parameters.get("user"), parameters.get("dbname"), parameters.get("host")):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def _checked(session: Session, where: str, read_only: bool) -> Session:
    """The pool comes first: behind one, each SET would stay behind in a connection that the application uses."""
    _refuse_pool(session, where)
    version = session.version
    if version.major < OLDEST:
        too_old = f"PostgreSQL {version} is older than {OLDEST}, the oldest that pgsluice works with"
        raise ConnectionFailedError("server-too-old", too_old, where=where, next="upgrade the server")
    session.run(_QUERIES["settings"])
    if version.has_transaction_timeout:
        session.run(_QUERIES["no_transaction_timeout"])
    _notice_dead_client(session)
    _refuse_pool(session, where)
    if not read_only:
        _refuse_read_only(session, where)
    return session


def _refuse_pool(session: Session, where: str) -> None:
    """PgBouncer and its kin give the client a process id of their own making, so that they can route its cancel requests;
    one that does not shows itself by another backend in another transaction. Session pooling looks the same from here."""
    pids = {session.pid, *(session.value("SELECT pg_catalog.pg_backend_pid()") for _ in range(3))}
    if len(pids) > 1:
        raise ConnectionFailedError(
            "pooled-connection",
            "the connection goes through a pooler such as PgBouncer: locks and settings of a session would not be ours",
            where=where,
            next="connect to the server itself: its own host and port (often 5432 instead of 6432), or the service's 'direct' URL",
        )


def _notice_dead_client(session: Session) -> None:
    """Refused where the server's operating system cannot tell; then its TCP keepalives have to do."""
    try:
        session.run(_QUERIES["notice_dead_client"])
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise


def _refuse_read_only(session: Session, where: str) -> None:
    (state,) = session.rows(_QUERIES["writable"])
    if state["in_recovery"]:
        raise ConnectionFailedError(
            "read-only-server", "the server is a hot standby: it can only be read", where=where, next="connect to the primary"
        )
    if state["read_only"]:
        raise ConnectionFailedError(
            "read-only-server",
            "transactions are read only here: default_transaction_read_only is on for this server, database or role",
            where=where,
            next="connect to a server or as a role that may write, or set default_transaction_read_only to off",
        )


def _target(connection: psycopg.Connection) -> str:
    info = connection.info
    return f"{info.host}:{info.port}, database {info.dbname}, user {info.user}"
