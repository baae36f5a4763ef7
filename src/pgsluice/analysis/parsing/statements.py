"""From the text of a file to its statements. What does not parse costs only its own statement."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pgsluice.analysis.parsing import directives, foreign_directives, native, nesting, splitting
from pgsluice.analysis.parsing.source import Source
from pgsluice.analysis.parsing.splitting import Piece, PieceKind
from pgsluice.analysis.parsing.statement import Directive, Node, Statement
from pgsluice.analysis.parsing.tokens import byte_offsets, tokens, trimmed
from pgsluice.model.errors import InputError

_HARMLESS = re.compile(
    r"\\(?:restrict|unrestrict|echo|qecho|warn|timing|pset|x|t|a|H|C|f|encoding|prompt|errverbose|\.|"
    r"set\s+(?:ON_ERROR_STOP|ON_ERROR_ROLLBACK|VERBOSITY|QUIET|ECHO|SHOW_CONTEXT)\b.*)(?=\s|\Z)"
)
"""psql commands that change nothing that we analyse or run; all others are reported."""

_SPACES = " \t\n\r\f\v"

BROKEN_PIECES = 100
"""After so many quotes without an end the rest of a file is left as it is: each is looked for up to the end of the text."""

STATEMENTS = 100_000
"""The most that one file may hold: their trees take about 4 kB each, and what looks at them some milliseconds. A file with more is a
load of data, which COPY does as one statement."""

_TAG = re.compile(r"\{[%#{].{0,2000}?[%#}]\}", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|[$#@]\{[^}\n]{0,200}\}|%\(\w{1,100}\)s|%s|<%.{0,200}?%>|"
    r"(?<![:\w\"\])]):(?:'\w+'|\"\w+\"|[A-Za-z_]\w*)|\$\w{1,100}\$|@@\w{1,100}@@|(?<=[\s(,=])\?(?=[\s),;]|\Z)",
    re.DOTALL,
)
"""Marks of Jinja, Flyway, sql templates, psycopg, ERB, psql, SQLAlchemy and JDBC: only looked for where parsing failed."""


def parse_file(text: str, path: str, line: int = 1) -> tuple[Statement, ...]:
    """The statements of a file, or of the stretch of one that begins with that line, in their order, psql commands that matter and
    unparsable text among them (`problem` set).

    Raises InputError for a wrong or misplaced directive, with its place, and for more than STATEMENTS statements."""
    source, splitter, broken = Source(text, path, line), splitting.Splitter(text), 0
    told, foreign = directives.mentions(text), foreign_directives.mentions(text)
    found: list[Statement] = []
    whole_file: list[Directive] = []
    position = 0
    while (piece := splitter.piece(position)) is not None:
        above = _above(source, piece, first=not found) if told else ()
        whole_file += [d for d in above if d.whole_file]
        own = tuple(d for d in above if not d.whole_file)
        own += foreign_directives.read(source, piece.gap, piece.end) if foreign else ()
        broken += piece.broken
        statements, position = _read(source, piece, last=broken >= BROKEN_PIECES)
        if told:
            _refuse_inside(source, statements, piece)
        if own and statements:
            statements[0] = replace(statements[0], directives=own)
        found += statements
        if len(found) > STATEMENTS:
            raise _too_many(source, piece)
    if told:
        directives.refuse_misplaced(source, position, len(text))
    whole_file += foreign_directives.for_file(source) if foreign else ()
    return tuple(replace(s, directives=(*s.directives, *whole_file)) for s in found) if whole_file else tuple(found)


def _too_many(source: Source, piece: Piece) -> InputError:
    what = f"the file holds more than {STATEMENTS:,} statements"
    return InputError("file-size", what, where=source.place(piece.start), next="load data with COPY, or take the file apart")


def parse_statement(sql: str, path: str = "") -> Statement:
    """The one statement of `sql`; raises InputError where it is not exactly one that parses."""
    found = parse_file(sql, path)
    if len(found) != 1:
        raise InputError("not-one-statement", f"one statement was expected here, not {len(found)}: {sql[:80]}")
    if found[0].problem:
        raise InputError("syntax-error", found[0].problem, where=found[0].problem_place)
    return found[0]


def _above(source: Source, piece: Piece, first: bool) -> tuple[Directive, ...]:
    """The directives above a piece; raises InputError for one behind the statement before, or for the file but not on top."""
    text, gap = source.text, piece.gap
    if gap > 0:
        line = source.line_end(gap - 1) if text[gap - 1] != "\n" else gap
        line = min(line, piece.start)
        directives.refuse_misplaced(source, gap, line)
        gap = line
    above = directives.read(source, gap, piece.start)
    for directive in above:
        if directive.whole_file and not first:
            what = "a directive for the whole file stands below its first statement"
            raise InputError("directive-misplaced", what, where=directive.place, next="move it to the top")
    return above


def _refuse_inside(source: Source, statements: list[Statement], piece: Piece) -> None:
    """A directive between the tokens of a statement is looked for only where the text between two tokens can hold one."""
    for statement in statements:
        if statement.problem or not directives.mentions(statement.sql):
            continue
        edge = 0
        for token in tokens(statement.sql):
            directives.refuse_misplaced(source, statement.offset + edge, statement.offset + token.start)
            edge = token.end
    if statements and piece.kind is PieceKind.SQL:
        last = statements[-1]
        if not last.problem:
            directives.refuse_misplaced(source, last.offset + len(last.sql), piece.end)


def _read(source: Source, piece: Piece, last: bool = False) -> tuple[list[Statement], int]:
    """The statements of a piece (one, as a rule) and where to go on; nowhere behind a broken one that is the `last`."""
    if piece.kind is PieceKind.PSQL:
        return _psql(source, piece), piece.next
    if piece.broken:
        return _broken(source, piece, last)
    sql = source.text[piece.start : piece.end].rstrip(_SPACES)
    try:
        raw = _parsed(sql)
    except native.ParserError as error:
        return _failed(source, piece, sql, error), piece.next
    data = source.text[slice(*piece.data)] if piece.data else None
    return [replace(s, data=data) for s in _statements(source, piece.start, sql, raw)], piece.next


def _parsed(sql: str) -> list[tuple[Node, int, int]]:
    nesting.check(sql)
    return native.parse(sql)


def _statements(source: Source, start: int, sql: str, raw: list[tuple[Node, int, int]]) -> Iterator[Statement]:
    if len(raw) > 1:
        raise AssertionError(f"{len(raw)} statements in one piece: {sql[:200]}")
    for node, _, _ in raw:
        text = trimmed(sql)
        yield _statement(source, start, text, node)


def _statement(source: Source, start: int, sql: str, node: Node) -> Statement:
    kind, inner = next(iter(node.items()))
    if not sql.isascii():
        _count_characters(inner, byte_offsets(sql))
    return Statement(sql, source.place(start), start, kind, inner)


def _count_characters(node: Any, at: list[int]) -> None:
    """Turns every location of a fresh tree from bytes into characters."""
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            location = here.get("location")
            if isinstance(location, int) and 0 <= location < len(at):
                here["location"] = at[location]
            stack.extend(v for v in here.values() if isinstance(v, (dict, list)))
        else:
            stack.extend(v for v in here if isinstance(v, (dict, list)))


def _failed(source: Source, piece: Piece, sql: str, error: native.ParserError) -> list[Statement]:
    """The piece as one statement with a problem; a template's tags in front of it are taken off first."""
    tags: list[Statement] = []
    start = piece.start
    while (tag := _TAG.match(source.text, start, piece.end)) and tag.end() < piece.end:
        tags.append(_problem(source, start, tag.group(), "a template placeholder, which is not SQL", "placeholder", start))
        start = splitting.skip_blank(source.text, tag.end())
    if start >= piece.end:
        return tags
    rest = source.text[start : piece.end].rstrip(_SPACES)
    if not tags:
        return [_described(source, start, rest, error)]
    try:
        return [*tags, *_statements(source, start, rest, _parsed(rest))]
    except native.ParserError as again:
        return [*tags, _described(source, start, rest, again)]


