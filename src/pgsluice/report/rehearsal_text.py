"""A rehearsal for people: the two ways side by side, and the verdict."""

from collections.abc import Iterator

from pgsluice.model.measurement import Measurement
from pgsluice.model.rehearsal import Limits, Rehearsal, RehearsedSide, StandbySide
from pgsluice.report.measurements import MeasuredRun, duration, measurement_table
from pgsluice.report.rehearsal_parts import PART_HEADINGS, estimates, felt_most, locks_of, part_rows, table_markdown
from pgsluice.report.texts import counted, one_line, size

SUMMARY_WIDTH = 200
MOST_NOTES = 12
"""Of many notes the first ones are printed; the JSON has them all."""


def rehearsal_text(rehearsal: Rehearsal, limits: Limits) -> str:
    """The whole, in plain text."""
    sentences = (*verdict(rehearsal, limits), *details(rehearsal))
    return "\n".join((heading(rehearsal), "", rehearsal_table(rehearsal), "", *sentences, *_notes(rehearsal)))


def rehearsal_markdown(rehearsal: Rehearsal, limits: Limits) -> str:
    """For a comment on a pull request."""
    return "\n".join(
        (
            f"### Rehearsal {word(rehearsal, limits)}: {', '.join(f'`{name}`' for name in rehearsal.migrations)}",
            "",
            f"**{summary(rehearsal, limits)}**",
            "",
            heading(rehearsal),
            "",
            "```",
            rehearsal_table(rehearsal),
            "```",
            "",
            *(f"- {line}" for line in (*verdict(rehearsal, limits), *details(rehearsal))),
            *_parts_markdown("Plain SQL", rehearsal.naive),
            *_parts_markdown("pgsluice", rehearsal.plan),
            *(f"- {line}" for line in _notes(rehearsal)),
        )
    )


def word(rehearsal: Rehearsal, limits: Limits) -> str:
    """`passed`, `not passed`, or `not exercised` where that alone stands in the way."""
    if rehearsal.passes(limits):
        return "passed"
    return "not exercised" if not list(_reasons(rehearsal, limits)) else "not passed"


def summary(rehearsal: Rehearsal, limits: Limits) -> str:
    """The verdict in a sentence or two, for readers who have never seen a rehearsal."""
    naive, plan = rehearsal.naive, rehearsal.plan
    failed = f"{counted(naive.felt.failed, 'request')} failed" if naive.felt.failed else "no request failed"
    plain = f"As plain SQL it kept one waiting for {duration(naive.felt.max_ms)}, and {failed}."
    if plan.error is not None:
        return f"pgsluice did not get through this migration: {one_line(plan.error.splitlines()[0], SUMMARY_WIDTH)}"
    if rehearsal.longest_added_ms > limits.max_stall_s * 1000:
        return f"Run by pgsluice, this migration kept a request of the application waiting for {duration(plan.felt.max_ms)}. {plain}"
    if rehearsal.added_errors > limits.max_errors:
        return f"Run by pgsluice, this migration made {counted(rehearsal.added_errors, 'request')} of the application fail. {plain}"
    if rehearsal.same_end is False:
        return "Run by pgsluice, this migration left another schema than as plain SQL."
    if rehearsal.unexercised:
        return f"Nothing can be said: while pgsluice locked {' and '.join(rehearsal.unexercised)}, no request asked for it."
    return (
        f"Run by pgsluice, this migration kept no request of the application waiting for longer than {duration(plan.felt.max_ms)}. {plain}"
    )


def heading(rehearsal: Rehearsal) -> str:
    """What was rehearsed, and on what."""
    rows = counted(sum(rehearsal.rows.values()), "row")
    where = f"{rows} in {counted(len(rehearsal.rows), 'table')}"
    load = f"{rehearsal.rate:.0f} requests/s of {counted(len(rehearsal.requests), 'kind')} over {rehearsal.connections} connections"
    return f"{counted(len(rehearsal.migrations), 'migration')} on PostgreSQL {rehearsal.server_version}, {where}, {load}"


def rehearsal_table(rehearsal: Rehearsal) -> str:
    """The three measurements side by side."""
    sides = (("plain SQL", rehearsal.naive), ("pgsluice", rehearsal.plan))
    runs = [MeasuredRun("no migration", rehearsal.baseline), *(MeasuredRun(title, side.felt, side.took_s) for title, side in sides)]
    return measurement_table(runs)


def verdict(rehearsal: Rehearsal, limits: Limits) -> list[str]:
    """Whether the plan may go to production as far as a rehearsal can tell, and why."""
    return [*_naive(rehearsal), *_plan(rehearsal, limits), *_end(rehearsal)]


def details(rehearsal: Rehearsal) -> list[str]:
    """What else was seen."""
    return [*_most(rehearsal), *_resources(rehearsal), *_standbys(rehearsal), *estimates(rehearsal)]


def _naive(rehearsal: Rehearsal) -> Iterator[str]:
    naive = rehearsal.naive
    if naive.error is not None:
        yield f"Plain SQL failed: {naive.error}"
        if "(SQLSTATE 23" in naive.error:
            yield "The rows are made up: whether production's break that too asks `plan --database`, and --from makes its NULLs."
    yield f"Plain SQL kept a request waiting for {duration(naive.felt.max_ms)}; {_failed(naive.felt)}{_again(naive)}."


