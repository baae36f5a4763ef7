"""Directives: what the user tells us in comments.

-- pgsluice: allow RULE because REASON
-- pgsluice: ignore RULE because REASON          the same
-- pgsluice: from "EXPRESSION" back "EXPRESSION" a quote inside is written twice
-- pgsluice: back "EXPRESSION"                 the old value of a column whose type changes, from the new one
-- pgsluice: one-way because REASON              that column's old values may stay behind: no way back from the swap on
-- pgsluice: split because REASON                BEGIN ... COMMIT may be taken apart; the reason may be left out
-- pgsluice: file: ...                           above the first statement, for the whole file
"""

import re
from collections.abc import Iterator

from pgsluice.analysis.parsing.source import Source
from pgsluice.analysis.parsing.statement import Directive
from pgsluice.model.errors import InputError

_MARK = re.compile(r"--[ \t]*pgsluice[ \t]*:[ \t]*(?P<file>file[ \t]*:[ \t]*)?(?P<text>[^\n\r]*)", re.IGNORECASE)
_COMMENTS = re.compile(r"--[^\n\r]*|/\*|\*/")
_ALLOW = re.compile(r"(?P<rule>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)[ \t]+because[ \t]+(?P<reason>\S.*)\Z")
_SPLIT = re.compile(r"(?:because[ \t]+(?P<reason>\S.*))?\Z")
_QUOTED = r'"((?:[^"]|"")+)"'
_FROM = re.compile(rf"{_QUOTED}(?:[ \t]+back[ \t]+{_QUOTED})?[ \t]*\Z")
_BACK = re.compile(rf"{_QUOTED}[ \t]*\Z")
_BECAUSE = re.compile(r"because[ \t]+(?P<reason>\S.*)\Z")

FORMS = {
    "allow": "-- pgsluice: allow RULE because REASON",
    "ignore": "-- pgsluice: ignore RULE because REASON",
    "from": '-- pgsluice: from "EXPRESSION" back "EXPRESSION"',
    "back": '-- pgsluice: back "EXPRESSION"',
    "one-way": "-- pgsluice: one-way because REASON",
    "split": "-- pgsluice: split because REASON",
}


def mentions(text: str) -> bool:
    """Whether the text may hold a directive at all: most files hold none, and are not read twice for it."""
    return _MARK.search(text) is not None


def read(source: Source, start: int, end: int) -> tuple[Directive, ...]:
    """The directives in the blanks and comments of [start, end); raises InputError with the place of a wrong one."""
    return tuple(_directive(source, offset, found) for offset, found in _line_comments(source.text, start, end))


def _line_comments(text: str, start: int, end: int) -> Iterator[tuple[int, re.Match[str]]]:
    """The marks in `--` comments; those inside of a block comment are commented out."""
    depth = 0
    for comment in _COMMENTS.finditer(text, start, end):
        if comment.group() == "/*":
            depth += 1
        elif comment.group() == "*/":
            depth = max(depth - 1, 0)
        elif depth == 0 and (found := _MARK.match(text, comment.start(), comment.end())):
            yield comment.start(), found


def _directive(source: Source, offset: int, found: re.Match[str]) -> Directive:
    place, whole_file = source.place(offset), found["file"] is not None
    word, _, rest = found["text"].strip().partition(" ")
    rest = rest.strip()
    if word in ("allow", "ignore") and (match := _ALLOW.match(rest)):
        return Directive(word, place, match["rule"], match["reason"].strip(), None, whole_file)
    if word == "split" and (match := _SPLIT.match(rest)):
        return Directive(word, place, None, match["reason"], None, whole_file)
    if word == "from" and not whole_file and (match := _FROM.match(rest)):
        values = {w: v.replace('""', '"') for w, v in (("from", match[1]), ("back", match[2])) if v}
        return Directive(word, place, None, None, values)
    if word == "back" and not whole_file and (match := _BACK.match(rest)):
        return Directive(word, place, None, None, {"back": match[1].replace('""', '"')})
    if word == "one-way" and not whole_file and (match := _BECAUSE.match(rest)):
        return Directive(word, place, None, match["reason"].strip())
    if word in FORMS:
        what = f"this directive is not complete: {found.group().strip()}"
        raise InputError("directive-form", what, where=place, next=f"write it as  {FORMS[word]}")
    raise InputError("directive-unknown", f"there is no directive {word!r}", where=place, next="the directives are " + ", ".join(FORMS))


def refuse_misplaced(source: Source, start: int, end: int) -> None:
    """Raises InputError for a directive in [start, end), where it would be taken for nothing."""
    for offset, found in _line_comments(source.text, start, end):
        raise InputError(
            "directive-misplaced",
            f"this directive stands above no statement: {found.group().strip()}",
            where=source.place(offset),
            next="put it on a line of its own, directly above the statement",
        )
