"""A rehearsal for programs."""

from dataclasses import asdict
from typing import Any

from pgsluice.model.measurement import Measurement
from pgsluice.model.rehearsal import Limits, Rehearsal, RehearsedPart, RehearsedSide, StandbySide

SCHEMA_VERSION = 1
"""Grows when a program that reads the former shape would misread the new one."""


def rehearsal_to_json(rehearsal: Rehearsal, limits: Limits) -> dict[str, Any]:
    """The rehearsal as what `json.dumps` takes; waits in milliseconds, durations in seconds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "server_version": rehearsal.server_version,
        "migrations": list(rehearsal.migrations),
        "rows": dict(rehearsal.rows),
        "rate": rehearsal.rate,
        "connections": rehearsal.connections,
        "requests": list(rehearsal.requests),
        "baseline": _felt(rehearsal.baseline),
        "naive": _side(rehearsal.naive),
        "plan": _side(rehearsal.plan),
        "same_end": rehearsal.same_end,
        "unexercised": list(rehearsal.unexercised),
        "longest_added_ms": round(rehearsal.longest_added_ms, 3),
        "max_stall_ms": limits.max_stall_s * 1000,
        "added_errors": rehearsal.added_errors,
        "max_errors": limits.max_errors,
        "passed": rehearsal.passes(limits),
        "notes": list(rehearsal.notes),
    }


def _side(side: RehearsedSide) -> dict[str, Any]:
    own = {"took_s": round(side.took_s, 3), "failed_attempts": side.failed_attempts, "killed": side.killed, "error": side.error}
    seen = {
        "wal_bytes": side.wal_bytes,
        "disk_bytes": side.disk_bytes,
        "most_waiters": side.most_waiters,
        "waiters": [[round(found.at_s, 2), found.count] for found in side.waiters],
        "parts": list(map(_part, side.parts)),
        "by_request": {name: asdict(felt) for name, felt in side.by_request.items()},
        "beside": asdict(side.beside),
        "standby": None if side.standby is None else _standby(side.standby),
    }
    return {**_felt(side.felt), **own, **seen}


def _part(part: RehearsedPart) -> dict[str, Any]:
    estimate = part.live_estimate_s
    return {
        "migration": part.migration,
        "kind": part.kind,
        "sql": part.sql,
        "begin_s": round(part.begin_s, 3),
        "end_s": round(part.end_s, 3),
        "locks": [{"relation": lock.relation, "mode": str(lock.mode)} for lock in part.locks],
        "rows": part.rows,
        "live_rows": part.live_rows,
        "live_estimate_s": None if estimate is None else round(estimate, 3),
        "error": part.error,
        **asdict(part.felt),
    }


def _standby(standby: StandbySide) -> dict[str, Any]:
    own = {"lag_s": round(standby.lag_s, 3), "lag_bytes": standby.lag_bytes, "cancelled": dict(standby.cancelled)}
    return own | {"felt": None if standby.felt is None else _felt(standby.felt)}


def _felt(felt: Measurement) -> dict[str, Any]:
    return {**asdict(felt), "errors": dict(felt.errors), "timeline": [asdict(part) for part in felt.timeline]}
