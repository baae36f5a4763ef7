"""The table of arrows."""

import pytest

from pgsluice.execution.engine.states import ARROWS, follow, settled
from pgsluice.model.progress import MigrationState


def test_every_arrow_says_why():
    assert all(ARROWS.values())


def test_nothing_leaves_what_is_settled_but_a_rollback():
    leaving = {(was, becomes) for was, becomes in ARROWS if settled(was)}
    assert leaving == {(MigrationState.DONE, MigrationState.ROLLING_BACK)}


def test_every_state_but_adopted_is_reached_and_none_is_a_trap():
    reached = {becomes for _, becomes in ARROWS}
    assert reached == set(MigrationState) - {MigrationState.ADOPTED}
    ends = {MigrationState.ROLLED_BACK, MigrationState.ADOPTED}
    assert {was for was, _ in ARROWS} == set(MigrationState) - ends


def test_a_way_that_is_not_there():
    with pytest.raises(ValueError, match="'done' to 'running'"):
        follow(MigrationState.DONE, MigrationState.RUNNING)
