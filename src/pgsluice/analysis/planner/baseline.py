"""Findings that are known already, from an earlier report: they are not said again."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pgsluice.analysis.parsing.migrations import read_text
from pgsluice.model.errors import InputError
from pgsluice.model.finding import Finding

Known = tuple[str, str, str]
"""Rule, path and statement, blanks aside: lines move when something is written above them."""


def known_from_file(path: str) -> tuple[Known, ...]:
    """What an earlier report holds; raises InputError."""
    import json

    try:
        return known_from_json(json.loads(read_text(Path(path))))
    except (ValueError, KeyError, TypeError, AttributeError):
        what = f"{path} is no report that `check --format json` has written"
        raise InputError("bad-baseline", what, where=path, next="write it with `pgsluice check PATH --format json > FILE`") from None


def known_from_json(report: Mapping[str, Any]) -> tuple[Known, ...]:
    """What a report of `check --format json` holds; raises KeyError, TypeError or AttributeError for something else."""
    return tuple(_known(str(f["rule"]), str(f["path"]), f["statement"]) for f in report["findings"])


def without_known(found: Iterable[Finding], known: Iterable[Known]) -> tuple[Finding, ...]:
    """The findings that are not known; each known one hides one finding."""
    left = Counter(known)
    new: list[Finding] = []
    for finding in found:
        key = _known(finding.rule, finding.place.path, finding.statement)
        new += [] if left[key] > 0 else [finding]
        left[key] -= 1
    return tuple(new)


def _known(rule: str, path: str, statement: str) -> Known:
    return rule, path, " ".join(statement.split())
