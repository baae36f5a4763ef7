"""How deep a statement may nest: C's recursion has no limit of its own and would crash the process."""

import re
from dataclasses import dataclass

from pgsluice.analysis.parsing import native
from pgsluice.analysis.parsing.tokens import tokens

LIMIT = 2_000
"""Levels that are tried. libpg_query's JSON writer crashed between 50,000 and 100,000 levels of `1+1+1...` on an 8 MiB stack.
What nests to the right (brackets, CASE, NOT) the grammar itself refuses at 10,000; Python's JSON reader ends at about
300 levels on 3.11, which is an error and no crash."""

_SETS = frozenset(("UNION", "INTERSECT", "EXCEPT", "JOIN"))
_LEFT = re.compile(
    r"[-+*/<>=~!@#%^&|`?:]+|\b(?:union|intersect|except|join|at|is|isnull|notnull|collate|like|ilike|similar|in|between|overlaps)\b",
    re.IGNORECASE,
)


def check(sql: str) -> None:
    """Raises ParserError where the statement may nest deeper than LIMIT, or cannot be scanned."""
    if LIMIT < len(sql) <= native.STATEMENT_CHARACTERS and len(_LEFT.findall(sql)) > LIMIT and bound(sql) > LIMIT:
        raise native.ParserError("expressions nested too deeply to be analysed", 0, "depth")


@dataclass(slots=True)
class _Level:
    """One level of brackets: tokens since the last separator, set operations and joins, the deepest bracket inside."""

    chain: int = 0
    sets: int = 0
    inner: int = 0
    deepest: int = 0

    def separate(self) -> None:
        self.deepest = max(self.deepest, self.chain + self.inner)
        self.chain = self.inner = 0

    @property
    def total(self) -> int:
        return self.sets + max(self.deepest, self.chain + self.inner)


def bound(sql: str) -> int:
    """No expression of the statement nests deeper to the left than this: between two separators (commas; AND and OR, whose
    chains the grammar flattens) it can be as deep as it has tokens, plus the deepest of the brackets in it."""
    levels = [_Level()]
    for token in tokens(sql):
        word = token.word
        if word in ("(", "["):
            levels.append(_Level())
        elif word in (")", "]"):
            if len(levels) > 1:
                below = levels.pop().total + 1
                levels[-1].inner = max(levels[-1].inner, below)
        elif word in (",", "AND", "OR"):
            levels[-1].separate()
        elif word in _SETS:
            levels[-1].sets += 1
        else:
            levels[-1].chain += 1
    return sum(level.total + 1 for level in levels)
