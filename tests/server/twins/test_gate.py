"""Before contract: who still uses the old shape is found and refuses it, and what is not of the old shape does not."""

import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from pgsluice import api
from pgsluice.model.errors import StoppedError
from pgsluice.report.status_text import status_text
from pgsluice.report.style import Style
from tests.server.twins.scene import Scene
from tests.support.servers import TestServer
from tests.support.sql import execute, value

pytestmark = pytest.mark.newest("seconds for each case")

BEFORE = "CREATE TABLE t (id int PRIMARY KEY, a int, n int); CREATE TABLE other (a int)"
NOT_OLD = ("SELECT id, n FROM t", "SELECT b FROM t", "SELECT other.a FROM other", "SELECT id AS a FROM t", "SELECT 'a' FROM t")


def _refused(scene: Scene, **settings: Any) -> str:
    with pytest.raises(StoppedError) as stopped:
        api.contract(None, replace(scene.settings, **settings))
    assert stopped.value.code == "old-shape-in-use"
    return str(stopped.value)


@pytest.mark.parametrize(
    ("change", "old"),
    [
        ("ALTER TABLE t RENAME COLUMN a TO b", "SELECT a FROM t"),
        ("ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN b int", "UPDATE t SET a = 1 WHERE id = 1"),
        ("ALTER TABLE t RENAME TO u; ALTER TABLE u ADD COLUMN b int", 'SELECT x.id FROM "t" x'),
    ],
    ids=["renamed column", "dropped column", "renamed table"],
)
def test_a_session_of_the_old_release(scene: Scene, change: str, old: str):
    """It is idle, and that was its last statement. One that used other names is nobody's concern."""
    scene.before(BEFORE)
    scene.write(change)
    scene.run()
    with psycopg.connect(scene.dsn, autocommit=True, application_name="web-1") as connection:
        connection.execute(old)
        said = _refused(scene)
        assert f"session {connection.info.backend_pid}" in said and "web-1" in said and "public.t: " + old[:10] in said
        shown = status_text(api.status(scene.settings), Style(False))
        assert (
            "waits for `pgsluice contract 0001_change`, until nobody uses" in shown
            and f"in use: session {connection.info.backend_pid}" in shown
        )
        if "u" not in change.split():
            for text in NOT_OLD:
                connection.execute(text)
                assert not any("session" in use.who for use in api.status(scene.settings).gates[0].uses), text
            scene.contract()
        else:
            api.contract(None, replace(scene.settings, anyway=True))
    assert api.status(scene.settings).gates == ()


def test_an_application_that_is_said_to_be_old(scene: Scene):
    """Where no name tells the releases apart: that is said, and the names of applications can."""
    scene.before(BEFORE)
    scene.write("ALTER TABLE t ALTER COLUMN a TYPE bigint")
    scene.run()
    with psycopg.connect(scene.dsn, autocommit=True, application_name="web-1.7"):
        assert "is of an application that was given as old" in _refused(scene, old_application=("web-1.*",))
        heard: list[object] = []
        api.contract(None, scene.settings, heard.append)
    assert any("--old-application" in str(event) for event in heard)
    assert value(scene.dsn, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname LIKE '%pgsluice%'") == 0


def test_what_in_the_database_uses_the_old_shape(scene: Scene):
    """A body, the function of a trigger, a view; not what goes with the column, and not a body with words like it."""
    scene.before(BEFORE, "CREATE VIEW going AS SELECT a FROM t")
    scene.write("DROP VIEW going; ALTER TABLE t DROP COLUMN a")
    scene.run()
    execute(
        scene.dsn,
        "CREATE FUNCTION uses() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(a) FROM t); END'",
        "CREATE FUNCTION other_a() RETURNS bigint LANGUAGE sql AS 'SELECT sum(a) FROM other'",
        "CREATE FUNCTION on_t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := 1; RETURN NEW; END'",
        "CREATE TRIGGER on_t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION on_t()",
        "CREATE VIEW seen AS SELECT id, a FROM t",
    )
    said = _refused(scene)
    assert "function uses() uses column a of public.t" in said and "function on_t() uses" in said and "view seen rests on" in said
    assert "going" not in said and "other_a" not in said
    execute(scene.dsn, "DROP VIEW seen", "DROP FUNCTION uses(), on_t() CASCADE")
    scene.contract()


def test_a_statement_that_is_still_called(scene: Scene, server: TestServer):
    """Between others, by sessions that are seldom met at it: pg_stat_statements counts it. One that was called only before is said."""
    scene.before(BEFORE)
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    scene.run()
    database = str(value(scene.dsn, "SELECT current_database()"))
    execute(server.process.dsn(database), "CREATE EXTENSION pg_stat_statements")
    ended = threading.Event()

    def call() -> None:
        while not ended.wait(0.02):
            execute(scene.dsn, "SELECT a FROM t WHERE id = 7")

    calling = threading.Thread(target=call)
    calling.start()
    try:
        said = _refused(scene, look_for=1.0)
    finally:
        ended.set()
        calling.join()
    assert "within 1 s (pg_stat_statements) and uses column a of public.t: SELECT a FROM t" in said
    heard: list[object] = []
    api.contract(None, scene.settings, heard.append)
    assert any("not called while we looked, but" in str(event) for event in heard)


def test_what_an_ordinary_role_cannot_see_is_said(scene: Scene, server: TestServer):
    scene.before(BEFORE)
    scene.write("ALTER TABLE t RENAME COLUMN a TO b")
    scene.run()
    with psycopg.connect(server.process.dsn(str(value(scene.dsn, "SELECT current_database()"))), application_name="other"):
        heard: list[object] = []
        assert "is of an application" in _refused(scene, old_application=("other",))
        api.contract(None, scene.settings, heard.append)
    said = " ".join(map(str, heard))
    assert "sessions of other roles" in said and "pg_stat_statements is not installed" in said
