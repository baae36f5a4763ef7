"""Emphasis on a terminal that shows colours, plain text elsewhere."""

from dataclasses import dataclass

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
"""ECMA-48 SGR parameters."""

CLEAR_LINE = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class Style:
    """`colour` False: everything stays as it is."""

    colour: bool = False

    def __call__(self, text: str, *looks: str) -> str:
        """The text with these looks, which are names such as `bold` and `red`."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(str(_CODES[look]) for look in looks)}m{text}\x1b[0m"
