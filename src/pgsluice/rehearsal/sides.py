"""From what was observed to what a side of the rehearsal is: its statements or steps, its kinds of requests, what was felt of each."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgsluice.model.events import Event, StepDone, StepSkipped, StepStarted
from pgsluice.model.plan import Plan
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.rehearsal import Felt, RehearsedPart, RehearsedSide, StandbySide, strongest_blocking
from pgsluice.model.steps import Lock, Step, StepKind
from pgsluice.rehearsal.latency.recording import SUCCESS, Recording, Request
from pgsluice.rehearsal.observation import Observed
from pgsluice.rehearsal.plain import PlainStatement

News = list[tuple[float, Event]]
"""Events of a run with the time on the monotonic clock at which they came."""

WORKING = (StepKind.BACKFILL, StepKind.BUILD_INDEX, StepKind.REINDEX, StepKind.TRANSACTION, StepKind.OUTSIDE)
"""Kinds of steps that work through the rows of a table, so that they take longer on more rows. A strike is brief on any."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows by table: those made here, and those in production as far as they are known. `relations` are all that were there before
    the migrations: tables, views and sequences."""

    here: Mapping[str, int]
    live: Mapping[str, int]
    relations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a way ended."""

    failed_attempts: int = 0
    killed: int = 0
    error: str | None = None


Part = tuple[float, float, Callable[[float, float, Felt], RehearsedPart]]
"""When a part began and ended, and what makes it of its times since the start and of what was felt meanwhile."""


def side_of(seen: Observed[Any], outcome: Outcome, parts: Iterable[Part], standby: StandbySide | None) -> RehearsedSide:
    """All that is known of one way."""
    requests = sorted(_between(seen.recording, seen.begin_s, seen.end_s), key=lambda r: r.start_s)
    begin_s, end_s = seen.begin_s, seen.end_s
    spans = list(parts)
    return RehearsedSide(
        seen.felt,
        seen.took_s,
        outcome.failed_attempts,
        outcome.killed,
        outcome.error,
        standby,
        tuple(make(since - begin_s, until - begin_s, _felt_between(requests, since, until)) for since, until, make in spans),
        _by_request(requests),
        _felt(list(_beside(requests, spans))),
        seen.around.waiters(begin_s, end_s),
        seen.around.wal_bytes(begin_s, end_s),
        seen.around.disk_bytes(begin_s, end_s),
    )


def plain_parts(statements: Sequence[PlainStatement]) -> Iterator[Part]:
    """A part for each attempt at a statement."""
    return ((one.begin_s, one.end_s, _plain_part(one)) for one in statements)


def _plain_part(one: PlainStatement) -> Callable[[float, float, Felt], RehearsedPart]:
    return lambda begin, end, felt: RehearsedPart(one.migration, one.sql, begin, end, felt, locks=one.locks, error=one.error)


def plan_parts(news: News, plan: Plan | None, sizes: Sizes) -> Iterator[Part]:
    """A part for each step that was done or failed."""
    steps = {(m.name, step.id): step for m in plan.migrations for _, step in m.steps()} if plan is not None else {}
    begun: dict[tuple[str, str], tuple[float, StepStarted]] = {}
    for at_s, event in news:
        key = (event.migration, event.step)
        if isinstance(event, StepStarted):
            begun[key] = (at_s, event)
        elif isinstance(event, StepDone | StepSkipped) and key in begun:
            since, started = begun.pop(key)
            yield since, at_s, _plan_part(started, steps.get(key), sizes)
    last_s = news[-1][0] if news else 0.0
    for since, started in begun.values():
        yield since, last_s, _plan_part(started, None, sizes)


def _plan_part(started: StepStarted, step: Step | None, sizes: Sizes) -> Callable[[float, float, Felt], RehearsedPart]:
    locks = tuple(lock for lock in step.locks if lock.relation in sizes.relations) if step is not None else ()
    table = _worked(step, locks) if step is not None else None
    rows, live = (sizes.here.get(table or ""), sizes.live.get(table or ""))
    kind = started.kind.replace("_", " ")
    return lambda begin, end, felt: RehearsedPart(started.migration, started.sql, begin, end, felt, kind, locks, rows, live)


def _worked(step: Step, locks: Sequence[Lock]) -> str | None:
    """The table whose rows a step works through."""
    if step.fill is not None:
        return step.fill.table
    return locks[0].relation if step.kind in WORKING and locks else None


def locked_tables(plan: Plan) -> dict[str, LockMode]:
    """The relations that the steps lock against the application, each with the strongest mode."""
    return strongest_blocking(lock for migration in plan.migrations for _, step in migration.steps() for lock in step.locks)


def _between(recording: Recording, since_s: float, until_s: float) -> Iterator[Request]:
    return (request for request in recording.requests() if since_s <= request.start_s < until_s)


def _felt_between(ordered: Sequence[Request], since_s: float, until_s: float) -> Felt:
    """What those felt that were due then."""
    first = bisect_left(ordered, since_s, key=lambda r: r.start_s)
    return _felt(ordered[first : bisect_left(ordered, until_s, key=lambda r: r.start_s)])


def _beside(requests: Iterable[Request], parts: Sequence[Part]) -> Iterator[Request]:
    """Those that were over before any part began, or due after it had ended."""
    spans = [(since, until) for since, until, _ in parts]
    for request in requests:
        end_s = request.start_s + request.wait_s
        if all(end_s < since or request.start_s > until for since, until in spans):
            yield request


def _by_request(requests: Iterable[Request]) -> dict[str, Felt]:
    kinds: dict[str, list[Request]] = {}
    for request in requests:
        kinds.setdefault(request.kind, []).append(request)
    return {kind: _felt(kinds[kind]) for kind in sorted(kinds)}


def _felt(requests: Sequence[Request]) -> Felt:
    waits_ms = [request.wait_s * 1000 for request in requests]
    failed = sum(1 for request in requests if request.outcome != SUCCESS)
    return Felt(len(requests), failed, max(waits_ms, default=0.0), sum(1 for wait in waits_ms if wait > 100))
