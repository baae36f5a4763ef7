"""What in the database itself uses the old shape: bodies by their words, the rest as the server knows it."""

from collections.abc import Iterator, Sequence

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.model.gate import Use
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.name_use import use_of, words_of
from pgsluice.model.steps import OldName

_QUERIES = named_queries(__package__)


def uses_in_catalog(session: Session, names: Sequence[OldName], contract_sql: str) -> tuple[Use, ...]:
    """Each object once; what `contract` itself names goes with it."""
    going = words_of(contract_sql)
    found = [*_routines(session, names, going), *_dependents(session, names, going)]
    return tuple({use.who: use for use in reversed(found)}.values())[::-1]


def _routines(session: Session, names: Sequence[OldName], going: frozenset[str]) -> Iterator[Use]:
    for row in session.rows(_QUERIES["routines"]):
        for name in () if row["plain"] in going else names:
            trigger = (row["schema"], row["relation"]) == (name.schema, name.name)
            if use := use_of(row["body"], name, body=True, trigger=trigger):
                yield Use(f"function {row['name']}", f"{use} {name}")


def _dependents(session: Session, names: Sequence[OldName], going: frozenset[str]) -> Iterator[Use]:
    for name in names:
        if name.what in ("function", "procedure") or name.written:
            continue
        relation = str(QualifiedName(name.schema, name.name))
        for row in session.rows(_QUERIES["dependents"], {"relation": relation, "column": name.column}):
            # the view in a table's place has another name than what rests on it
            if not _parts(row["name"]) <= going:
                yield Use(row["name"], f"rests on {name}")


def _parts(described: str) -> frozenset[str]:
    """The names of the object itself in its description: 'view shop.seen', 'policy p on table t'."""
    return words_of(described.split(" on ")[0]) - {"view", "materialized", "function", "policy", "trigger"}
