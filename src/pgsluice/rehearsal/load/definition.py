"""What a load is: kinds of requests with their weights, a rate, a pool, slow readers."""

from dataclasses import dataclass

from pgsluice.model.errors import InputError


@dataclass(frozen=True, slots=True)
class Variable:
    """An integer drawn anew for each request, uniformly from `low` to `high`, both included."""

    name: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class LoadStatement:
    """One statement with `$1` ... for parameters; `parameters` are the positions of its variables in the kind's list."""

    sql: str
    parameters: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestKind:
    """What the application sends for one request: its statements, in order, over one connection. After an error the
    rest is left out and an open transaction is rolled back. `weight` is its share of all requests, relative."""

    name: str
    statements: tuple[LoadStatement, ...]
    variables: tuple[Variable, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SlowReader:
    """A session that opens a transaction, runs `sql` in it, holds it for `hold_s` and pauses for `pause_s` before the
    next (each drawn uniformly from the range, in seconds)."""

    sql: str
    hold_s: tuple[float, float] = (2.0, 5.0)
    pause_s: tuple[float, float] = (0.3, 0.8)


@dataclass(frozen=True, slots=True)
class Load:
    """`rate` requests a second, evenly spaced, whatever becomes of them, over `connections` connections. The same
    `seed` draws the same requests in the same order."""

    kinds: tuple[RequestKind, ...]
    rate: float
    connections: int = 20
    slow_readers: tuple[SlowReader, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.kinds or self.rate <= 0 or self.connections < 1 or min(k.weight for k in self.kinds) <= 0:
            what = "a load needs at least one kind of request, a rate, a connection and weights above zero"
            raise InputError("load-empty", what, next="give it request scripts, a rate and connections")
