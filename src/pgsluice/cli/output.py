"""Writing a result to a file, and telling the news of a run."""

from collections.abc import Callable
from pathlib import Path

from pgsluice.cli.terminal import Terminal
from pgsluice.model.errors import UsageError
from pgsluice.model.events import Event
from pgsluice.model.settings import Settings
from pgsluice.report.narration import Narrator
from pgsluice.report.style import Style


def write_file(path: str, text: str) -> None:
    """Write a text; raises UsageError `file-not-written`."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError("file-not-written", f"{path} cannot be written: {error.strerror}", where=path, next="give another path") from None


def narrator(settings: Settings, terminal: Terminal) -> Callable[[Event], None]:
    """What tells the news on stderr: nothing with --quiet."""
    if settings.quiet:
        return lambda event: None
    return Narrator(terminal.err, Style(terminal.err_colour), verbose=settings.verbose)
