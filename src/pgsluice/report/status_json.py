"""How far everything is, for programs."""

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pgsluice.model.progress import Status

SCHEMA_VERSION = 1
"""Grows when a program that reads the former shape would misread the new one."""


def status_to_json(status: Status) -> dict[str, Any]:
    """The reading as what `json.dumps` takes; times in ISO 8601."""
    return {"schema_version": SCHEMA_VERSION, **_plain(status), "waiting_for_contract": list(status.waiting_for_contract)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
