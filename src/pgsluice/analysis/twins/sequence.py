"""Defaults, serial sequences and identities, which go from a column to its twin in the swap."""

from collections.abc import Iterator

from pgsluice.analysis.twins.domains import domain_default
from pgsluice.analysis.twins.twin import NotKeptError, Twin
from pgsluice.model.catalog import Sequence
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, literal, quote
from pgsluice.model.postgres.types import INTEGER_MAXIMA


def defaults(twin: Twin) -> Iterator[tuple[str, str]]:
    """The statements of the swap, each with what takes it back; the columns have their former names still."""
    column = twin.column
    if column.identity:
        yield from _identity(twin)
        return
    new, old = f"{twin.alter} ALTER COLUMN {quote(twin.new)}", f"{twin.alter} ALTER COLUMN {twin.name}"
    back = f"{old} SET DEFAULT {column.default}" if column.default is not None else f"{old} DROP DEFAULT"
    if column.default is not None:
        yield f"{new} SET DEFAULT {column.default}", f"{new} DROP DEFAULT"
    if domain_default(twin.catalog, column.type) is not None:
        yield f"{old} SET DEFAULT NULL", back  # else that of its domain would be taken for a value
    elif column.default is not None:
        yield f"{old} DROP DEFAULT", back
    if column.sequence is not None:
        owned = f"ALTER SEQUENCE {column.sequence} OWNED BY {twin.table.name}"
        yield f"{owned}.{quote(twin.new)}", f"{owned}.{twin.name}"


def _identity(twin: Twin) -> Iterator[tuple[str, str]]:
    """An identity's sequence cannot change hands: another one goes on where it stood. Renaming the old one first takes the lock
    that keeps everybody from drawing a number meanwhile."""
    sequence = twin.catalog.sequences.get(twin.column.sequence) if twin.column.sequence else None
    if sequence is None:
        raise NotKeptError(f"the sequence of identity column {twin.name} of {twin.table.name}, of which nothing is known")
    this, aside = sequence.name, QualifiedName(sequence.name.schema, helper_name(sequence.name.name, "old"))
    new, old = f"{twin.alter} ALTER COLUMN {quote(twin.new)}", f"{twin.alter} ALTER COLUMN {twin.name}"
    yield f"ALTER SEQUENCE {this} RENAME TO {quote(aside.name)}", f"ALTER SEQUENCE {aside} RENAME TO {quote(this.name)}"
    yield f"{new} ADD {_generated(twin, sequence, this, twin.new_type)}", f"{new} DROP IDENTITY"
    yield _goes_on(this, aside), _goes_on(aside, this)
    # on the way back its lock keeps everybody from drawing a number meanwhile
    locked = f"ALTER SEQUENCE {this} CACHE {sequence.cache}"
    yield f"{old} DROP IDENTITY", f"{locked};\n{old} ADD {_generated(twin, sequence, aside, twin.column.type)}"


def _goes_on(sequence: QualifiedName, former: QualifiedName) -> str:
    return f"SELECT pg_catalog.setval({literal(str(sequence))}::regclass, last_value, is_called) FROM {former}"


def _generated(twin: Twin, sequence: Sequence, name: QualifiedName, type_: str) -> str:
    """As the column had it; a bound that was the old type's is that of the new one."""
    options = [f"SEQUENCE NAME {name}", f"START WITH {sequence.start}", f"INCREMENT BY {sequence.increment}"]
    options += _bound("MINVALUE", sequence.minimum, 1 if sequence.increment > 0 else -INTEGER_MAXIMA[sequence.type] - 1)
    options += _bound("MAXVALUE", sequence.maximum, INTEGER_MAXIMA[sequence.type] if sequence.increment > 0 else -1)
    options += [f"CACHE {sequence.cache}", "CYCLE" if sequence.cycle else "NO CYCLE"]
    if type_ not in INTEGER_MAXIMA:
        raise NotKeptError(f"the identity of {twin.name}, for which {type_} is no type")
    return f"GENERATED {twin.column.identity.upper()} AS IDENTITY ({' '.join(options)})"


def _bound(word: str, value: int, usual: int) -> list[str]:
    return [] if value == usual else [f"{word} {value}"]
