"""Where output goes: results to stdout, progress and logs to stderr."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO


class Terminal:
    """The two streams, and whether each shows colours (and, with them, lines that are written over)."""

    def __init__(self) -> None:
        self.out, self.err = sys.stdout, sys.stderr
        self.out_colour, self.err_colour = _colours(self.out, os.environ), _colours(self.err, os.environ)

    def result(self, text: str) -> None:
        """Print a result; what the stream's encoding has no letters for (such as a path's strange bytes) comes out escaped."""
        encoding = self.out.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=self.out)

    def say(self, text: str) -> None:
        """Print news or an error."""
        print(text, file=self.err, flush=True)

    def ask(self, question: str) -> bool:
        """Ask a person for yes or no; False where there is nobody to ask."""
        if not sys.stdin.isatty():
            return False
        print(f"{question} [y/N] ", end="", file=self.err, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def _colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Not for a pipe, a dumb terminal or where NO_COLOR is set (to anything but '')."""
    return stream.isatty() and environment.get("TERM", "dumb") != "dumb" and not environment.get("NO_COLOR")
