"""What is left to do, from what the journal says and what lies in the directory."""

import pytest

from pgsluice.execution.engine.history import is_pending, left_to_do
from pgsluice.model.errors import RefusedError, UsageError
from pgsluice.model.plan import PhaseName
from pgsluice.model.progress import MigrationFile, MigrationProgress, MigrationState, StepProgress, StepState
from pgsluice.model.steps import StepKind

FILES = [MigrationFile(name, f"sum of {name}", f"dir/{name}.sql") for name in ("1_a", "2_b", "3_c")]


def _record(name: str, state: MigrationState, *steps: StepProgress, order: int = 1) -> MigrationProgress:
    return MigrationProgress(name, f"sum of {name}", f"dir/{name}.sql", order, state, PhaseName.MIGRATE, steps=steps)


def _step(kind: StepKind, state: StepState) -> StepProgress:
    return StepProgress("s", PhaseName.EXPAND, kind, "SELECT 1", state)


def _sort(records, start_after=None, files=FILES):
    return left_to_do(None, records, files, start_after)  # type: ignore[arg-type]  # asked only where the journal is empty


DONE = _step(StepKind.STRIKE, StepState.DONE)


def test_done_ones_are_left_out_and_begun_ones_go_on():
    todo = _sort([_record("1_a", MigrationState.DONE, DONE), _record("2_b", MigrationState.FAILED, DONE, order=2)])
    assert (todo.adopt, todo.resume, todo.fresh) == ((), ("2_b",), (FILES[2],))


def test_one_at_the_gate_is_gone_on_with():
    assert _sort([_record("1_a", MigrationState.WAITING, DONE)]).resume == ("1_a",)


@pytest.mark.parametrize(
    ("kind", "state", "pending"),
    [
        (StepKind.STRIKE, StepState.FAILED, True),  # the server rolled it back
        (StepKind.STRIKE, StepState.STARTED, True),
        (StepKind.STRIKE, StepState.DONE, False),
        (StepKind.BUILD_INDEX, StepState.STARTED, False),  # an invalid index may stand
        (StepKind.BACKFILL, StepState.FAILED, False),
        (StepKind.STRIKE, StepState.PENDING, True),
    ],
)
def test_whoever_changed_nothing_is_planned_anew(kind, state, pending):
    record = _record("1_a", MigrationState.FAILED, _step(kind, state))
    assert is_pending(record) is pending
    todo = _sort([record])
    assert (FILES[0] in todo.fresh) is pending and (todo.resume == ()) is pending


def test_start_after_takes_the_earlier_ones_as_applied():
    todo = _sort([], "2_b")
    assert (todo.adopt, todo.fresh) == (tuple(FILES[:2]), (FILES[2],))
    adopted = [_record(f.name, MigrationState.ADOPTED, order=n) for n, f in enumerate(FILES[:2])]
    again = _sort(adopted, "2_b")  # the option may stay in the configuration
    assert (again.adopt, again.fresh) == ((), (FILES[2],))


def test_start_after_does_not_skip_what_the_journal_says_has_not_run():
    with pytest.raises(RefusedError) as refusal:
        _sort([_record("1_a", MigrationState.DONE, DONE)], "2_b")
    assert refusal.value.code == "history-known"


def test_start_after_an_unknown_name():
    with pytest.raises(UsageError) as refusal:
        _sort([], "9_z")
    assert refusal.value.code == "unknown-migration"


def test_a_changed_file_is_named():
    changed = [MigrationFile("1_a", "another", "dir/1_a.sql"), *FILES[1:]]
    with pytest.raises(RefusedError) as refusal:
        _sort([_record("1_a", MigrationState.DONE, DONE)], files=changed)
    assert (refusal.value.code, refusal.value.where) == ("migration-changed", "dir/1_a.sql")
    assert _sort([_record("1_a", MigrationState.ROLLED_BACK)], files=changed).fresh == tuple(changed)


def test_a_pending_file_before_one_that_has_run_is_named():
    with pytest.raises(RefusedError) as refusal:
        _sort([_record("2_b", MigrationState.DONE, DONE)])
    assert (refusal.value.code, refusal.value.where) == ("out-of-order", "dir/1_a.sql")
