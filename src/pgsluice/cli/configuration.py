"""Options in a file: pgsluice.toml, or [tool.pgsluice] of pyproject.toml, in the current directory or above it."""

from pathlib import Path
from typing import Any

from pgsluice.model.errors import UsageError
from pgsluice.model.settings import Option, options

OWN_FILE, SHARED_FILE = "pgsluice.toml", "pyproject.toml"
_PATHS = ("schema", "baseline", "output", "load", "html", "record", "replay")
"""Options that name a file: in a configuration file they count from where that lies."""


def read_configuration(directory: Path) -> dict[str, Any]:
    """Values by the name of their option; {} without a file. The nearest file counts, pgsluice.toml before pyproject.toml;
    no directory above the one with `.git` is looked into.

    Raises UsageError `bad-configuration`, `unknown-option` and `bad-option`, naming the file."""
    for place in (directory, *directory.parents):
        for file in (place / OWN_FILE, place / SHARED_FILE):
            table = _table(file)
            if table is not None:
                return _values(table, file)
        if (place / ".git").exists():
            break
    return {}


def _table(file: Path) -> dict[str, Any] | None:
    """The options in a file; None where it is not there or says nothing of us."""
    if not file.is_file():
        return None
    try:
        text = file.read_text(encoding="utf-8")
        if file.name == SHARED_FILE and "pgsluice" not in text:
            return None
        import tomllib  # slow, and most calls have no file

        content = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError("bad-configuration", f"{file} cannot be read: {error}", where=str(file), next="correct the file") from None
    if file.name == OWN_FILE:
        return content
    ours = content.get("tool", {}).get("pgsluice")
    return ours if isinstance(ours, dict) else None


def _values(table: dict[str, Any], file: Path) -> dict[str, Any]:
    known = {option.key: option for option in options()}
    values = {}
    for key, value in table.items():
        option = known.get(key)
        if option is None:
            raise _unknown(key, known, file)
        read = option.from_value(value, f"{file}, key {key}")
        values[option.name] = str(file.parent / read) if option.name in _PATHS else read
    return values


def _unknown(key: str, known: dict[str, Option], file: Path) -> UsageError:
    import difflib  # only an error needs it

    close = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"the options are {', '.join(known)}"
    return UsageError("unknown-option", f"there is no option {key!r}", where=str(file), next=hint)
