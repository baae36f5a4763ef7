"""Where one statement ends and the next begins, in files as people and psql write them.

Only what can hide a semicolon is read here: quotes, dollar quotes, comments, the bodies of BEGIN ATOMIC and of CREATE RULE;
psql's commands and COPY data are recognised as psql does. It never fails: what is broken stays one piece, marked so.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_BLANK = re.compile(r"(?:[ \t\n\r\f\v\ufeff]++|--[^\n\r]*+)++")
_EMPTY = re.compile(r"(?:[; \t\n\r\f\v\ufeff]++|--[^\n\r]*+)++")
_STOP = re.compile(r"[;'\"\\]|--|/\*|\$")
_STOP_RULE = re.compile(r"[;'\"\\()]|--|/\*|\$")
_STOP_ROUTINE = re.compile(r"[;'\"\\]|--|/\*|\$|(?<![\w$\"])(?:begin\s+atomic|case|end)(?![\w$\"])", re.IGNORECASE)
_ROUTINE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)
_RULE = re.compile(r"create\s+(?:or\s+replace\s+)?rule\b", re.IGNORECASE)
_DOLLAR = re.compile(r"(?<![\w$])\$(?:[^\W\d]\w*)?\$")
_ESCAPED = re.compile(r"[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'(?:[ \t\r\f\v]*+\n\s*+'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+')*+", re.DOTALL)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_SENDS = re.compile(r"\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch|bind|bind_named|parse|sendpipeline)\b")
_RESTART = re.compile(r";[ \t]*(?=\r?\n|\Z)")
_COPY = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_PSQL_COPY = re.compile(r"\\copy\b.*\bfrom\s+p?stdin\b", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"[ \t]*(?:--[^\n]*)?\r?\n")
_DATA_END = re.compile(r"^\\\.[ \t]*\r?$", re.MULTILINE)


class PieceKind(StrEnum):
    SQL = "sql"
    PSQL = "psql"


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement's text is [start, end), without the comments before it; the next piece is looked for at `next`.
    `gap` is where the blanks and comments before it begin. `broken`: a quote, comment or body in it has no end.
    `data` is the range of the COPY data behind it."""

    kind: PieceKind
    gap: int
    start: int
    end: int
    next: int
    broken: bool = False
    data: tuple[int, int] | None = None


def skip_blank(text: str, position: int, blank: re.Pattern[str] = _BLANK) -> int:
    """The offset of the first character from `position` that is in no comment and is no white space."""
    while True:
        if found := blank.match(text, position):
            position = found.end()
        if not text.startswith("/*", position):
            return position
        end = _comment_end(text, position)
        if end is None:
            return position
        position = end


class Splitter:
    """The pieces of one text. It remembers what it has looked for in vain up to the end, so that no text takes quadratic time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._no_data_from = len(text)

    def piece(self, position: int) -> Piece | None:
        """The next statement or psql command from `position`; None where only blanks, comments and semicolons are left."""
        text, gap = self._text, position
        position = skip_blank(text, position, _EMPTY)
        if position >= len(text):
            return None
        return self._command(gap, position) if text[position] == "\\" else self._statement(gap, position)

    def _statement(self, gap: int, start: int) -> Piece:
        text = self._text
        stop = _STOP_ROUTINE if _ROUTINE.match(text, start) else _STOP_RULE if _RULE.match(text, start) else _STOP
        position, depth = start, 0
        while found := stop.search(text, position):
            mark, position = found.group(), found.end()
            if mark == ";":
                if depth <= 0:
                    return self._ended(gap, start, found.start(), position)
            elif mark == "\\":
                if (end := _psql_at(text, found.start())) is not None:
                    return Piece(PieceKind.SQL, gap, start, found.start(), end)
            elif mark in _OPENING:
                after = _closed(text, found.start(), mark)
                if after is None:
                    return Piece(PieceKind.SQL, gap, start, len(text), len(text), broken=True)
                position = after
            else:
                depth = _nested(mark, depth)
        return Piece(PieceKind.SQL, gap, start, len(text), len(text), broken=depth > 0)

    def _ended(self, gap: int, start: int, end: int, after: int) -> Piece:
        """A piece that a semicolon ended: COPY ... FROM stdin takes the lines up to a line `\\.` with it."""
        text = self._text
        if text[start : start + 4].lower() == "copy" and _COPY.match(text, start, end) and (line := _REST_OF_LINE.match(text, after)):
            if last := self._data_end(line.end()):
                return Piece(PieceKind.SQL, gap, start, end, last.end(), data=(line.end(), last.start()))
        return Piece(PieceKind.SQL, gap, start, end, after)

    def _command(self, gap: int, start: int) -> Piece:
        """A psql command to the end of its line; `\\copy ... from stdin` takes its data with it as COPY does."""
        text = self._text
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if _PSQL_COPY.match(text, start, end) and (last := self._data_end(end)):
            return Piece(PieceKind.PSQL, gap, start, end, last.end(), data=(min(end + 1, last.start()), last.start()))
        return Piece(PieceKind.PSQL, gap, start, end, end)

    def _data_end(self, position: int) -> re.Match[str] | None:
        """The line `\\.` that ends COPY data; without one there is no data, so that nothing is hidden."""
        found = _DATA_END.search(self._text, position) if position < self._no_data_from else None
        if found is None:
            self._no_data_from = min(self._no_data_from, position)
        return found


_OPENING = frozenset(("'", '"', "$", "--", "/*"))


def restart(text: str, position: int) -> int:
    """Where to go on behind a broken statement: after the first semicolon from `position` that ends a line."""
    found = _RESTART.search(text, position)
    return found.end() if found else len(text)


def _nested(mark: str, depth: int) -> int:
    word = mark[:4].lower()
    if mark == "(" or word == "begi":
        return depth + 1
    if word == "case":
        return depth + 1 if depth else 0
    return max(depth - 1, 0)


def _psql_at(text: str, position: int) -> int | None:
    """Where the next piece begins if the backslash at `position` ends the statement, else None."""
    if text.startswith("\\;", position):
        return position + 2
    line = text.rfind("\n", 0, position) + 1
    return position if not text[line:position].strip() or _SENDS.match(text, position) else None


def _closed(text: str, start: int, mark: str) -> int | None:
    """The offset behind the quote or comment that begins at `start`; None where it has no end."""
    if mark == "--":
        return _line_comment_end(text, start)
    if mark == "/*":
        return _comment_end(text, start)
    if mark == "$":
        return _dollar_end(text, start)
    if mark == "'" and _escape_string(text, start):
        found = _ESCAPED.match(text, start + 1)
        return found.end() if found else None
    end = text.find(mark, start + 1)
    return None if end < 0 else end + 1


def _escape_string(text: str, quote: int) -> bool:
    """Whether the string that begins at `quote` is an E'...' one."""
    before = text[max(quote - 2, 0) : quote]
    return before[-1:] in ("e", "E") and not (len(before) == 2 and (before[0].isalnum() or before[0] in "_$" or ord(before[0]) > 127))


def _line_comment_end(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start + 2


def _comment_end(text: str, start: int) -> int | None:
    depth, position = 0, start
    while found := _COMMENT_EDGE.search(text, position):
        depth += 1 if found.group() == "/*" else -1
        position = found.end()
        if depth == 0:
            return position
    return None


def _dollar_end(text: str, start: int) -> int | None:
    found = _DOLLAR.match(text, start)
    if not found:
        return start + 1
    end = text.find(found.group(), found.end())
    return None if end < 0 else end + len(found.group())
