"""A rehearsal for people: the two ways side by side, and the verdict."""

from collections.abc import Iterator

from pgsluice.model.measurement import Measurement
from pgsluice.model.rehearsal import Rehearsal, RehearsedSide, StandbySide
from pgsluice.report.measurements import MeasuredRun, duration, measurement_table
from pgsluice.report.texts import size

MOST_NOTES = 12
"""Of many notes the first ones are printed; the JSON has them all."""

GONE = frozenset({"42703", "42P01", "42883", "42704", "3F000"})
"""SQLSTATEs of a column, relation, function, type or schema that is not there."""


def rehearsal_text(rehearsal: Rehearsal, max_stall_s: float) -> str:
    """The whole, in plain text."""
    return "\n".join((heading(rehearsal), "", rehearsal_table(rehearsal), "", *verdict(rehearsal, max_stall_s), *_notes(rehearsal)))


def rehearsal_markdown(rehearsal: Rehearsal, max_stall_s: float) -> str:
    """For a comment on a pull request."""
    passed = "passed" if rehearsal.passes(max_stall_s) else "failed"
    return "\n".join(
        (
            f"### Rehearsal {passed}: {', '.join(f'`{name}`' for name in rehearsal.migrations)}",
            "",
            heading(rehearsal),
            "",
            "```",
            rehearsal_table(rehearsal),
            "```",
            "",
            *(f"- {line}" for line in verdict(rehearsal, max_stall_s)),
            *(f"- {line}" for line in _notes(rehearsal)),
        )
    )


def heading(rehearsal: Rehearsal) -> str:
    """What was rehearsed, and on what."""
    rows = sum(rehearsal.rows.values())
    return (f"{len(rehearsal.migrations)} migrations" if len(rehearsal.migrations) > 1 else "1 migration") + (
        f" on PostgreSQL {rehearsal.server_version}, {rows:,} rows in {len(rehearsal.rows)} tables, "
        f"{rehearsal.rate:.0f} requests/s of {len(rehearsal.requests)} kinds over {rehearsal.connections} connections"
    )


def rehearsal_table(rehearsal: Rehearsal) -> str:
    """The three measurements side by side."""
    sides = (("plain SQL", rehearsal.naive), ("pgsluice", rehearsal.plan))
    runs = [MeasuredRun("no migration", rehearsal.baseline), *(MeasuredRun(title, side.felt, side.took_s) for title, side in sides)]
    return measurement_table(runs)


def verdict(rehearsal: Rehearsal, max_stall_s: float) -> list[str]:
    """Whether the plan may go to production as far as a rehearsal can tell, and why."""
    return [*_naive(rehearsal), *_plan(rehearsal, max_stall_s), *_end(rehearsal), *_standbys(rehearsal)]


def _naive(rehearsal: Rehearsal) -> Iterator[str]:
    naive = rehearsal.naive
    if naive.error is not None:
        yield f"Plain SQL failed: {naive.error}"
    yield f"Plain SQL kept a request waiting for {duration(naive.felt.max_ms)}; {_failed(naive.felt)}{_again(naive)}."


def _plan(rehearsal: Rehearsal, max_stall_s: float) -> Iterator[str]:
    plan, limit = rehearsal.plan, duration(max_stall_s * 1000)
    if plan.error is not None:
        yield f"NOT PASSED: pgsluice did not reach the end: {plan.error}"
    killed = f", although it was killed {plan.killed} times and went on" if plan.killed else ""
    yield f"pgsluice kept a request waiting for {duration(plan.felt.max_ms)} at most; {_failed(plan.felt)}{killed}."
    if gone := sum(count for state, count in plan.felt.errors.items() if state in GONE):
        yield f"{gone:,} of the failed requests ask for what the migration drops or renames: the old release must be gone by then."
    added = duration(rehearsal.longest_added_ms)
    if rehearsal.longest_added_ms > max_stall_s * 1000:
        yield f"NOT PASSED: that is {added} above the quiet baseline, and {limit} is the limit."
    elif plan.error is None:
        yield f"PASSED: that is {added} above the quiet baseline; {limit} is the limit."


def _end(rehearsal: Rehearsal) -> Iterator[str]:
    if rehearsal.same_end is False:
        yield "NOT PASSED: the two ways did not leave the same schema."
    elif rehearsal.same_end:
        yield "Both ways left the same schema."
    elif rehearsal.naive.error is None and rehearsal.plan.error is None:
        yield "Whether both ways left the same schema was not compared: there is no pg_dump for this server."


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
