"""A load made from what a live database was asked most: the statements of its pg_stat_statements, with made-up parameters.

Only their texts and how often each was called are read there. Parameters get their types from the rehearsal's server, and their
values from the rows that were made there: those of the column that each is compared with, new ones where a key is assigned.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.execution.db.errors import DatabaseError, message_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.db.statement_counts import statement_view
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName, literal, quote
from pgsluice.rehearsal.load.asked import named_tables
from pgsluice.rehearsal.load.definition import LoadStatement, RequestKind, Variable
from pgsluice.rehearsal.load.parameters import Meaning, meanings
from pgsluice.rehearsal.load.trial import trouble
from pgsluice.rehearsal.place import live_session
from pgsluice.rehearsal.rows.shape import TypeShape, read_shapes
from pgsluice.rehearsal.rows.supply import PLENTY, supply
from pgsluice.report.texts import counted, one_line

MOST = 40
"""Statements that become requests; an application's calls are nearly all of fewer."""
SAMPLE = 200
"""Rows that values are drawn from; they are part of each prepared statement."""
WHOLE_LOAD = 10.0
"""The weight of all of them together, beside those that are made from the schema."""
NAME_WIDTH = 70

_QUERIES = named_queries(__package__)
_LIVE_QUERIES = """
SELECT s.query, sum(s.calls)::bigint AS calls
FROM {view} s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND coalesce((to_jsonb(s) ->> 'toplevel')::boolean, true)
GROUP BY s.query
ORDER BY sum(s.calls) DESC, s.query
LIMIT 1000"""
"""Over all roles; what functions called is the work of the statement that called them (older versions of the extension do not tell)."""
_KINDS = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_HIDDEN = "<insufficient privilege>"
_ROW, _FRESH = Variable("row", 0, 10_000_000), Variable("fresh", 1_000_000_007, PLENTY - 1_000)
"""Which of the sampled rows, the same for all parameters of a request; and a number that no row and hardly another request has."""
_USUAL = 100_000
"""What stands for anything but a key is made of numbers below."""

_Made = Callable[[str, str], str]
"""SQL of a value from the SQL of `_ROW` and of `_FRESH`."""


@dataclass(frozen=True, slots=True)
class LiveQuery:
    """A statement as pg_stat_statements keeps it, with $1 ... for its constants."""

    text: str
    calls: int


@dataclass(frozen=True, slots=True)
class LiveLoad:
    """`kinds` is empty where the live database does not say what it is asked. `notes` name what could not be used, and why."""

    kinds: tuple[RequestKind, ...]
    notes: tuple[str, ...]


class _CannotUseError(Exception):
    pass


def read_live_queries(dsn: str) -> tuple[tuple[LiveQuery, ...], tuple[str, ...]]:
    """The statements of a live database, the most called first, and what to say of it; none where pg_stat_statements is not
    there or may not be read. Raises ConnectionFailedError."""
    try:
        with live_session(dsn) as live:
            view = statement_view(live)
            if view is None:
                return (), ("pg_stat_statements is not there in the live database: the load is made from the schema",)
            rows = live.rows(_LIVE_QUERIES.format(view=view))
    except DatabaseError as error:
        return (), (f"pg_stat_statements cannot be read ({message_of(error)}): the load is made from the schema",)
    hidden = sum(1 for row in rows if row["query"] == _HIDDEN)
    notes = (f"{counted(hidden, 'statement')} of other roles hidden: only pg_read_all_stats may see them",) if hidden else ()
    return tuple(LiveQuery(row["query"], row["calls"]) for row in rows if row["query"] != _HIDDEN), notes


def live_load(session: Session, catalog: Catalog, queries: Sequence[LiveQuery], seed: int) -> LiveLoad:
    """The load of the most called ones that read or write tables of the rehearsal's database; the same seed makes the same load."""
    parsed = [(query, parse_statement(query.text)) for query in queries]
    ours = [(query, s) for query, s in parsed if s.kind in _KINDS and named_tables(s, catalog)]
    making = _Making(session, catalog, seed)
    kinds: list[RequestKind] = []
    notes: list[str] = []
    for query, statement in ours[:MOST]:
        name = one_line(query.text, NAME_WIDTH)
        try:
            kinds.append(making.kind(f"{len(kinds) + 1}: {name}", query, statement))
        except (_CannotUseError, DatabaseError) as error:
            notes.append(f"not asked, of pg_stat_statements ({query.calls:,} calls): {name}: {message_of(error)}")
    if len(ours) > MOST:
        notes.append(f"of {len(ours):,} statements in pg_stat_statements the {MOST} most called ones are asked")
    return LiveLoad(_weighed(kinds), tuple(notes))


