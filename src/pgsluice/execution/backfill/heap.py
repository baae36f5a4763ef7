"""Places in a heap: pages and the lines in them as one line of numbers, so that windows are plain arithmetic."""

from dataclasses import dataclass

SMALLEST_TUPLE = 28
"""Bytes: a tuple header, aligned, and its line pointer; no page holds more lines than its size divided by this."""


@dataclass(frozen=True, slots=True)
class Heap:
    """One table that holds rows itself. `name` is quoted and qualified, `alias` what the user's expressions may call it;
    `filenode` changes when TRUNCATE, VACUUM FULL or CLUSTER give it a new file; `blocks` is its size when it was listed.
    `rows_per_page` is the planner's estimate, 0 where it has none; `indexed`: an index has a column that is assigned."""

    oid: int
    name: str
    alias: str
    filenode: int
    blocks: int
    block_size: int
    rows_per_page: float = 0.0
    indexed: bool = False

    @property
    def lines_per_page(self) -> int:
        """Line numbers begin at 1; 0 stands for the page's begin."""
        return self.block_size // SMALLEST_TUPLE + 1

    @property
    def end(self) -> int:
        return self.blocks * self.lines_per_page

    def page(self, place: int) -> int:
        return place // self.lines_per_page

    def place(self, place: int) -> str:
        """The place as people read it: (page,line)."""
        page, line = divmod(place, self.lines_per_page)
        return f"({page},{line})"

    def ctid(self, place: int) -> str:
        """The place as a literal of type tid."""
        return f"'{self.place(place)}'::pg_catalog.tid"


@dataclass(frozen=True, slots=True)
class Window:
    """The places from `start` up to, but without, `end`."""

    start: int
    end: int

    @property
    def is_one_line(self) -> bool:
        return self.end - self.start == 1

    def halves(self) -> list["Window"]:
        """Two windows that make up this one; a single line stays what it is."""
        middle = (self.start + self.end) // 2
        return [self] if self.is_one_line else [Window(self.start, middle), Window(middle, self.end)]