def _described(source: Source, start: int, sql: str, error: native.ParserError) -> Statement:
    if error.code == "syntax" and (mark := _PLACEHOLDER.search(sql)):
        message = f"not SQL as it stands: {mark.group()!r} looks like a placeholder of a template ({error.message})"
        return _problem(source, start, sql, message, "placeholder", start + mark.start())
    return _problem(source, start, sql, error.message, error.code, start + min(error.offset, len(sql)))


def _problem(source: Source, start: int, sql: str, message: str, code: str, at: int) -> Statement:
    return Statement(sql, source.place(start), start, "", {}, message, (), code, source.place(at))


def _psql(source: Source, piece: Piece) -> list[Statement]:
    command = source.text[piece.start : piece.end].rstrip()
    if _HARMLESS.match(command):
        return []
    word = command.split()[0]
    return [_problem(source, piece.start, command, f"{word} is a command of psql's, which is not analysed", "psql", piece.start)]


def _broken(source: Source, piece: Piece, last: bool) -> tuple[list[Statement], int]:
    """A piece that ran to the end of the file: what the parser says of its first statement, and where to go on."""
    after = len(source.text) if last else splitting.restart(source.text, piece.start)
    sql = source.text[piece.start : after].rstrip(_SPACES).removesuffix(";")
    try:
        native.scan(source.text[piece.start : after])
        offset, message, code = 0, "the statement has no end", "syntax"
    except native.ParserError as error:
        offset, message, code = error.offset, error.message, error.code
    return [_problem(source, piece.start, sql, message, code, piece.start + min(offset, len(sql)))], after