def _weighed(kinds: Sequence[RequestKind]) -> tuple[RequestKind, ...]:
    """Weighed by their calls, and all of them together by WHOLE_LOAD."""
    total = sum(kind.weight for kind in kinds)
    return tuple(replace(kind, weight=WHOLE_LOAD * kind.weight / total) for kind in kinds)


class _Making:
    """Makes requests of statements."""

    def __init__(self, session: Session, catalog: Catalog, seed: int) -> None:
        self._session, self._catalog, self._seed = session, catalog, seed
        self._types = _types(session)

    def kind(self, name: str, query: LiveQuery, statement: Statement) -> RequestKind:
        """One kind of request; raises DatabaseError and _CannotUseError where it does not work here."""
        meant = meanings(statement, self._catalog)
        values = {n: self._value(n, meant.get(n, Meaning()), *type_) for n, type_ in self._parameter_types(query.text).items()}
        variables = tuple(v for v in (_ROW, _FRESH) if any(_draws(made, v) for made in values.values()))
        places = {variable: f"${number}" for number, variable in enumerate(variables, 1)}
        sql = _replaced(query.text, {n: made(places.get(_ROW, ""), places.get(_FRESH, "")) for n, made in values.items()})
        made = RequestKind(name, (LoadStatement(sql, tuple(range(len(variables)))),), variables, max(query.calls, 1))
        if (why := trouble(self._session, made)) is not None:
            raise _CannotUseError(why)
        return made

    def _parameter_types(self, text: str) -> dict[int, tuple[int, str]]:
        """The types that the server finds for the parameters: oid and name."""
        session = self._session
        session.run(f"PREPARE pgsluice_try AS {text}")
        try:
            row = session.rows(_QUERIES["parameter_types"])[0]
        finally:
            session.run("DEALLOCATE pgsluice_try")
        return dict(enumerate(zip(row["oids"], row["names"], strict=True), 1))

    def _value(self, number: int, meaning: Meaning, oid: int, type_: str) -> _Made:
        if meaning.count is not None:
            return lambda row, fresh: str(meaning.count)
        key = meaning.assigned and self._unique(meaning)
        if meaning.table is not None and not key:
            sample = self._sampled(meaning.table.name, meaning.column, type_)
            if sample is not None:
                text, size = sample
                return lambda row, fresh: f"(({literal(text)}::text[])[1 + {row}::int % {size}])::{type_}"
        made = supply(self._types[oid], type_, self._types)
        if made is None:
            raise _CannotUseError(f"no values are known for ${number} of type {type_}")
        below = "" if key else f" % {_USUAL}"
        return lambda row, fresh: f"({made.made(f'({fresh}::bigint{below} + {number})')})::{type_}"

    def _unique(self, meaning: Meaning) -> bool:
        """Whether a column stands in a unique key and takes what value it likes there: a sampled one would be met again."""
        table = meaning.table
        if table is None or any(meaning.column in key.columns for key in table.foreign_keys):
            return False
        return any(index.unique and meaning.column in index.columns for index in table.indexes)

    def _sampled(self, table: QualifiedName, column: str, type_: str) -> tuple[str, int] | None:
        """Values of the column in rows that are the same for all columns of a table, as an array of texts, and how many; None
        without rows, and where they cannot become the parameter's type. An array takes one value."""
        name = quote(column)
        for value in (f"{name}::{type_}", f"ARRAY[{name}]::{type_}"):
            self._session.run(f"SELECT setseed({Random(self._seed).random()})")
            rows = f"(SELECT {name} FROM {table} ORDER BY random() LIMIT {SAMPLE}) AS s"
            try:
                found = self._session.rows(f"SELECT array_agg(({value})::text)::text AS texts, count(*) AS size FROM {rows}")[0]
            except DatabaseError:
                continue
            return (found["texts"], found["size"]) if found["size"] else None
        return None


def _types(session: Session) -> Mapping[int, TypeShape]:
    """The types of the database, each with its name qualified."""
    session.run("BEGIN; SET LOCAL search_path = pg_catalog, pg_temp")
    try:
        return read_shapes(session).types
    finally:
        session.run("ROLLBACK")


def _draws(made: _Made, variable: Variable) -> bool:
    """Whether a value is drawn by the variable: a constant by none."""
    mark = "\0"
    return mark in made(mark if variable is _ROW else "", mark if variable is _FRESH else "")


def _replaced(text: str, values: Mapping[int, str]) -> str:
    """The statement with its parameters replaced."""
    return "".join(_pieces(text, values))


def _pieces(text: str, values: Mapping[int, str]) -> Iterator[str]:
    end = 0
    for token in tokens(text):
        if token.word[0] == "$" and token.word[1:].isdigit():
            yield text[end : token.start] + f"({values[int(token.word[1:])]})"
            end = token.end
    yield text[end:]
