"""Taking a statement apart by its tokens, each part as a statement of its own that keeps the user's spelling."""

from bisect import bisect_left

from pgsluice.analysis.parsing.tokens import Token, tokens


def alter_table_clauses(sql: str, relation: int, count: int) -> list[str] | None:
    """ALTER TABLE t a, b as [ALTER TABLE t a, ALTER TABLE t b]; `relation` is the offset of the table's name and `count` the
    number of clauses. None where the text does not have that many."""
    if count == 1:
        return [sql]
    found = tokens(sql)
    first = relation_end(found, relation)
    head = sql[: found[first - 1].end]
    parts = between_separators(found[first:], ",")
    return [f"{head} {_text(sql, part)}" for part in parts] if len(parts) == count else None


def dropped_objects(sql: str, words: str, if_exists: bool, count: int) -> list[str] | None:
    """DROP TABLE a, b CASCADE as [DROP TABLE a CASCADE, DROP TABLE b CASCADE]; `words` are those between DROP and the names."""
    if count == 1:
        return [sql]
    found = tokens(sql)
    first = 1 + len(words.split())
    first += found[first].word == "CONCURRENTLY"
    first += 2 if if_exists else 0
    last = len(found)
    if found[-1].word in ("CASCADE", "RESTRICT") and found[-2].word != ",":
        last -= 1
    parts = between_separators(found[first:last], ",")
    if len(parts) != count:
        return None
    head, tail = sql[: found[first - 1].end], sql[found[last - 1].end :]
    return [f"{head} {_text(sql, part)}{tail}" for part in parts]


def listed_relations(sql: str, relations: list[int]) -> list[str]:
    """TRUNCATE a, b CASCADE as [TRUNCATE a CASCADE, TRUNCATE b CASCADE], and so LOCK, GRANT, VACUUM; `relations` are the offsets
    of the names."""
    if len(relations) == 1:
        return [sql]
    found = tokens(sql)
    starts = [_with_only(found, _index_at(found, r)) for r in relations]
    ends = [_item_end(found, r) for r in relations]
    head, tail = sql[: found[starts[0]].start], sql[found[ends[-1] - 1].end :]
    return [head + sql[found[s].start : found[e - 1].end] + tail for s, e in zip(starts, ends, strict=True)]


def relation_end(found: tuple[Token, ...], offset: int) -> int:
    """The number of the first token behind the relation whose name begins at `offset`, `*` and `ONLY (...)` included."""
    index = _index_at(found, offset)
    bracket = index > 1 and found[index - 1].word == "(" and found[index - 2].word == "ONLY"
    index += 1
    while index + 1 < len(found) and found[index].word == ".":
        index += 2
    if index < len(found) and found[index].word == "*":
        index += 1
    return index + 1 if bracket else index


def _item_end(found: tuple[Token, ...], offset: int) -> int:
    """Like `relation_end`, the column list of VACUUM included."""
    index = relation_end(found, offset)
    if index < len(found) and found[index].word == "(":
        depth = found[index].depth
        index = next(i for i in range(index + 1, len(found)) if found[i].word == ")" and found[i].depth == depth) + 1
    return index


def _index_at(found: tuple[Token, ...], offset: int) -> int:
    return next(i for i, t in enumerate(found) if t.start >= offset)


def _with_only(found: tuple[Token, ...], index: int) -> int:
    if index > 1 and found[index - 1].word == "(" and found[index - 2].word == "ONLY":
        return index - 2
    return index - 1 if index and found[index - 1].word == "ONLY" else index


def between_separators(found: tuple[Token, ...], separator: str) -> list[tuple[Token, ...]]:
    """The tokens between separators that stand in no bracket; empty parts are left out."""
    parts: list[tuple[Token, ...]] = []
    start = 0
    for index, token in enumerate(found):
        if token.word == separator and token.depth == 0:
            parts.append(found[start:index])
            start = index + 1
    parts.append(found[start:])
    return [p for p in parts if p]


def _text(sql: str, part: tuple[Token, ...]) -> str:
    return sql[part[0].start : part[-1].end]


def within(sql: str, start: int, end: int) -> tuple[Token, ...]:
    """The tokens that begin in [start, end) of the text."""
    found = tokens(sql)
    low = bisect_left(found, start, key=_start)
    return found[low : bisect_left(found, end, key=_start)]


def closing(found: tuple[Token, ...], index: int) -> int:
    """The number of the bracket that closes the one at `index`."""
    depth = found[index].depth
    return next(i for i in range(index + 1, len(found)) if found[i].depth == depth and found[i].word in (")", "]"))


def elements(sql: str, first: int) -> list[tuple[int, int]]:
    """The [start, end) of each element of the bracketed list in which the token at offset `first` stands in the first one."""
    found = tokens(sql)
    index = _index_at(found, first)
    depth = found[index].depth
    while not (found[index].word == "(" and found[index].depth == depth - 1):
        index -= 1
    spans: list[tuple[int, int]] = []
    start = index + 1
    for number in range(start, len(found)):
        token = found[number]
        closes = token.depth == depth - 1 and token.word == ")"
        if closes or (token.depth == depth and token.word == ","):
            spans.append((found[start].start, found[number - 1].end))
            start = number + 1
        if closes:
            break
    return spans


def last_end(sql: str, start: int, end: int) -> int:
    """The end of the last token that begins in [start, end)."""
    found = within(sql, start, end)
    return found[-1].end if found else start


def after_word(sql: str, start: int, end: int, word: str) -> int | None:
    """The offset behind the first `word` in [start, end) that stands in no bracket opened there; None where there is none."""
    found = within(sql, start, end)
    depth = found[0].depth if found else 0
    return next((t.end for t in found if t.word == word and t.depth == depth), None)


def stripped(sql: str, start: int, end: int) -> str:
    """The text from the first token in [start, end) to the end of the last: no comments around it."""
    found = within(sql, start, end)
    return sql[found[0].start : found[-1].end] if found else ""


def brackets_after(sql: str, start: int, end: int) -> tuple[int, int] | None:
    """The inside of the first pair of round brackets in [start, end)."""
    found = within(sql, start, end)
    index = next((i for i, t in enumerate(found) if t.word == "("), None)
    if index is None:
        return None
    return found[index].end, found[closing(found, index)].start


def _start(token: Token) -> int:
    return token.start
