"""Statements and actions: what the text says, with its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgsluice.model.errors import Place

Node = Mapping[str, Any]
"""A node of libpg_query's JSON tree, such as {"relname": "t", ...}; absent fields have their zero value."""


@dataclass(frozen=True, slots=True)
class Directive:
    """`-- pgsluice: allow RULE because REASON`: `word` is allow, ignore, from ...; `rule` and `reason` of an allow;
    `values` the quoted texts of `from` and `back` by their word. `split` has neither. `whole_file` for `-- pgsluice: file: ...`."""

    word: str
    place: Place
    rule: str | None = None
    reason: str | None = None
    values: Mapping[str, str] | None = field(default=None, hash=False)
    whole_file: bool = False


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The transaction that the tool whose file this is puts around a stretch of it: `why` says so, and what to do about it.
    `spared`: what commits by itself is in none as the file stands, but would be with others beside it. `start` is where the
    stretch begins."""

    why: str
    spared: bool = False
    start: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement. `sql` is its text without the semicolon and without the comments before it; `offset` counts
    characters from the start of the file. `kind` is libpg_query's node name (`AlterTableStmt`), '' where the text did
    not parse: `problem` then says why, and `node` is empty. `directives` are those of the statement and of its file.

    Every `location` in `node` counts characters from the start of `sql`. `problem_code` is syntax, placeholder (of a
    template), psql (a command of psql's), depth, size, nul or encoding; `problem_place` where in the file it is.
    `data` are the lines behind a COPY ... FROM stdin, None where the file holds none. `enclosure` is the transaction that
    the tool whose file this is puts around it, None without one."""

    sql: str
    place: Place
    offset: int
    kind: str
    node: Node = field(hash=False)
    problem: str | None = None
    directives: tuple[Directive, ...] = ()
    problem_code: str | None = None
    problem_place: Place | None = None
    data: str | None = None
    enclosure: Enclosure | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What one clause of a statement does to one object.

    `kind` is the command in PostgreSQL's words, upper case: `ALTER TABLE ADD COLUMN`, `CREATE INDEX`, `DROP TABLE`,
    `UPDATE`, `UNKNOWN` ... (all of them: `analysis/parsing/actions.py`). `sql` is a complete statement that does this
    action alone. `node` is the clause's node (an AlterTableCmd for ALTER TABLE, else the statement's). `relation` is
    (schema or None, name) of the relation that it is about, as the catalog would store it; None where there is none.
    `number` and `of`: its place among the actions of its statement."""

    kind: str
    statement: Statement
    sql: str
    node: Node = field(hash=False)
    relation: tuple[str | None, str] | None = None
    only: bool = False
    if_exists: bool = False
    number: int = 0
    of: int = 1
