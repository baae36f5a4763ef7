"""A rehearsal for programs."""

from dataclasses import asdict
from typing import Any

from pgsluice.model.measurement import Measurement
from pgsluice.model.rehearsal import Rehearsal, RehearsedSide, StandbySide

SCHEMA_VERSION = 1
"""Grows when a program that reads the former shape would misread the new one."""


def rehearsal_to_json(rehearsal: Rehearsal, max_stall_s: float) -> dict[str, Any]:
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
        "longest_added_ms": round(rehearsal.longest_added_ms, 3),
        "max_stall_ms": max_stall_s * 1000,
        "passed": rehearsal.passes(max_stall_s),
        "notes": list(rehearsal.notes),
    }


def _side(side: RehearsedSide) -> dict[str, Any]:
    own = {"took_s": round(side.took_s, 3), "failed_attempts": side.failed_attempts, "killed": side.killed, "error": side.error}
    return {**_felt(side.felt), **own, "standby": None if side.standby is None else _standby(side.standby)}


def _standby(standby: StandbySide) -> dict[str, Any]:
    own = {"lag_s": round(standby.lag_s, 3), "lag_bytes": standby.lag_bytes, "cancelled": dict(standby.cancelled)}
    return own | {"felt": None if standby.felt is None else _felt(standby.felt)}


def _felt(felt: Measurement) -> dict[str, Any]:
    return {**asdict(felt), "errors": dict(felt.errors), "timeline": [asdict(part) for part in felt.timeline]}
