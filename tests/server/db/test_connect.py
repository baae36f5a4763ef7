"""Connecting: a session that nobody's defaults kill, and one clear error for each way in which it fails."""

import time

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.session import Session
from pgsluice.model.errors import ConnectionFailedError
from pgsluice.model.postgres.versions import ServerVersion
from pgsluice.rehearsal.server import StandbyServer
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute, rows, value

TIMEOUTS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")


def failure(dsn: str | None, **more) -> ConnectionFailedError:
    with pytest.raises(ConnectionFailedError) as caught:
        connect(dsn, "test", environment={}, **more)
    assert caught.value.exit_code == 3 and caught.value.next
    return caught.value


@pytest.fixture
def role(server: TestServer, database: str):
    """Makes a role that logs in with the password `open sesame`, altered as a test wants."""
    made = []

    def make(name: str, *settings: str) -> str:
        execute(database, f"CREATE ROLE {name} LOGIN PASSWORD 'open sesame'", *(f"ALTER ROLE {name} {s}" for s in settings))
        made.append(name)
        return make_conninfo(database, host="127.0.0.1", user=name, password="open sesame")

    yield make
    for name in made:
        execute(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_no_timeout_of_role_or_database_is_in_force(role, database: str, server: TestServer):
    names = (*TIMEOUTS, "transaction_timeout") if server.major >= 17 else TIMEOUTS
    dsn = role("hasty", *(f"SET {name} = '1s'" for name in names))
    session = connect(dsn, "run", environment={})
    assert {name: session.value(f"SHOW {name}") for name in names} == dict.fromkeys(names, "0")
    session.close()


def test_the_rest_is_that_of_a_plain_session(role):
    own = {
        "search_path": "shop, public",
        "default_transaction_isolation": "repeatable read",
        "DateStyle": "SQL, DMY",
        "row_security": "off",
    }
    dsn = role("particular", *(f"SET {name} = {v if name == 'search_path' else repr(v)}" for name, v in own.items()))
    session = connect(dsn, "run", environment={})
    assert {name: session.value(f"SHOW {name}") for name in own} == {name: s.strip("'") for name, s in own.items()}
    session.close()


def test_who_we_are_and_that_a_dead_peer_is_noticed(server: TestServer):
    session = connect(server.process.dsn(tcp=True) + " application_name=mine options='-c statement_timeout=5'", "run", environment={})
    shown = {n: session.value(f"SHOW {n}") for n in ("application_name", "client_encoding", "standard_conforming_strings")}
    assert shown == {"application_name": "pgsluice run", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "client_connection_check_interval")
    assert [session.value(f"SHOW {n}") for n in names] == ["10", "5", "3", "5s"]
    assert session.connection.info.get_parameters()["keepalives_idle"] == "10"
    assert session.connection.autocommit and session.version.major == server.major and session.notices == ()
    session.close()


def test_the_environment_says_where(server: TestServer):
    session = connect(None, "run", environment={"DATABASE_URL": "postgres://wrong", "PGSLUICE_DATABASE": server.dsn})
    assert session.pid == session.value("SELECT pg_backend_pid()")
    session.close()


def test_wrong_password_is_said_and_never_printed(server: TestServer):
    error = failure(make_conninfo(server.process.dsn(tcp=True), password="hunter2"))
    assert error.code == "wrong-password"
    assert "hunter2" not in f"{error!s}{error!r}{error.__cause__!s}{error.__context__!s}"


def test_no_password_at_all(server: TestServer, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    assert failure(f"host=127.0.0.1 port={server.process.port} user=postgres").code == "authentication-failed"


def test_each_other_way_in_which_a_connection_fails(server: TestServer, role, database: str):
    assert failure(make_conninfo(server.dsn, dbname="no such")).code == "no-such-database"
    assert failure(make_conninfo(server.dsn, user="no such")).code == "authentication-failed"
    assert failure(make_conninfo(server.dsn, host="127.0.0.1", port=1)).code == "cannot-connect"
    assert failure("host=no-such-host.invalid").code == "cannot-connect"
    dsn = role("shut_out")
    execute(database, f"REVOKE CONNECT ON DATABASE {conninfo_to_dict(database)['dbname']} FROM PUBLIC")
    assert failure(dsn).code == "not-permitted"
    assert failure(role("idle", "NOLOGIN")).code == "not-permitted"


def test_no_connection_left(server: TestServer, role):
    assert failure(role("limited", "CONNECTION LIMIT 0")).code == "cannot-connect"


def test_read_only_by_default_is_refused_unless_we_only_look(role):
    dsn = role("careful", "SET default_transaction_read_only = on")
    assert failure(dsn).code == "read-only-server"
    connect(dsn, "plan", environment={}, read_only=True).close()


def test_a_standby_is_refused_unless_we_only_look(server: TestServer):
    if not server.process.installation.can_make_standby:
        pytest.skip("no pg_basebackup beside this server")
    with StandbyServer(server.process) as standby:
        assert failure(standby.dsn()).code == "read-only-server"
        connect(standby.dsn(), "watch", environment={}, read_only=True).close()


@pytest.mark.parametrize("mode", ["transaction", "statement", "session"])
def test_a_pooled_connection_is_refused_and_left_as_it_was(server: TestServer, pooler, mode: str):
    dsn = pooler(mode)
    assert value(dsn, "SELECT 1") == 1
    assert failure(dsn).code == "pooled-connection"
    names = [*TIMEOUTS, "client_connection_check_interval", "standard_conforming_strings"]
    assert rows(dsn, "SELECT name FROM pg_settings WHERE name = ANY (%s) AND setting <> reset_val", [names]) == []


def test_a_pooler_that_passes_the_process_id_on_is_seen_by_what_changes(server: TestServer, monkeypatch):
    """As some proxies do: libpq is told the first backend's pid, and the next transaction has another one."""
    real, pids = Session.value, iter((None, 1))
    monkeypatch.setattr(Session, "value", lambda self, sql, *a: next(pids, None) or real(self, sql, *a))
    assert failure(server.dsn).code == "pooled-connection"


def test_old_servers_are_refused(server: TestServer, monkeypatch):
    monkeypatch.setattr(Session, "version", ServerVersion(130022))
    assert failure(server.dsn).code == "server-too-old"


@pytest.mark.pg(">= 17")
def test_newer_servers_are_taken_with_a_notice(server: TestServer, monkeypatch):
    monkeypatch.setattr(Session, "version", ServerVersion(190000))
    session = connect(server.dsn, "run", environment={})
    assert "19" in session.notices[0]
    session.close()


def test_an_ordinary_role_gets_in(owner_dsn: str):
    session = connect(owner_dsn, "run", environment={})
    assert session.value("SELECT current_user") == OWNER
    session.close()


def test_no_session_is_left_behind_after_a_refusal(server: TestServer, role):
    failure(role("careful", "SET default_transaction_read_only = on"))
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgsluice test'"
    assert_soon(lambda: value(server.dsn, left) == 0)


def assert_soon(condition) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
