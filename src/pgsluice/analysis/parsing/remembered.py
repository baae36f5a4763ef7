"""The last answers about an action or statement, kept: rules, locks and effects ask the same of it, one after the other."""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

_Subject = TypeVar("_Subject")
_Answer = TypeVar("_Answer")

KEPT = 16
"""One action and the parts of its rewrites are asked about by turns; the deepest rewrite has fewer actions than this."""


def remembered(reader: Callable[[_Subject], _Answer]) -> Callable[[_Subject], _Answer]:
    """The reader with its last answers at hand, by the very object that was asked about: equal trees take long to compare.

    The reader must depend on nothing else, and the subject must not change. Safe in threads: a lost answer is found anew."""
    answers: OrderedDict[int, tuple[_Subject, _Answer]] = OrderedDict()

    @wraps(reader)
    def read(subject: _Subject) -> _Answer:
        kept = answers.get(id(subject))
        if kept is not None and kept[0] is subject:
            return kept[1]
        answer = reader(subject)
        answers[id(subject)] = (subject, answer)
        if len(answers) > KEPT:
            answers.popitem(last=False)
        return answer

    return read
