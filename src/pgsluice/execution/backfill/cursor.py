"""The cursor of a backfill: how far it is, as it is saved in the transaction of each batch."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from pgsluice.execution.backfill.batch import KEY_DONE
from pgsluice.execution.backfill.heap import Heap
from pgsluice.execution.backfill.slicing import Tour
from pgsluice.model.postgres.identifiers import literal


@dataclass(frozen=True, slots=True)
class Cursor:
    """In pass `pass_number` (from 1) everything of this worker's share before the tour over pages `first` to `last` is done, of
    the tour all slices before `slice`, of that all before page and line; and all heaps with smaller oids. It holds for as many
    `workers` only. Windows that were locked and put off are not remembered: the next pass finds their rows."""

    pass_number: int = 1
    oid: int = 0
    filenode: int = 0
    page: int = 0
    line: int = 0
    first: int = 0
    last: int = 0
    slice: int = 0
    slices: int = 1
    workers: int = 1

    def sql(self) -> str:
        """As an expression of type jsonb."""
        return f"{literal(json.dumps(asdict(self)))}::pg_catalog.jsonb"

    @classmethod
    def read(cls, text: str | None, workers: int = 1) -> "Cursor":
        """The cursor that was saved; the very first without one, the first of its pass where there are other workers now."""
        found = cls(workers=workers) if text is None else cls(**json.loads(text))
        return found if found.workers == workers else cls(found.pass_number, workers=workers)

    def at(self, heap: Heap, place: int, tour: Tour, slice: int) -> "Cursor":
        page, line = divmod(place, heap.lines_per_page)
        where = {"page": page, "line": line, "first": tour.start, "last": tour.end, "slice": slice, "slices": tour.slices}
        return replace(self, oid=heap.oid, filenode=heap.filenode, **where)

    def in_pass(self, number: int) -> "Cursor":
        """The beginning of that pass."""
        return Cursor(number, workers=self.workers)

    def is_past(self, heap: Heap) -> bool:
        """Whether the heap is done in this pass."""
        return heap.oid < self.oid

    def tour_in(self, heap: Heap) -> Tour | None:
        """The tour that it stands in; None where the heap was not begun, or has a new file: then it begins anew."""
        same = (heap.oid, heap.filenode) == (self.oid, self.filenode)
        return Tour(self.first, max(self.last, self.page + 1), self.slices) if same else None

    def place(self, heap: Heap) -> int:
        return self.page * heap.lines_per_page + self.line


@dataclass(frozen=True, slots=True)
class KeyCursor:
    """Of the heap with this oid everything up to the key `after` is done, of its rows up to `end`, the last key of the beginning;
    and all heaps with smaller oids. Keys are JSON lists of texts: nothing but the server reads them."""

    oid: int = 0
    after: str | None = None
    end: str | None = None

    @classmethod
    def read(cls, text: str | None) -> "KeyCursor":
        """The cursor that was saved; the very first without one. Numbers are kept as they are written: a float would round them."""
        if text is None:
            return cls()
        found = json.loads(text, parse_float=str, parse_int=str)
        return cls(int(found["oid"]), _dumped(found["after"]), _dumped(found["end"]))

    def behind(self) -> str:
        """As an expression of type jsonb, once the batch has reached its last key."""
        end = "NULL" if self.end is None else f"{literal(self.end)}::pg_catalog.jsonb"
        return f"pg_catalog.jsonb_build_object('oid', {self.oid}, 'after', {KEY_DONE}, 'end', {end})"


def _dumped(key: Any) -> str | None:
    return None if key is None else json.dumps(key, ensure_ascii=False)
