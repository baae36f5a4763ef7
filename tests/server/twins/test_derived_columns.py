"""A new column computed from others, kept in step with them in both directions while two releases write."""

import threading
import time

import psycopg
import pytest

from pgsluice import api, backfills
from pgsluice.model.errors import RefusedError, StepFailedError
from tests.server.twins.scene import Scene
from tests.support.oracle import differences
from tests.support.sql import execute, rows

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, age int);
INSERT INTO people SELECT i, 'First' || i || ' Last' || i, i FROM generate_series(1, 2000) i;
"""
CHANGE = """
-- pgsluice: from "split_part(name, ' ', 1)" back "first || ' ' || last"
ALTER TABLE people ADD COLUMN first text NOT NULL;
-- pgsluice: from "split_part(people.name, ' ', 2)" back "first || ' ' || last"
ALTER TABLE people ADD COLUMN last text;
"""
PLAIN = """
ALTER TABLE people ADD COLUMN first text; ALTER TABLE people ADD COLUMN last text;
UPDATE people SET first = split_part(name, ' ', 1), last = split_part(name, ' ', 2);
ALTER TABLE people ALTER first SET NOT NULL;
"""


def _old_release(dsn: str, stop: threading.Event, failed: list[str]) -> None:
    """Knows the name only."""
    try:
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            number = 10_000
            while not stop.is_set():
                number += 1
                connection.execute("INSERT INTO people (id, name) VALUES (%s, %s)", (number, f"Old{number} Name"))
                connection.execute("UPDATE people SET name = %s WHERE id = %s", (f"Older{number} Name", number))
                connection.execute("UPDATE people SET age = age + 1 WHERE id = %s", (1 + number % 2000,))
                found = connection.execute("SELECT name FROM people WHERE id = %s", (number,)).fetchone()
                if found != (f"Older{number} Name",):
                    failed.append(f"{number}: {found}")
    except Exception as error:
        failed.append(repr(error))


def test_split_while_the_old_release_writes(scene: Scene):
    scene.before(PEOPLE)
    before = scene.picture()
    scene.write(CHANGE)
    stop, failed = threading.Event(), list[str]()
    writer = threading.Thread(target=_old_release, args=(scene.dsn, stop, failed))
    writer.start()
    scene.run()
    execute(scene.dsn, "UPDATE people SET first = 'New' WHERE id = 1", "UPDATE people SET last = 'Both', first = 'Two' WHERE id = 2")
    execute(scene.dsn, "INSERT INTO people (id, first, last) VALUES (9000, 'Only', 'Parts')")
    time.sleep(0.3)
    assert rows(scene.dsn, "SELECT id, name, age > id FROM people WHERE id IN (1, 2, 9000) ORDER BY 1") == [
        (1, "New Last1", rows(scene.dsn, "SELECT age > id FROM people WHERE id = 1")[0][0]),
        (2, "Two Both", rows(scene.dsn, "SELECT age > id FROM people WHERE id = 2")[0][0]),
        (9000, "Only Parts", None),
    ]
    wrong = "SELECT id, name, first, last FROM people WHERE name <> first || ' ' || last"
    assert rows(scene.dsn, wrong) == []
    scene.roll_back()
    assert rows(scene.dsn, "SELECT name FROM people WHERE id IN (1, 2, 9000) ORDER BY id") == [
        ("New Last1",),
        ("Two Both",),
        ("Only Parts",),
    ]
    scene.run()
    assert rows(scene.dsn, wrong) == []
    stop.set()
    writer.join()
    assert failed == []
    execute(scene.dsn, "DELETE FROM people WHERE id > 2000", "UPDATE people SET age = id, name = 'First' || id || ' Last' || id")
    scene.contract()
    execute(scene.plain, PLAIN)
    scene.change = "SELECT"
    assert scene.differences_to_plain() == ""
    assert differences(before, before) == ""


def test_a_wrong_expression_changes_nothing(scene: Scene):
    scene.before("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t VALUES (1, '1'), (2, 'x')")
    before = scene.picture()
    for source in ("a::int", "nowhere(a)", "a::point"):
        scene.write(f'-- pgsluice: from "{source}" back "b::text"\nALTER TABLE t ADD COLUMN b int;')
        with pytest.raises((RefusedError, StepFailedError)):
            scene.run()
        assert differences(before, scene.picture()) == ""


@pytest.mark.parametrize("source", ["nullif(a, 'x')", "a || NULL"])
def test_a_value_that_may_not_be_null_changes_nothing(scene: Scene, source: str):
    scene.before("CREATE TABLE t (id int PRIMARY KEY, a text, c text)", "INSERT INTO t VALUES (1, '1', 'c'), (2, 'x', NULL)")
    before = scene.picture()
    for change in (
        f'from "{source}" back "b"\nALTER TABLE t ADD COLUMN b text NOT NULL;',
        f'from "{source}"\nALTER TABLE t ALTER c SET NOT NULL;',
    ):
        scene.write(f"-- pgsluice: {change}")
        with pytest.raises(RefusedError, match=r"gives NULL, which . may not be: SELECT \* FROM"):
            scene.run()
        assert differences(before, scene.picture()) == ""


def test_a_column_that_moves_to_another_table_as_the_guide_says(scene: Scene):
    """The triggers are refused; the way of three releases is open."""
    scene.before(
        "CREATE TABLE users (id int PRIMARY KEY, email text); CREATE TABLE profiles (id int PRIMARY KEY, owner int REFERENCES users)",
        "INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 500) i",
        "INSERT INTO profiles SELECT i, i FROM generate_series(1, 500) i",
    )
    scene.write('-- pgsluice: from "users.email" back "email"\nALTER TABLE profiles ADD COLUMN email text;')
    with pytest.raises(RefusedError, match=r"users\.email is a column of another table"):
        scene.run()
    scene.write("ALTER TABLE profiles ADD COLUMN email text;")
    scene.run()
    execute(scene.dsn, "UPDATE profiles SET email = 'stale' WHERE id = 9")
    theirs = "(SELECT u.email FROM users u WHERE u.id = owner)"
    change = backfills.Change("profiles", (f"email = {theirs}",), where=f"email IS DISTINCT FROM {theirs}")
    assert backfills.backfill(change, scene.settings).rows == 500
    (scene.folder / "0002_gone.sql").write_text("ALTER TABLE users DROP COLUMN email;")
    scene.run()
    api.contract("0002_gone", scene.settings)
    execute(scene.plain, "ALTER TABLE profiles ADD email text", "UPDATE profiles SET email = 'u' || owner", "ALTER TABLE users DROP email")
    scene.change = "SELECT"
    assert scene.differences_to_plain() == ""


def test_not_null_while_the_old_release_writes_null(scene: Scene):
    scene.before(
        "CREATE TABLE t (id int PRIMARY KEY, a text, n int)",
        "INSERT INTO t SELECT i, nullif('a' || i % 3, 'a0'), i FROM generate_series(1, 999) i",
    )
    scene.write("-- pgsluice: from \"'none of ' || t.n\"\nALTER TABLE t ALTER COLUMN a SET NOT NULL;")
    scene.run()
    execute(scene.dsn, "INSERT INTO t VALUES (2000, NULL, 5)", "UPDATE t SET a = NULL WHERE id = 1")
    assert rows(scene.dsn, "SELECT id, a FROM t WHERE id IN (1, 3, 2000) ORDER BY 1") == [
        (1, "none of 1"),
        (3, "none of 3"),
        (2000, "none of 5"),
    ]
    scene.roll_back()
    execute(scene.dsn, "INSERT INTO t VALUES (2001, NULL, 6)")
    scene.run()
    scene.contract()
    execute(
        scene.plain,
        "UPDATE t SET a = 'none of ' || n WHERE a IS NULL OR id = 1",
        "INSERT INTO t VALUES (2000, 'none of 5', 5), (2001, 'none of 6', 6)",
    )
    assert scene.differences_to_plain() == ""
