"""What a step's undo does, as steps of their own that handlers carry out."""

from dataclasses import replace

from pgsluice.execution.engine.one_step import PREPARING, Crew, Errand, carry_out
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.progress import StepState
from pgsluice.model.steps import Step, StepKind, Undo


def backward(step: Step, undo: Undo) -> Step:
    """The way back as a step of its own, under the id of the step that it takes back."""
    return replace(step, kind=undo.kind, sql=undo.sql, locks=undo.locks, subject=undo.subject, done_when=_gone(undo), undo=None, fill=None)


def prepare(crew: Crew, migration: str, step: Step, undos: tuple[Undo, ...], search_path: tuple[str, ...]) -> None:
    """Carries out, in order, what may be repeated: the step is half taken back before and after. Raises as `carry_out`."""
    for undo in undos:
        carry_out(crew, Errand(migration, backward(step, undo), PREPARING, search_path), StepState.DONE)


def _gone(undo: Undo) -> str | None:
    """How the catalog shows that an index step of the way back is done; for others only the journal can tell."""
    if undo.subject is None or undo.kind not in (StepKind.DROP_INDEX, StepKind.BUILD_INDEX):
        return None
    index = f"pg_catalog.to_regclass({literal(undo.subject)})"
    if undo.kind is StepKind.DROP_INDEX:
        attached = f"EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = {index})"
        return f"SELECT {index} IS NULL OR {attached}"  # the index of a partition goes with its parent's
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = {index} AND indisvalid)"
