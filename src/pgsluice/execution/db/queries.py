"""Named queries: SQL lives in .sql files beside the package that uses it.

A file holds several, each under a line `-- name: NAME`; parameters are psycopg's `%(name)s`.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def named_queries(package: str) -> Mapping[str, str]:
    """All named queries in the .sql files of `package`; raises ValueError where a name stands twice."""
    found: dict[str, str] = {}
    for file in sorted(files(package).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".sql"):
            parts = _HEADER.split(file.read_text(encoding="utf-8"))
            for name, sql in zip(parts[1::2], parts[2::2], strict=True):
                if name in found:
                    raise ValueError(f"query {name!r} stands twice in {package}")
                found[name] = sql.strip()
    return found
