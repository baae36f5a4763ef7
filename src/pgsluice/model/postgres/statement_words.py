"""What kind of statement a query text is, told by its words alone: texts of other programs, cut off by the server, are not ours
to parse."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w]*)?\$)
    |(?P<quoted>[eE]?'|"|[uUbBxXnN]&?['"])
    |(?P<word>[A-Za-z_\u0080-\uffff][\w$]*)
    |(?P<end>;)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)

_DEFINING = frozenset({"ALTER", "CREATE", "DROP", "TRUNCATE", "COMMENT", "REINDEX", "CLUSTER", "REFRESH", "GRANT", "REVOKE", "IMPORT"})
_OBJECTS_AFTER = frozenset(
    {
        "OR",
        "REPLACE",
        "TEMP",
        "TEMPORARY",
        "UNLOGGED",
        "GLOBAL",
        "LOCAL",
        "CONSTRAINT",
        "RECURSIVE",
        "MATERIALIZED",
        "FOREIGN",
        "EVENT",
        "TRUSTED",
    }
)
"""Words between the verb and the kind of object which are left out, or kept as a part of it (MATERIALIZED VIEW, FOREIGN TABLE)."""
_KEPT = frozenset({"MATERIALIZED", "FOREIGN", "EVENT"})


def data_definition(query: str) -> str | None:
    """The first DDL statement of the text, such as 'ALTER TABLE' or 'CREATE INDEX CONCURRENTLY'; None where there is none.

    VACUUM FULL counts: it rewrites under the same lock. LOCK, SELECT ... FOR UPDATE and the rest do not, nor does what stands
    in quotes, in comments or in the body of a DO block."""
    return next((tag for tag in map(_tag, statements(query)) if tag is not None), None)


def locks_explicitly(query: str) -> bool:
    """Whether a statement of the text is LOCK."""
    return any(words[:1] == ["LOCK"] for words in statements(query))


def statements(query: str) -> list[list[str]]:
    """The first words of each statement, in capitals: at most eight, and only those before anything that is no word."""
    found: list[list[str]] = [[]]
    open_ = True
    for kind, text in lexemes(query):
        if kind == "end":
            found.append([])
            open_ = True
        elif kind == "word":
            if open_ and len(found[-1]) < 8:
                found[-1].append(text.upper())
        elif kind != "other" or not _goes_on(found[-1], text):
            open_ = False
    return [words for words in found if words]


def lexemes(query: str) -> Iterator[tuple[str, str]]:
    """The text without its white space and comments, piece by piece: `word`; `quoted` and `dollar`, which are whole, with their
    quotes; `end` for a semicolon; `other` for one sign."""
    place = 0
    while token := _TOKEN.match(query, place):
        kind, start, place = token.lastgroup, place, token.end()
        if kind == "comment":
            place = _after_comment(query, place)
        elif kind == "dollar":
            place = _after(query, token.group(), place)
        elif kind == "quoted":
            place = _after_quoted(query, token.group(), place)
        if kind not in ("skip", "comment"):
            yield str(kind), query[start:place]


def _goes_on(words: list[str], sign: str) -> bool:
    """Whether words behind the sign still tell what the statement is: a query in brackets, VACUUM's options."""
    return (sign == "(" and words in ([], ["VACUUM"])) or (sign == "," and words[:1] == ["VACUUM"])


def _tag(words: list[str]) -> str | None:
    verb, rest = words[0], words[1:]
    if verb in ("VACUUM", "ANALYZE", "ANALYSE"):
        return "VACUUM FULL" if verb == "VACUUM" and "FULL" in rest else None
    if verb == "SECURITY" and rest[:1] == ["LABEL"]:
        return "SECURITY LABEL"
    if verb not in _DEFINING:
        return None
    if verb in ("TRUNCATE", "COMMENT", "CLUSTER", "GRANT", "REVOKE"):
        return verb
    kinds = [word for word in rest if word not in _OBJECTS_AFTER or word in _KEPT]
    kept = 2 if kinds[:1] and kinds[0] in _KEPT else 1
    if kinds[:1] == ["UNIQUE"]:
        kinds = kinds[1:]
    tag = " ".join([verb, *kinds[:kept]])
    return f"{tag} CONCURRENTLY" if "CONCURRENTLY" in kinds[kept : kept + 1] else tag


def _after_comment(query: str, place: int) -> int:
    """Comments nest."""
    depth = 1
    while depth and place < len(query):
        mark = query[place : place + 2]
        depth += (mark == "/*") - (mark == "*/")
        place += 2 if mark in ("/*", "*/") else 1
    return place


def _after(query: str, mark: str, place: int) -> int:
    end = query.find(mark, place)
    return len(query) if end < 0 else end + len(mark)


def _after_quoted(query: str, opening: str, place: int) -> int:
    """Doubled quotes are found as two texts, one right behind the other, which comes to the same."""
    quote, escapes = opening[-1], opening[:1] in "eE"
    while place < len(query):
        if escapes and query[place] == "\\":
            place += 2
        elif query[place] == quote:
            return place + 1
        else:
            place += 1
    return place