def _plan(rehearsal: Rehearsal, limits: Limits) -> Iterator[str]:
    plan = rehearsal.plan
    killed = f", although it was killed {plan.killed} times and went on" if plan.killed else ""
    yield f"pgsluice kept a request waiting for {duration(plan.felt.max_ms)} at most; {_failed(plan.felt)}{killed}."
    if rehearsal.gone:
        yield f"{rehearsal.gone:,} of the failed requests ask for what the migration drops or renames: the old release must be gone before."
    yield from _reasons(rehearsal, limits)
    if rehearsal.baseline.max_ms > limits.max_stall_s * 1000:
        yield (
            f"Without any migration a request waited for {duration(rehearsal.baseline.max_ms)} already: the machine was busy with other "
            "work, and the verdict is worth little."
        )
    for table in rehearsal.unexercised:
        yield f"NOT EXERCISED: the plan locks {table}, and no request met that lock, so nothing could be felt (--load asks it)."
    if rehearsal.passes(limits):
        yield f"PASSED: that is {duration(rehearsal.longest_added_ms)} above the quiet baseline; {_limit(limits)} is the limit."


def _reasons(rehearsal: Rehearsal, limits: Limits) -> Iterator[str]:
    """Why it does not pass, but for what was not exercised."""
    if rehearsal.plan.error is not None:
        yield f"NOT PASSED: pgsluice did not reach the end: {rehearsal.plan.error}"
    if rehearsal.longest_added_ms > limits.max_stall_s * 1000:
        yield f"NOT PASSED: that is {duration(rehearsal.longest_added_ms)} above the quiet baseline, and {_limit(limits)} is the limit."
        if rehearsal.plan.parts and rehearsal.plan.beside.max_ms >= rehearsal.plan.felt.max_ms:
            yield "No step ran then: the machine was busy with other work. Rehearse it again on a quiet one."
    if rehearsal.added_errors > limits.max_errors:
        yield f"NOT PASSED: {rehearsal.added_errors:,} requests failed that would not have, and {limits.max_errors:,} may."
    if rehearsal.same_end is False:
        yield "NOT PASSED: the two ways did not leave the same schema."


def _limit(limits: Limits) -> str:
    return duration(limits.max_stall_s * 1000)


def _end(rehearsal: Rehearsal) -> Iterator[str]:
    if rehearsal.same_end:
        yield "Both ways left the same schema."
    elif rehearsal.same_end is None and rehearsal.naive.error is None and rehearsal.plan.error is None:
        yield "Whether both ways left the same schema was not compared: there is no pg_dump for this server."


def _most(rehearsal: Rehearsal) -> Iterator[str]:
    for way, side in (("plain SQL", rehearsal.naive), ("pgsluice", rehearsal.plan)):
        part = felt_most(side)
        if part is not None:
            during = f"{one_line(part.sql, 80)} (locks against the application: {locks_of(part)})"
            yield f"Felt most with {way}: {duration(part.felt.max_ms)} during {during}."


def _resources(rehearsal: Rehearsal) -> Iterator[str]:
    for way, side in (("plain SQL", rehearsal.naive), ("pgsluice", rehearsal.plan)):
        grew = f"the database grew by {size(side.disk_bytes)} at most"
        queue = f"at most {side.most_waiters:,} sessions waited for locks at once"
        yield f"With {way}: {size(side.wal_bytes)} of WAL, the load's included; {grew}; {queue}."


def _standbys(rehearsal: Rehearsal) -> Iterator[str]:
    """What the limit does not hold for: replay waits for the standby's readers, and they for it."""
    for way, side in (("plain SQL", rehearsal.naive), ("pgsluice", rehearsal.plan)):
        if side.standby is not None:
            yield f"On the standby with {way}: {_standby(side.standby)}."


def _standby(standby: StandbySide) -> str:
    lag = f"replay was {duration(standby.lag_s * 1000)} ({size(standby.lag_bytes)}) behind at most"
    cancelled = ", ".join(f"{count:,} by {what}" for what, count in standby.cancelled.items())
    queries = f"queries that replay cancelled: {cancelled}" if cancelled else "replay cancelled no query"
    if standby.felt is None:
        return f"nothing of the load only reads, so it was asked nothing; {lag}; {queries}"
    return f"a reader waited for {duration(standby.felt.max_ms)} at most; {_failed(standby.felt)}; {lag}; {queries}"


def _parts_markdown(way: str, side: RehearsedSide) -> list[str]:
    if not side.parts:
        return []
    table = table_markdown(PART_HEADINGS, part_rows(side))
    return ["", f"<details><summary>{way}, step by step</summary>", "", *table, "", "</details>", ""]


def _notes(rehearsal: Rehearsal) -> list[str]:
    if not rehearsal.notes:
        return []
    rest = len(rehearsal.notes) - MOST_NOTES
    more = [f"  ... and {rest} more (--format json has all)"] if rest > 0 else []
    return ["", "Not as in production:", *(f"  {note}" for note in rehearsal.notes[:MOST_NOTES]), *more]


def _failed(felt: Measurement) -> str:
    if not felt.failed:
        return "no request failed"
    by_state = ", ".join(f"{state}: {count:,}" for state, count in felt.errors.items())
    return f"{felt.failed:,} of {felt.requests:,} requests failed ({by_state})"


def _again(side: RehearsedSide) -> str:
    return f"; it failed {side.failed_attempts} times and was run again" if side.failed_attempts else ""
