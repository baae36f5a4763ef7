"""Whether the text of a statement, or the body of a function, uses a name that only the old release uses: told by its words, as texts
of other programs are cut off by the server and not ours to parse."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from pgsluice.model.postgres.statement_words import lexemes
from pgsluice.model.steps import OldName


class Sureness(StrEnum):
    """How sure it is that a text uses a name."""

    CERTAIN = "uses"
    """The name stands where it can mean nothing else."""
    LIKELY = "may use"
    """It stands there beside other relations that may have one of the same name, or in a place that tells nothing."""


_RELATION_FOLLOWS = frozenset({"from", "join", "into", "update", "only", "table", "using", "copy", "truncate", "merge", "exists"})
_NO_ALIAS = frozenset(
    "where set on using join inner left right full cross natural group order limit offset for values select default returning union "
    "except intersect having window fetch when do loop then and or not with overriding tablesample as conflict".split()
)
_ROWS = frozenset({"new", "old", "excluded"})
"""What a row of the table is called in triggers and upserts."""

_WRITES = frozenset({"insert", "update", "merge", "copy"})
_BEHIND_SET = frozenset({"where", "from", "returning", "when"})


@dataclass(frozen=True, slots=True)
class _Word:
    """A name, or (`sign`) one sign. `text` is as the catalog would store it; a `quoted` name is no keyword."""

    text: str
    sign: bool = False
    quoted: bool = False

    def is_word(self, words: frozenset[str]) -> bool:
        return not self.sign and not self.quoted and self.text in words


_NOTHING = _Word("", sign=True)


def use_of(text: str, name: OldName, *, body: bool = False, trigger: bool = False) -> Sureness | None:
    """Whether the text uses the name, None where it does not. `body`: it is that of a function, in which texts may be statements;
    `trigger`: the function of a trigger of that very relation, so that NEW and OLD are its rows."""
    return _surest(_of_statement(words, name, trigger) for words in _statements(text, body))


@lru_cache(maxsize=512)
def words_of(text: str) -> frozenset[str]:
    """All names in a text, as the catalog would store them."""
    return frozenset(w.text for words in _statements(text, True) for w in words if not w.sign)


def _of_statement(words: Sequence[_Word], name: OldName, trigger: bool) -> Sureness | None:
    if name.what in ("function", "procedure"):
        called = (_at(words, i + 1).text == "(" and _schema_fits(words, i, name) for i in _places(words, name.name))
        return Sureness.CERTAIN if any(called) else None
    relation = _surest(_as_relation(words, i, name) for i in _places(words, name.name))
    if not name.column:
        return relation
    if relation is None and not trigger:
        return None
    if name.written and not any(w.is_word(_WRITES) for w in words):
        return None
    return _surest(_as_column(words, i, name, trigger) for i in _places(words, name.column))


def _surest(uses: Iterable[Sureness | None]) -> Sureness | None:
    return max((use for use in uses if use), key=[Sureness.LIKELY, Sureness.CERTAIN].index, default=None)


def _as_relation(words: Sequence[_Word], place: int, name: OldName) -> Sureness | None:
    """Whether a relation is meant by the word at that place."""
    if not _schema_fits(words, place, name):
        return None
    before = _at(words, place - 1)
    if before.text == "." and before.sign:
        return Sureness.CERTAIN
    if before.is_word(_RELATION_FOLLOWS) or _at(words, place + 1).text == "%":
        return Sureness.CERTAIN
    return Sureness.LIKELY if before.text == "," else None


def _schema_fits(words: Sequence[_Word], place: int, name: OldName) -> bool:
    return _at(words, place - 1).text != "." or _at(words, place - 2).text == name.schema


def _as_column(words: Sequence[_Word], place: int, name: OldName, trigger: bool) -> Sureness | None:
    """Whether the column is meant by the word at that place of a statement that names its relation."""
    before, behind = _at(words, place - 1), _at(words, place + 1)
    if behind.text in ("(", ".") or before.is_word(frozenset({"as"})) or (name.written and not _assigned(words, place)):
        return None
    if before.text == "." and before.sign:
        qualifier = _at(words, place - 2).text
        own = qualifier in _aliases(words, name) or (qualifier in _ROWS and (trigger or "into" in (w.text for w in words)))
        return Sureness.CERTAIN if own else None
    return Sureness.LIKELY if trigger or _others(words, name) else Sureness.CERTAIN


def _others(words: Sequence[_Word], name: OldName) -> bool:
    """Whether other relations are named in the statement."""
    if any(w.is_word(_RELATION_FOLLOWS) and not _about(words, i + 1, name) for i, w in enumerate(words)):
        return True
    return any(_in_list(words, i) for i in _places(words, name.name) if _as_relation(words, i, name))


def _in_list(words: Sequence[_Word], place: int) -> bool:
    """Whether a relation stands in a list of several (FROM a, b)."""
    end = place + 1
    while not _at(words, end).sign and not _at(words, end).is_word(_NO_ALIAS) and end < len(words):
        end += 1
    return "," in (_at(words, place - 1).text, _at(words, end).text)


def _about(words: Sequence[_Word], place: int, name: OldName) -> bool:
    """Whether the relation named behind a keyword is this one, or none at all."""
    while _at(words, place).is_word(_RELATION_FOLLOWS | _NO_ALIAS):
        place += 1
    if _at(words, place).sign:
        return True
    return name.name in (_at(words, place).text, _at(words, place + 2).text if _at(words, place + 1).text == "." else "")


def _aliases(words: Sequence[_Word], name: OldName) -> set[str]:
    """What the relation is called in a statement."""
    found = {name.name}
    for place in _places(words, name.name):
        if _as_relation(words, place, name):
            behind = _at(words, place + 1)
            behind = _at(words, place + 2) if behind.is_word(frozenset({"as"})) else behind
            if not behind.sign and not behind.is_word(_NO_ALIAS):
                found.add(behind.text)
    return found


def _assigned(words: Sequence[_Word], place: int) -> bool:
    """Whether the column at that place is written: in the list behind INSERT INTO, or in front of = behind SET."""
    depth, set_ = 0, False
    for word in reversed(words[:place]):
        depth += {")": 1, "(": -1}.get(word.text, 0) if word.sign else 0
        if word.is_word(frozenset({"values", "select"})) and depth <= 0:
            return False
        if word.is_word(frozenset({"set"})):
            set_ = True
            break
        if word.is_word(frozenset({"into"})):
            return depth < 0
        if word.is_word(_BEHIND_SET):
            return False
    return set_ and _at(words, place + 1).text in ("=", ",", ")")


def _places(words: Sequence[_Word], text: str) -> list[int]:
    return [i for i, w in enumerate(words) if not w.sign and w.text == text]


def _at(words: Sequence[_Word], place: int) -> _Word:
    return words[place] if 0 <= place < len(words) else _NOTHING


def _statements(text: str, body: bool) -> Iterator[list[_Word]]:
    """The words of each statement of a text; those of a body that is quoted in it (DO) stand for themselves."""
    words: list[_Word] = []
    for kind, piece in lexemes(text):
        inside = _inside(kind, piece, body)
        if inside is not None:
            yield from _statements(inside, body)
        elif kind == "end":
            yield words
            words = []
        else:
            words += _word(kind, piece)
    yield words


def _inside(kind: str, piece: str, body: bool) -> str | None:
    if kind == "dollar":
        mark = piece[: piece.index("$", 1) + 1]
        return piece.removeprefix(mark).removesuffix(mark)
    return piece.strip("eEuU&'").replace("''", "'") if body and kind == "quoted" and not piece.endswith('"') else None


def _word(kind: str, piece: str) -> Iterator[_Word]:
    if kind == "word":
        yield _Word(piece.lower())
    elif kind == "quoted" and piece.endswith('"'):
        yield replace(_Word(piece[piece.index('"') + 1 : -1].replace('""', '"')), quoted=True)
    elif kind == "other":
        yield _Word(piece, sign=True)
