"""How often a load that is made from the schema does what."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from pgsluice.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class Weights:
    """Relative shares; 0 leaves one out. An application reads more than it writes."""

    reads: float = 5.0
    updates: float = 2.0
    ranges: float = 1.0
    joins: float = 1.0
    inserts: float = 1.0


USUAL_WEIGHTS = Weights()


def weights_of(given: Sequence[str]) -> Weights:
    """The usual weights with those of `KIND=NUMBER` in place of theirs; raises UsageError `bad-option`."""
    return Weights(**dict(map(_weight, given)))


def _weight(given: str) -> tuple[str, float]:
    name, _, number = given.partition("=")
    names = [f.name for f in fields(Weights)]
    try:
        weight = float(number)
    except ValueError:
        weight = -1.0
    if name not in names or not 0 <= weight < float("inf"):
        next = f"give one of {', '.join(names)} with a number, such as {names[0]}=10"
        raise UsageError("bad-option", f"weight cannot be {given!r}", where="--weight", next=next)
    return name, weight
