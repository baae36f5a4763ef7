"""Atlas: a folder with atlas.sum, in the order of the names as text (sql/migrate/dir.go).

Each file runs in a transaction, but for `-- atlas:txmode none` in the comments on top of it, which a blank line ends. The
first line may choose another delimiter. A checkpoint repeats what the files before it make: it is left out behind them.
"""

import re
from collections.abc import Sequence

from pgsluice.analysis.parsing.layouts.layout import Layout, SqlFile, Unit, Wrap, by_name, ended

_DIRECTIVE = re.compile(r"--[ \t]*atlas:(?P<name>\w+)(?:[ \t]+(?P<value>[^\r\n]*?))?[ \t]*\r?$", re.MULTILINE)
_HEAD = re.compile(r"(?:(?:--|#)[^\n]*(?:\n|\Z))*")
_WHY = "Atlas runs the file in a transaction: write `-- atlas:txmode none` and a blank line on top of a file of its own"
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t"}


def _claims(file: SqlFile) -> bool:
    return file.beside("atlas.sum") is not None or ("-- atlas:" in file.text and bool(_directives(file.text)))


def _directives(text: str) -> dict[str, str]:
    """Those for the file: the comments on top of it count where a blank line ends them."""
    head = _HEAD.match(text)
    end = head.end() if head else 0
    rest = text[end:]
    if rest and not re.match(r"[ \t]*\r?\n", rest):
        return {}
    return {found["name"]: found["value"] or "" for found in _DIRECTIVE.finditer(text, 0, end)}


def _read(file: SqlFile) -> tuple[Unit, ...]:
    text, off = file.text, _directives(file.text).get("txmode") == "none"
    delimiter = _delimiter(text)
    sql = ended(text, re.escape(delimiter)) if delimiter else text
    wraps = () if off else (Wrap(0, len(sql) + 1, _WHY),)
    name = file.name.removesuffix(".sql")
    return (Unit(name, sql, text, name.split("_")[0], wraps, apart=off, digest=_digest(file)),)


def _digest(file: SqlFile) -> str:
    """What atlas.sum says of the file; '' where it does not."""
    known = (file.beside("atlas.sum") or "").splitlines()
    return next((line.rpartition("h1:")[2] for line in known if line.startswith(f"{file.name} h1:")), "")


def _delimiter(text: str) -> str | None:
    """What the first line chooses (sql/migrate/lex.go)."""
    found = _DIRECTIVE.match(text)
    if not found or found["name"] != "delimiter" or not found["value"]:
        return None
    chosen = found["value"]
    for written, meant in _ESCAPES.items():
        chosen = chosen.replace(written, meant)
    return chosen if chosen != ";" else None


def _files(files: Sequence[SqlFile]) -> list[SqlFile]:
    ordered = by_name(files)
    return [file for number, file in enumerate(ordered) if number == 0 or "checkpoint" not in _directives(file.text)]


LAYOUT = Layout("atlas", _claims, _read, _files)
