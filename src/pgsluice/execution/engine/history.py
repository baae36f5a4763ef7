"""What has run, beside what lies in the user's directory: what is left to do, and what does not fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.engine.states import settled
from pgsluice.model.errors import RefusedError, UsageError
from pgsluice.model.progress import MigrationFile, MigrationProgress, MigrationState, Status

_QUERIES = named_queries(__package__)


@dataclass(frozen=True, slots=True)
class Todo:
    """`adopt` are to be recorded as applied before anything else, `resume` names migrations that have begun and are gone
    on with from their stored plan, `fresh` are to be planned; all in order."""

    adopt: tuple[MigrationFile, ...]
    resume: tuple[str, ...]
    fresh: tuple[MigrationFile, ...]


def is_pending(record: MigrationProgress | None) -> bool:
    """Whether a migration has left nothing in the database, so that it is planned anew."""
    if record is None or record.state is MigrationState.ROLLED_BACK:
        return True
    return record.state in (MigrationState.RUNNING, MigrationState.FAILED) and not record.changed_anything


def waiting_sql(records: Sequence[MigrationProgress]) -> dict[str, str]:
    """What waits in the contract of each migration that has run, and was not taken back."""
    return {r.name: ";\n".join(s.sql for s in r.waiting) for r in records if r.waiting and not is_pending(r)}


def waiting_for_contract(records: Sequence[MigrationProgress]) -> tuple[str, ...]:
    """The migrations whose `contract` phase waits, in order."""
    return Status(None, tuple(records)).waiting_for_contract


def under_way(records: Sequence[MigrationProgress]) -> tuple[str, ...]:
    """The migrations that can still be taken back."""
    over = (MigrationState.DONE, MigrationState.ADOPTED, MigrationState.ROLLED_BACK)
    return tuple(record.name for record in records if record.state not in over)


def runs_again(record: MigrationProgress | None, repeatable: bool, checksum: str) -> bool:
    """Whether a migration that may run again has run to its end, and was edited since."""
    return repeatable and record is not None and settled(record.state) and record.checksum != checksum


def _due(file: MigrationFile, record: MigrationProgress | None) -> bool:
    return is_pending(record) or runs_again(record, file.repeatable, file.checksum)


def left_to_do(
    session: Session,
    records: Sequence[MigrationProgress],
    files: Sequence[MigrationFile],
    start_after: str | None,
    *,
    from_start: bool = False,
) -> Todo:
    """Sorts the files (in the order in which they run) by what the journal says of them. Changes nothing. `from_start`:
    none of them has run yet, although the database is not empty.

    Raises RefusedError `unknown-history` (an empty journal beside a database that is not), `history-known`,
    `migration-changed`, `out-of-order`, and UsageError `unknown-migration`."""
    known = {record.name: record for record in records}
    if not records:
        adopt = adopted(files, start_after) if start_after is not None else ()
        if start_after is None and not from_start:
            _refuse_unknown_history(session)
        return Todo(adopt, (), tuple(files[len(adopt) :]))
    if start_after is not None and is_pending(known.get(start_after)):
        _refuse_known_history(start_after)
    _refuse_changed(files, known)
    _refuse_out_of_order(files, known)
    begun = [r for r in records if not is_pending(r) and not settled(r.state)]
    return Todo((), tuple(r.name for r in begun), tuple(f for f in files if _due(f, known.get(f.name))))


def adopted(files: Sequence[MigrationFile], start_after: str) -> tuple[MigrationFile, ...]:
    """The files up to and including that of the name; raises UsageError `unknown-migration`."""
    names = [file.name for file in files]
    if start_after not in names:
        raise UsageError(
            "unknown-migration",
            f"--start-after names {start_after!r}, which is none of the {len(names)} migrations given",
            next=f"name one of them, such as {names[-1]!r}" if names else "give the directory that holds it",
        )
    return tuple(files[: names.index(start_after) + 1])


def _refuse_unknown_history(session: Session) -> None:
    objects = session.rows(_QUERIES["some_objects"])
    if objects:
        raise RefusedError(
            "unknown-history",
            f"the journal is empty but the database is not (it has {objects[0]['name']}): which migrations have run?",
            next="`run --start-after NAME` takes those up to and including NAME as applied, `run --from-start` none of them;"
            " `pgsluice import-history` takes over what another tool recorded",
        )


def _refuse_known_history(start_after: str) -> None:
    raise RefusedError(
        "history-known",
        f"--start-after {start_after}: the journal already knows what has run here, and {start_after} has not",
        next="leave the option away; `pgsluice status` shows the history",
    )


def _refuse_changed(files: Sequence[MigrationFile], known: Mapping[str, MigrationProgress]) -> None:
    for file in files:
        record = known.get(file.name)
        if record is not None and not _due(file, record) and record.checksum != file.checksum:
            ways = "put it back as it was and write a new migration for the change"
            undo = "" if settled(record.state) else f", or `pgsluice rollback {file.name}` first"
            raise RefusedError(
                "migration-changed",
                f"migration {file.name} was changed after it has run ({record.state}): its checksum is {file.checksum[:12]},"
                f" the journal has {record.checksum[:12]}",
                where=file.path,
                next=ways + undo,
            )


def _refuse_out_of_order(files: Sequence[MigrationFile], known: Mapping[str, MigrationProgress]) -> None:
    pending: MigrationFile | None = None
    for file in (f for f in files if not f.repeatable):
        if is_pending(known.get(file.name)):
            pending = pending or file
        elif pending is not None:
            raise RefusedError(
                "out-of-order",
                f"migration {pending.name} has not run, but {file.name}, which comes after it, has",
                where=pending.path,
                next=f"rename it so that it comes after {files[-1].name}",
            )
