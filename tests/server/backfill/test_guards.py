"""What keeps a backfill right, taken away piece by piece: a scene of the other tests must then turn red, or it proves nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from pgsluice.execution.backfill import batch
from pgsluice.execution.backfill.cursor import KeyCursor
from pgsluice.execution.backfill.fill import _Passes
from pgsluice.execution.db.errors import DatabaseError
from pgsluice.model.errors import RefusedError
from pgsluice.model.steps import Fill
from tests.server.backfill import test_fill as scenes
from tests.server.backfill.test_fill import ROWS, Killed, Rig, rig, table
from tests.support.sql import execute, value

__all__ = ["rig", "table"]
pytestmark = pytest.mark.newest("the majors differ little here")

COUNTED = Fill("public.t", (("n", "n + 1"),), "true", key=("id",))


def counted_once(rig: Rig, table: str) -> None:
    """By key, killed in the middle and run again."""

    def die(number: int) -> None:
        if number == 4:
            raise Killed

    execute(rig.dsn, "ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 0")
    with pytest.raises(Killed):
        rig.run(COUNTED, hook=die)
    rig.run(COUNTED)
    assert value(rig.dsn, f"SELECT count(*) = {ROWS} AND bool_and(n = 1) FROM t")


def no_second_look(guards: pytest.MonkeyPatch) -> None:
    guards.setattr(_Passes, "_rows_left", lambda self, changed: False)


def no_cursor_of_keys(guards: pytest.MonkeyPatch) -> None:
    guards.setattr(KeyCursor, "behind", lambda self: "NULL::pg_catalog.jsonb")


def batches_with(old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Takes a guard out of the SQL of each batch."""
    whole = batch.batch_sql

    def replaced(*given: Any) -> str:
        sql = whole(*given)
        assert old in sql
        return sql.replace(old, new)

    return lambda guards: guards.setattr(batch, "batch_sql", replaced)


no_level = batches_with(" ISOLATION LEVEL READ COMMITTED READ WRITE", "")
no_asynchronous_commit = batches_with("SET LOCAL synchronous_commit = off;", "")
no_look_at_the_file = batches_with("IS DISTINCT FROM", "<> 0 AND false AND 0 <>")

Scene = Callable[[Rig, str], None]


def replaced(rig: Rig, table: str) -> None:
    execute(rig.dsn, "DROP TABLE t")
    scenes.test_a_new_file_or_none_meanwhile(rig, "CLUSTER t USING t_pkey")


@pytest.mark.parametrize(
    ("guard", "scene"),
    [
        (no_second_look, scenes.test_rows_that_the_application_moves_behind_the_cursor_are_found),
        (no_cursor_of_keys, counted_once),
        (no_level, scenes.test_the_roles_isolation_level_does_not_matter),
        (no_asynchronous_commit, scenes.test_commits_wait_for_nobody),
        (no_look_at_the_file, replaced),
    ],
)
def test_without_it_a_scene_turns_red(rig: Rig, table: str, guard: Callable[[pytest.MonkeyPatch], None], scene: Scene):
    with pytest.MonkeyPatch.context() as guards:
        guard(guards)
        with pytest.raises((AssertionError, DatabaseError, RefusedError)):
            scene(rig, table)


def test_with_all_of_them_each_row_is_counted_once(rig: Rig, table: str):
    counted_once(rig, table)
