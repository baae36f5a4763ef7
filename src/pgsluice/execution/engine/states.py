"""Which states may follow which: a table of arrows, each with its reason. Whatever is not here does not happen."""

from collections.abc import Mapping

from pgsluice.model.progress import MigrationState as State

ARROWS: Mapping[tuple[State, State], str] = {
    (State.RUNNING, State.RUNNING): "a run died or was stopped; the next one goes on where it was",
    (State.RUNNING, State.FAILED): "a step failed",
    (State.RUNNING, State.WAITING): "all that was asked for is done, later phases are not asked for",
    (State.RUNNING, State.DONE): "the last step is done",
    (State.RUNNING, State.ROLLING_BACK): "a run died, and the user takes back what it did",
    (State.FAILED, State.RUNNING): "the user runs it again",
    (State.FAILED, State.ROLLING_BACK): "the user takes back what was done before the failure",
    (State.WAITING, State.RUNNING): "a later phase is asked for",
    (State.WAITING, State.ROLLING_BACK): "the user takes the expansion back",
    (State.DONE, State.ROLLING_BACK): "it had no contract phase, so the old release still works without it",
    (State.ROLLING_BACK, State.ROLLING_BACK): "a rollback died or failed; the next one goes on where it was",
    (State.ROLLING_BACK, State.RUNNING): "the user goes forward again after a rollback that died or failed",
    (State.ROLLING_BACK, State.ROLLBACK_STOPPED): "the next step to take back has no undo",
    (State.ROLLING_BACK, State.ROLLED_BACK): "every step is taken back",
    (State.ROLLBACK_STOPPED, State.RUNNING): "the user goes forward again",
    (State.ROLLBACK_STOPPED, State.ROLLING_BACK): "the user tries once more to take it back",
}
"""A migration's states. A pending one (no record, or ROLLED_BACK, or nothing changed yet) begins as RUNNING with a new
plan; an ADOPTED one stays as it is."""


def follow(was: State, becomes: State) -> State:
    """`becomes`, where there is an arrow to it; raises ValueError, which is a mistake of ours."""
    if not may_follow(was, becomes):
        raise ValueError(f"a migration does not go from {was.value!r} to {becomes.value!r}")
    return becomes


def may_follow(was: State, becomes: State) -> bool:
    """Whether a migration may go from the one state to the other."""
    return (was, becomes) in ARROWS


def settled(state: State) -> bool:
    """Whether `run` has nothing to do there, whatever phase it goes through."""
    return state in (State.DONE, State.ADOPTED)
