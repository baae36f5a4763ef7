"""Meeting checks: where the usual values fall foul of a condition, other styles are tried on the server and the best are kept."""

from itertools import islice, product
from random import Random

from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.db.session import Session
from pgsluice.rehearsal.rows.arrangement import ROW, Arrangement
from pgsluice.rehearsal.rows.shape import Check, Shapes
from pgsluice.rehearsal.rows.statements import probe
from pgsluice.rehearsal.rows.styles import styles
from pgsluice.rehearsal.rows.supply import Supply

SAMPLE = 60
"""Rows that a probe makes."""

SAMPLE_BY_HASH = 2000
"""The same where a hash decides: one row in several is met by chance, and no style of values changes that."""

MOST_COMBINATIONS = 400
"""Combinations of styles that are tried for one condition, half a millisecond each."""

ENOUGH = 0.9
"""A combination by which so many rows meet every condition ends the search."""

ENOUGH_OF_A_KEY = 0.2
"""The same where a column has to be unique: it is better to leave rows out than to make fewer values."""

Choice = tuple[str, Supply | None]
"""A column, and its other supply; NULL without one."""


def meet_checks(session: Session, made: Arrangement, shapes: Shapes, start: int, count: int) -> tuple[list[Check], float]:
    """The checks that the INSERT can filter by, and which part of a sample of the rows meets them all (0 where none is known to);
    changes the arrangement's supplies."""
    able = [c for c in made.checks if all(made.unit_of(n) is not None for n in c.columns)]
    shares = _shares(session, made, able, start, count)
    for check in able:
        if not _by_hash(check) and (shares is None or shares[able.index(check)] < ENOUGH):
            _improve(session, made, shapes, check, able, start, count)
            shares = _shares(session, made, able, start, count)
    return able, 0.0 if shares is None else shares[-1]


def _shares(session: Session, made: Arrangement, checks: list[Check], start: int, count: int) -> list[float] | None:
    """For each check, and for all of them, the part of a sample that meets it; None where the values cannot even be made."""
    hashed = any(map(_by_hash, checks))
    found = _met(session, probe(made, start, max(count, SAMPLE_BY_HASH) if hashed else count, checks, SAMPLE_BY_HASH if hashed else SAMPLE))
    return [m / max(1, found[0]) for m in found[1:-1]] if found is not None else None


def _by_hash(check: Check) -> bool:
    return "satisfies_hash_partition(" in check.condition


def _met(session: Session, sql: str) -> list[int] | None:
    session.run("SAVEPOINT probe")
    try:
        met: list[int] = session.value(sql)
    except DatabaseError:
        session.run("ROLLBACK TO SAVEPOINT probe")
        return None
    session.run("RELEASE SAVEPOINT probe")
    return met


def _improve(session: Session, made: Arrangement, shapes: Shapes, check: Check, checks: list[Check], start: int, count: int) -> None:
    """Choose the combination of styles by which most rows meet this check and those that share a column with it."""
    touching = [c for c in checks if c.columns & check.columns]
    columns = frozenset[str]().union(*(c.columns for c in touching))
    unique = [c for c in columns if (u := made.unit_of(c)) is not None and made.ordinals.get(u) == ROW]

    def share() -> float:
        differing = [c for c in unique if c not in made.null]
        return _share(_met(session, probe(made, start, count, touching, SAMPLE, columns, differing)))

    best: tuple[Choice, ...] = ()
    best_share = share()
    enough = ENOUGH_OF_A_KEY if unique else ENOUGH
    for combination in _combinations(made, shapes, check, count):
        if best_share >= enough:
            break
        undo = _apply(made, combination)
        found = share()
        _restore(made, undo)
        if found > best_share:
            best, best_share = combination, found
    _apply(made, best)
    made.exact = made.exact and not any(made.ordinals.get(u) for c, _ in best if (u := made.unit_of(c)) is not None)


def _share(met: list[int] | None) -> float:
    """The part that meets all (and differs); with a little for meeting one of several, so that they can be met one after the other."""
    if met is None or not met[0]:
        return -1.0
    *several, every, differing = met[1:]
    return every * differing / met[0] ** 2 + 0.001 * sum(several) / met[0]


def _combinations(made: Arrangement, shapes: Shapes, check: Check, span: int) -> list[tuple[Choice, ...]]:
    """Single changes first, then changes of several columns at once, in an order that the seed decides."""
    choices = [_choices(made, shapes, column, check, span) for column in sorted(check.columns)]
    singles: list[tuple[Choice, ...]] = [(choice,) for options in choices for choice in options]
    if len(choices) < 2:
        return singles[:MOST_COMBINATIONS]
    several = list(islice(product(*([*options, None] for options in choices)), 50_000))
    Random(made.salt).shuffle(several)
    joint = [tuple(c for c in combination if c is not None) for combination in several[:MOST_COMBINATIONS]]
    return [*singles[:MOST_COMBINATIONS], *(j for j in joint if len(j) > 1)]


def _choices(made: Arrangement, shapes: Shapes, column: str, check: Check, span: int) -> list[Choice]:
    own = made.table.column(column)
    absent: list[Choice] = [] if own.not_null else [(column, None)]
    if column not in made.supplies:
        return absent
    type_ = shapes.types[own.type]
    spelled = own.spelled
    while type_.kind == "d":
        type_, spelled = shapes.types[type_.base], type_.base_spelled
    return [*((column, s) for s in styles(type_, spelled, check.condition, max(span, 1))), *absent]


def _apply(made: Arrangement, combination: tuple[Choice, ...]) -> tuple[dict[str, Supply], set[str]]:
    """Put the choices into the arrangement; what was there before."""
    before = (dict(made.supplies), set(made.null))
    for column, chosen in combination:
        made.null.discard(column)
        if chosen is None:
            made.null.add(column)
        else:
            made.supplies[column] = chosen
    return before


def _restore(made: Arrangement, before: tuple[dict[str, Supply], set[str]]) -> None:
    made.supplies, made.null = before
