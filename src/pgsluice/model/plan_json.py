"""Plans as JSON: the form in which they are saved, reviewed and read back.

The shape is that of the dataclasses, with `schema_version` on top and `transaction` said for each step. Reading is strict:
what is missing, of the wrong type or unknown is an error, because a plan that is misread is a wrong plan.
"""

from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pgsluice.model.errors import InputError
from pgsluice.model.plan import Plan
from pgsluice.model.steps import Step

SCHEMA_VERSION = 1
"""Grows when a reader of the former shape would misread the new one; fields that may be ignored do not count."""


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as what `json.dumps` takes."""
    return {"schema_version": SCHEMA_VERSION, **_plain(plan)}


def plan_from_json(document: Any, where: str = "plan") -> Plan:
    """The plan that `plan_to_json` gave, from what `json.loads` gives back; raises InputError `bad-plan`, naming the place in
    the document, and `plan-version`. `where` is the file's name."""
    if not isinstance(document, dict) or "schema_version" not in document:
        raise _bad(where, "this is no plan: it has no schema_version")
    body = dict(document)
    version = body.pop("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            "plan-version",
            f"the plan has schema_version {version!r}, and this pgsluice reads {SCHEMA_VERSION}",
            where=where,
            next="plan again with this pgsluice",
        )
    return cast(Plan, _read(body, Plan, where))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        plain = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return plain | {"transaction": value.transaction} if isinstance(value, Step) else plain
    if isinstance(value, Enum):
        return value.value
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _read(value: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) in (Union, UnionType):
        (some,) = (k for k in get_args(kind) if k is not NoneType)
        return None if value is None else _read(value, some, where)
    if get_origin(kind) is tuple:
        return _read_list(value, get_args(kind), where)
    if is_dataclass(kind):
        return _read_object(value, cast(type, kind), where)
    if issubclass(kind, Enum):
        return _read_word(value, kind, where)
    if type(value) is not kind:  # exactly: True is no number
        raise _bad(where, f"{value!r} is not {_TYPE_WORDS[kind]}")
    return value


_TYPE_WORDS = {str: "a string", int: "a whole number", bool: "true or false"}


def _read_list(value: Any, kinds: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _bad(where, f"{value!r} is not a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _bad(where, f"{len(kinds)} entries are expected, not {len(value)}")
    return tuple(_read(v, k, f"{where}[{n}]") for n, (v, k) in enumerate(zip(value, kinds, strict=True)))


def _read_object(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, dict):
        raise _bad(where, f"{value!r} is not an object")
    given = dict(value)
    said = given.pop("transaction", None) if kind is Step else None
    hints, expected = _hints(kind), {f.name: f for f in fields(kind)}
    for name in given.keys() - expected.keys():
        raise _bad(f"{where}.{name}", "this is not known")
    for name in (n for n, f in expected.items() if n not in given and _required(f)):
        raise _bad(where, f"{name} is missing")
    made = kind(**{name: _read(v, hints[name], f"{where}.{name}") for name, v in given.items()})
    if said is not None and said is not made.transaction:
        raise _bad(f"{where}.transaction", f"a step of kind {made.kind} has transaction {str(made.transaction).lower()}")
    return made


def _read_word(value: Any, kind: type[Enum], where: str) -> Enum:
    words = [member.value for member in kind]
    if value not in words:
        raise _bad(where, f"{value!r} is none of {', '.join(words)}")
    return kind(value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _bad(where: str, what: str) -> InputError:
    return InputError("bad-plan", f"the plan cannot be read: {what}", where=where, next="plan again, and save it with `plan -o FILE`")
