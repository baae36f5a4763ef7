"""Three migrations that are expanded at once: contracted in their order they end as plain SQL does, rolled back in reverse as before."""

from dataclasses import replace
from pathlib import Path

import pytest

from pgsluice import api
from pgsluice.model.errors import RefusedError
from tests.server.twins.scene import Scene
from tests.support.oracle import differences, picture
from tests.support.sql import execute

pytestmark = pytest.mark.newest("three migrations there and back")

BEFORE = (
    "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c text, UNIQUE (b)); CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t)",
    "INSERT INTO t SELECT g, g, g, g FROM generate_series(1, 300) g; INSERT INTO u SELECT g, g FROM generate_series(1, 300) g",
)
FILES = {
    "0001_wide": "ALTER TABLE t ALTER a TYPE bigint",
    "0002_less": "ALTER TABLE t DROP COLUMN c;\nALTER TABLE t ADD COLUMN d int NOT NULL DEFAULT 3",
    "0003_list": "CREATE INDEX t_d ON t (d, a);\nALTER TABLE u RENAME TO uses",
}
ON_WHAT_WAITS = {
    "CREATE INDEX ON t (c)": "0002_less",
    "ALTER TABLE t ALTER a TYPE numeric": "0001_wide",
    "ALTER TABLE uses ADD COLUMN x int; DROP TABLE u": "0003_list",
}


@pytest.fixture
def expanded(scene: Scene) -> Scene:
    scene.before(*BEFORE)
    _write(scene.folder, FILES)
    scene.run()
    assert list(api.status(scene.settings).waiting_for_contract) == [*FILES]
    return scene


def test_contracted_in_their_order_they_end_as_plain_sql_does(expanded: Scene):
    with pytest.raises(RefusedError) as caught:
        api.contract("0003_list", expanded.settings)
    assert (caught.value.code, caught.value.next) == ("contract-order", "`pgsluice contract 0001_wide` first")
    for name in FILES:
        api.contract(name, expanded.settings)
    for text in FILES.values():
        execute(expanded.plain, text)
    assert differences(picture(expanded.plain), expanded.picture()) == ""


def test_rolled_back_in_reverse_they_leave_nothing(expanded: Scene):
    with pytest.raises(RefusedError) as caught:
        api.rollback("0001_wide", expanded.settings)
    assert (caught.value.code, caught.value.next) == ("not-the-latest", "roll back 0003_list first")
    for name in reversed(FILES):
        api.rollback(name, expanded.settings, ask=lambda losses: True)
    assert differences(picture(expanded.plain), expanded.picture()) == ""


@pytest.mark.parametrize("change", ON_WHAT_WAITS)
def test_a_fourth_that_builds_on_what_waits_is_told_what_to_contract(expanded: Scene, change: str):
    before = expanded.picture()
    _write(expanded.folder, {"0004_next": change})
    with pytest.raises(RefusedError) as caught:
        expanded.run()
    assert caught.value.code == "contract-first" and ON_WHAT_WAITS[change] in (caught.value.next or "")
    assert differences(before, expanded.picture()) == ""


def test_two_changes_of_one_column_in_one_run(scene: Scene):
    """To the gate only the first one comes; through contract both, although the second cannot be planned before."""
    scene.before(*BEFORE)
    _write(scene.folder, {"0001_wide": FILES["0001_wide"], "0002_wider": "ALTER TABLE t ALTER a TYPE numeric"})
    with pytest.raises(RefusedError, match="0001_wide") as caught:
        scene.run()
    assert caught.value.code == "contract-first"
    through = replace(scene.settings, through="contract")
    api.run([scene.folder], through)
    execute(scene.plain, FILES["0001_wide"], "ALTER TABLE t ALTER a TYPE numeric")
    assert differences(picture(scene.plain), scene.picture()) == ""


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
