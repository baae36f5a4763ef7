"""What one batch reaches: the rows of a window, those between two keys, or some wherever they are."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from pgsluice.execution.backfill.heap import Heap, Window
from pgsluice.model.postgres.identifiers import literal, quote
from pgsluice.model.steps import Fill

STRAGGLERS = 100
"""Rows of a batch without a window: their locks are held while the rest of the table is searched."""


class Reach(Protocol):
    """`settings` are for the transaction, `before` is PL/pgSQL that runs in front of the change, `place` the condition that holds
    for the rows that it reaches."""

    @property
    def settings(self) -> str: ...

    def before(self, fill: Fill, heap: Heap) -> str: ...

    def place(self, fill: Fill, heap: Heap) -> str: ...


@dataclass(frozen=True, slots=True)
class InWindow:
    """The rows on these pages; where there are `slices`, of each page every so manieth line: those with the number `slice`."""

    window: Window
    slice: int = 0
    slices: int = 1
    settings: ClassVar[str] = ""

    def before(self, fill: Fill, heap: Heap) -> str:
        return ""

    def place(self, fill: Fill, heap: Heap) -> str:
        """CASE: most rows of the window are of other slices, and must not cost more than the look at their number: the last byte of
        the tid as it is sent. By lines and not by a hash of the tid, so that no slice has more rows of a page than another: the
        former has left room for as many (16 slices by hash made 83 % HOT updates, 12 by lines 84 %, and looked less often)."""
        ctid = f"{heap.alias}.ctid"
        place = f"{ctid} >= {heap.ctid(self.window.start)} AND {ctid} < {heap.ctid(self.window.end)}"
        if self.slices == 1:
            return f"{place} AND ({fill.where})"
        number = f"pg_catalog.get_byte(pg_catalog.tidsend({ctid}), 5) % {self.slices}"
        return f"{place} AND CASE WHEN {number} = {self.slice} THEN ({fill.where}) ELSE false END"


@dataclass(frozen=True, slots=True)
class Anywhere:
    """Up to STRAGGLERS rows. They are locked first, and stand still from then on."""

    settings: ClassVar[str] = ""

    def before(self, fill: Fill, heap: Heap) -> str:
        rows = f"ONLY {heap.name} AS {heap.alias}"
        return f"_pgsluice_found := ARRAY(SELECT {heap.alias}.ctid FROM {rows} WHERE {fill.where} LIMIT {STRAGGLERS} FOR UPDATE);"

    def place(self, fill: Fill, heap: Heap) -> str:
        return f"{heap.alias}.ctid = ANY (_pgsluice_found) AND ({fill.where})"


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The next `rows` rows behind the key `after` (None: from the beginning) in the order of the key, up to `end`; keys are JSON
    lists, as the batch writes them: they are compared in the server alone. `skip`: they are passed over unchanged."""

    key: tuple[tuple[str, str], ...]
    """Names and types, as format_type prints them."""
    after: str | None
    end: str
    rows: int
    skip: bool = False
    settings: ClassVar[str] = "SET LOCAL enable_seqscan = off;\n"
    """The index of the key is there, whatever the statistics (or their absence) say."""

    def before(self, fill: Fill, heap: Heap) -> str:
        """Without that many rows the end is the last one."""
        names = [f"{heap.alias}.{quote(name)}" for name, _ in self.key]
        order, found = ", ".join(names), f"pg_catalog.jsonb_build_array({', '.join(names)})"
        at = f"SELECT {found} FROM ONLY {heap.name} AS {heap.alias} WHERE {self._between(heap, self.end)}"
        return f"""_pgsluice_end := (({at} ORDER BY {order} OFFSET {self.rows - 1} LIMIT 1));
    IF _pgsluice_end IS NULL THEN
        _pgsluice_end := {literal(self.end)}::pg_catalog.jsonb;
        _pgsluice_last := true;
    END IF;"""

    def place(self, fill: Fill, heap: Heap) -> str:
        return "false" if self.skip else f"{self._between(heap, None)} AND ({fill.where})"

    def _between(self, heap: Heap, end: str | None) -> str:
        names = ", ".join(f"{heap.alias}.{quote(name)}" for name, _ in self.key)
        last = "_pgsluice_end" if end is None else f"{literal(end)}::pg_catalog.jsonb"
        behind = f"ROW({names}) > {self._row(f'{literal(self.after)}::pg_catalog.jsonb')} AND " if self.after is not None else ""
        return f"{behind}ROW({names}) <= {self._row(last)}"

    def _row(self, key: str) -> str:
        return f"ROW({', '.join(f'({key} ->> {n})::{kind}' for n, (_, kind) in enumerate(self.key))})"
