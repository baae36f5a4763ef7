"""A look at the server as the page needs it: texts that are ready to be shown, and figures for its charts."""

from collections.abc import Sequence
from typing import Any

from pgsluice.model.lock_forest import lock_forest
from pgsluice.model.snapshot import RunStep, Snapshot
from pgsluice.report.activity_lines import Line, lock_lines, long_lines
from pgsluice.report.activity_sentences import alarms
from pgsluice.report.activity_text import headline, operation_line, replication_lines, run_lines
from pgsluice.report.texts import one_line

WIDTH = 160
"""Characters; the page breaks and scrolls by itself."""


def page_data(snapshot: Snapshot) -> dict[str, Any]:
    """All that the page shows, as what `json.dumps` takes."""
    return {
        "taken_at": snapshot.taken_at,
        "headline": headline(snapshot),
        "problem": snapshot.problem,
        "alarms": list(alarms(lock_forest(snapshot.queues))),
        "locks": _lines(lock_lines(snapshot, WIDTH)),
        "long": _lines(long_lines(snapshot, WIDTH)),
        "runs": run_lines(snapshot),
        "steps": [_step(step) for step in snapshot.runs.steps],
        "operations": [operation_line(operation) for operation in snapshot.operations],
        "replication": replication_lines(snapshot),
        "unseen": list(snapshot.unseen),
        "figures": figures(snapshot),
    }


def figures(snapshot: Snapshot) -> dict[str, float]:
    """What the charts draw."""
    return {
        "waiters": float(snapshot.queues.waiting),
        "longest_wait_s": max((wait.waited_s for wait in snapshot.queues.waits), default=0.0),
        "backfill_rows_per_s": sum(fill.rows_per_s or 0.0 for fill in snapshot.runs.backfills),
        "lag_s": max([r.lag_s or 0.0 for r in snapshot.replicas] + [s.replay_lag_s or 0.0 for s in snapshot.standbys], default=0.0),
    }


def _lines(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "text": line.text,
            "head": line.head,
            "pid": line.backend.pid if line.backend else None,
            "statement_began": line.backend.statement_began if line.backend else None,
            "transaction_began": line.backend.transaction_began if line.backend else None,
        }
        for line in lines
    ]


def _step(step: RunStep) -> dict[str, Any]:
    return {
        "name": f"{step.migration} {step.id}",
        "phase": step.phase,
        "state": step.state,
        "sql": one_line(step.sql, 120),
        "began_ago_s": step.began_ago_s,
        "ended_ago_s": step.ended_ago_s,
    }
