"""What other linters are told in comments: `-- squawk-ignore RULE, RULE`, `-- squawk-ignore-file`, `-- eugene: ignore E2, E4`.

Without names everything is meant. What stands in front of a statement or inside of it is for that statement; a word behind `--`
in the same comment is a remark (squawk's ignore.rs, eugene's comments.rs)."""

import re
from collections.abc import Iterator

from pgsluice.analysis.parsing.source import Source
from pgsluice.analysis.parsing.statement import Directive

SQUAWK, EUGENE = "squawk-ignore", "eugene: ignore"
WORDS = frozenset({SQUAWK, EUGENE})

EVERYTHING = "*"
"""The rule of a directive without names."""

_MARK = re.compile(r"(?:--|/\*)[ \t]*(?:squawk-ignore(?P<file>-file)?(?=[\s*]|\Z)|(?P<eugene>eugene:[ \t]*ignore\b))(?P<names>[^\n\r]*)")
_END = re.compile(r"--|\*/")


def mentions(text: str) -> bool:
    """Whether the text may hold one at all."""
    return "squawk-ignore" in text or "eugene:" in text


def read(source: Source, start: int, end: int) -> tuple[Directive, ...]:
    """Those in [start, end) that are not for the whole file."""
    return tuple(d for found in _MARK.finditer(source.text, start, end) if not found["file"] for d in _directives(source, found))


def for_file(source: Source) -> tuple[Directive, ...]:
    """Those for the whole file, wherever they stand."""
    return tuple(d for found in _MARK.finditer(source.text) if found["file"] for d in _directives(source, found))


def _directives(source: Source, found: re.Match[str]) -> Iterator[Directive]:
    word = EUGENE if found["eugene"] else SQUAWK
    names = [name.strip() for name in _END.split(found["names"], maxsplit=1)[0].split(",")]
    for name in [name for name in names if name] or [EVERYTHING]:
        yield Directive(word, source.place(found.start()), name, None, None, found["file"] is not None)
