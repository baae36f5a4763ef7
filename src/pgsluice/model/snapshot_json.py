"""Snapshots as JSON: what `watch --format json`, `--record` and the page say, and `--replay` reads back.

The shape is that of the dataclasses, with `schema_version` on top and the lock forest, nested as it is shown, under `forest`.
"""

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pgsluice.model.errors import InputError
from pgsluice.model.lock_forest import Branch, lock_forest
from pgsluice.model.snapshot import Snapshot

SCHEMA_VERSION = 1
"""Grows when a reader of the former shape would misread the new one; fields that may be ignored do not count."""


def snapshot_to_json(snapshot: Snapshot) -> dict[str, Any]:
    """The look as what `json.dumps` takes."""
    forest = [_branch(branch) for branch in lock_forest(snapshot.queues)]
    return {"schema_version": SCHEMA_VERSION, **plain(snapshot), "forest": forest}


def snapshot_from_json(document: Any, where: str) -> Snapshot:
    """What `snapshot_to_json` gave; what is not known is left out, because a newer pgsluice may tell more. Raises InputError
    `bad-recording`."""
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise _bad(where, f"it has not the schema_version {SCHEMA_VERSION}")
    return cast(Snapshot, _read(document, Snapshot, where))


def _branch(branch: Branch) -> dict[str, Any]:
    backend, wait = branch.backend, branch.wait
    return {
        "pid": backend.pid,
        "gid": backend.gid,
        "user": backend.user,
        "application": backend.application,
        "state": backend.state,
        "query": backend.query,
        "ddl": backend.definition,
        "age_s": backend.age_s,
        "autovacuum": backend.autovacuum,
        "wraparound": backend.wraparound,
        "waits_for": None if wait is None else {"mode": wait.mode, "object": wait.object, "row": wait.row, "waited_s": wait.waited_s},
        "also_behind": list(branch.also),
        "holds": None if branch.holding is None else {"mode": branch.holding.mode, "object": branch.holding.object},
        "behind": branch.behind,
        "longest_s": branch.longest_s,
        "waiters": [_branch(child) for child in branch.children],
    }


def plain(value: Any) -> Any:
    """Dataclasses as objects, words as texts, tuples as lists."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return [plain(v) for v in value] if isinstance(value, tuple) else value


def _read(value: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) in (Union, UnionType):
        (some,) = (k for k in get_args(kind) if k is not NoneType)
        return None if value is None else _read(value, some, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise _bad(where, f"{value!r} is not a list")
        return tuple(_read(v, get_args(kind)[0], f"{where}[{n}]") for n, v in enumerate(value))
    if is_dataclass(kind):
        return _read_object(value, cast(type, kind), where)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise _bad(where, f"{value!r} is no {kind.__name__}")
    return value


def _read_object(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, dict):
        raise _bad(where, f"{value!r} is not an object")
    hints = _hints(kind)
    given = {f.name: _read(value[f.name], hints[f.name], f"{where}.{f.name}") for f in fields(kind) if f.name in value}
    try:
        return kind(**given)
    except TypeError as error:
        raise _bad(where, str(error)) from None


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _bad(where: str, what: str) -> InputError:
    return InputError(
        "bad-recording", f"the recording cannot be read: {what}", where=where, next="give a file that `pgsluice watch --record` wrote"
    )
