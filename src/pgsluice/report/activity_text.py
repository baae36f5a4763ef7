"""A look at the server for people, as plain text: what `watch --once` prints and what stands in the terminal program's panes."""

from collections.abc import Iterator, Sequence

from pgsluice.model.lock_forest import Branch, lock_forest
from pgsluice.model.snapshot import Backend, Operation, Snapshot
from pgsluice.report.activity_sentences import alarms, behind, label, query, who
from pgsluice.report.style import Style
from pgsluice.report.texts import counted, duration, one_line, size

FOLD_FROM = 4
"""Waiters beside each other that have nobody behind them and want the same are one line from this many on."""

LONG_SHOWN = 10


def snapshot_text(snapshot: Snapshot, style: Style, width: int = 140) -> str:
    """The whole look without its last newline."""
    if snapshot.problem is not None:
        return f"{headline(snapshot)}\n{style(snapshot.problem, 'red')}"
    sections = (
        ("", [style(headline(snapshot), "bold")]),
        ("", [style(said, "yellow") for said in alarms(lock_forest(snapshot.queues))]),
        ("locks", forest_lines(lock_forest(snapshot.queues), width)),
        ("runs", run_lines(snapshot)),
        ("in progress", [operation_line(operation) for operation in snapshot.operations]),
        ("long transactions", long_lines(snapshot, width)),
        ("replication", replication_lines(snapshot)),
        ("not seen", list(snapshot.unseen)),
    )
    return "\n".join(line for title, lines in sections for line in _section(title, lines, style))


def headline(snapshot: Snapshot) -> str:
    """Where and when, and the sessions by state."""
    counts = snapshot.counts
    states = [
        f"{number} {state}"
        for number, state in (
            (counts.active, "active"),
            (counts.idle_in_transaction, "idle in transaction"),
            (counts.idle, "idle"),
        )
        if number
    ]
    where = f"{snapshot.database} on PostgreSQL {snapshot.server_version}{', hot standby' if snapshot.in_recovery else ''}"
    if snapshot.problem is not None:
        return f"{snapshot.taken_at[11:19]}  {snapshot.database or 'no connection'}"
    waiting = f"; {counted(snapshot.queues.waiting, 'session waits', 'sessions wait')} for locks" if snapshot.queues.waiting else ""
    return f"{snapshot.taken_at[11:19]}  {where}: {counted(counts.total, 'session')} ({', '.join(states) or 'states hidden'}){waiting}"


def forest_lines(forest: Sequence[Branch], width: int = 140) -> list[str]:
    """The trees, those of a kind that wait beside each other folded into one line."""
    return [line for tree in forest for line in _tree(tree, "", "", width)]


def _tree(branch: Branch, first: str, rest: str, width: int) -> Iterator[str]:
    yield first + label(branch) + (f"; {behind(branch)}" if branch.behind else "")
    text = query(branch.backend, max(30, width - len(rest) - 6))
    if text:
        yield f"{rest}{'│ ' if branch.children else '  '}  {text}"
    groups = folded(branch.children)
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        joint, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if len(group) == 1:
            yield from _tree(group[0], rest + joint, rest + under, width)
        else:
            yield rest + joint + group_label(group, max(30, width - len(rest) - 50))


def folded(children: Sequence[Branch]) -> list[list[Branch]]:
    """Those with nobody behind them, of one DDL-free kind, together where they are many; the longest wait first."""
    groups: dict[object, list[Branch]] = {}
    for child in children:
        plain = not child.children and child.wait is not None and child.backend.definition is None
        key = (child.wait.mode, child.wait.object) if plain and child.wait else child.backend.id
        groups.setdefault(key, []).append(child)
    return [part for group in groups.values() for part in ([group] if len(group) >= FOLD_FROM else [[one] for one in group])]


def group_label(group: Sequence[Branch], width: int) -> str:
    """`80 sessions wait for ACCESS SHARE on public.t, up to 3 s: SELECT ...`"""
    first = group[0]
    assert first.wait is not None
    longest = max(b.wait.waited_s for b in group if b.wait)
    what = f"a row of {first.wait.relation}" if first.wait.row else f"{first.wait.mode} on {first.wait.object}"
    text = query(first.backend, width)
    return f"{counted(len(group), 'session waits', 'sessions wait')} for {what}, up to {duration(longest)}{f': {text}' if text else ''}"


