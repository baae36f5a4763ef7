"""The text of one file: from an offset to the place that an editor shows."""

from bisect import bisect_right

from pgsluice.model.errors import Place

BYTE_ORDER_MARK = "\ufeff"


class Source:
    """A file's text. Offsets count characters from 0, a byte order mark included; places leave it out."""

    def __init__(self, text: str, path: str, line: int = 1) -> None:
        self.text, self.path = text, path
        self._first_line = line
        self._starts = [1 if text.startswith(BYTE_ORDER_MARK) else 0]
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def place(self, offset: int) -> Place:
        """The place of the character at `offset`, which may be the end of the text."""
        number = max(bisect_right(self._starts, offset) - 1, 0)
        return Place(self.path, self._first_line + number, max(offset - self._starts[number], 0) + 1)

    def line_end(self, offset: int) -> int:
        """The offset behind the line break of the line that `offset` is in, or the end of the text."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1