def run_lines(snapshot: Snapshot) -> list[str]:
    """Our runs and backfills, as the journal has them."""
    runs = snapshot.runs
    lines = [f"{'running now' if runs.alive else 'nobody runs; last'}: {runs.holder}"] if runs.holder and (runs.alive or runs.steps) else []
    lines += list(runs.migrations)
    for step in runs.steps:
        time = f" for {duration(step.running_s)}" if step.running_s is not None else ""
        error = f" ({one_line(step.error, 80)})" if step.error else ""
        lines.append(f"  {step.migration} {step.id} {step.phase} {step.state}{time}: {one_line(step.sql, 80)}{error}")
    for fill in runs.backfills:
        rate = f", {fill.rows_per_s:,.0f} rows/s" if fill.rows_per_s is not None else ""
        lines.append(
            f"  backfill {fill.migration} {fill.step}: {counted(fill.rows_done, 'row')}{rate}, last batch {duration(fill.quiet_s)} ago"
        )
    return lines


def operation_line(operation: Operation) -> str:
    """`pid 12, CREATE INDEX CONCURRENTLY on public.t: building index, 120 of 400 blocks (30%)`."""
    share = (
        f", {operation.done:,} of {operation.total:,} {operation.unit} ({operation.done / operation.total:.0%})" if operation.total else ""
    )
    waits = f", waits for pid {operation.waits_for}" if operation.waits_for else ""
    on = f" on {operation.relation}" if operation.relation else ""
    return f"pid {operation.pid}, {operation.command}{on}: {operation.phase}{share}{waits}"


def long_lines(snapshot: Snapshot, width: int = 140) -> list[str]:
    """The long transactions that do not stand in the lock forest, the oldest first."""
    shown = {id for wait in snapshot.queues.waits for id in (wait.waiter, *wait.blockers)}
    left = [backend for backend in snapshot.long if backend.id not in shown]
    lines = [line for backend in left[:LONG_SHOWN] for line in _long(backend, width)]
    return [*lines, f"and {len(left) - LONG_SHOWN} younger ones"] if len(left) > LONG_SHOWN else lines


def replication_lines(snapshot: Snapshot) -> list[str]:
    """Standbys, slots, WAL and what holds the oldest snapshot."""
    lines = [
        f"standby {r.name}: {r.state or 'hidden'}, {_bytes(r.lag_bytes)} behind{f', {duration(r.lag_s)}' if r.lag_s is not None else ''}"
        for r in snapshot.replicas
    ]
    lines += [
        f"slot {s.name} ({s.kind}, {'active' if s.active else 'NOT active'}) keeps {_bytes(s.retained_bytes)} of WAL"
        f"{f', {s.wal_status}' if s.wal_status not in (None, 'reserved') else ''}"
        for s in snapshot.slots
    ]
    for standby in snapshot.standbys:
        facts = standby.problem or ", ".join(
            filter(
                None,
                (
                    f"replays {duration(standby.replay_lag_s)} behind" if standby.replay_lag_s is not None else "",
                    "replay is PAUSED" if standby.paused else "",
                    f"queries cancelled by replay: {', '.join(standby.conflicts)}" if standby.conflicts else "no query cancelled by replay",
                ),
            )
        )
        lines.append(f"{standby.name}: {facts}")
        lines += [f"  {who(backend)}" for backend in standby.sessions[:5]]
    if snapshot.wal_bytes_per_s is not None:
        lines.append(f"WAL: {_bytes(round(snapshot.wal_bytes_per_s))}/s")
    if snapshot.horizon is not None and snapshot.horizon.age > 0:
        lines.append(f"oldest snapshot: {snapshot.horizon.kind} {snapshot.horizon.who}, {snapshot.horizon.age:,} transactions old")
    return lines


def _long(backend: Backend, width: int) -> Iterator[str]:
    holds = f"; holds {', '.join(backend.holds[:3])}{' …' if len(backend.holds) > 3 else ''}" if backend.holds else ""
    waits = f"; waits: {backend.waits_on}" if backend.waits_on and backend.state == "active" else ""
    yield f"{who(backend)}{holds}{waits}"
    if text := query(backend, width - 6):
        yield f"    {text}"


def _section(title: str, lines: Sequence[str], style: Style) -> Iterator[str]:
    if lines and title:
        yield style(title, "cyan")
    yield from (f"  {line}" if title else line for line in lines)


def _bytes(number: int | None) -> str:
    """`1.5 MB`; 'an unknown part' where it is hidden."""
    if number is None:
        return "an unknown amount"
    return size(number)
