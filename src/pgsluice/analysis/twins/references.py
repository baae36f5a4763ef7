"""The foreign keys of any table that reference a column: they change hands in the swap, and come back with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pgsluice.analysis.parsing.column_names import key_with
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.constraints import Exchange, ForeignKey, kept, unchecked
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import Table, TableKind
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import helper_name, literal, quote
from pgsluice.model.steps import StepKind, Undo

_MADE_S = 0.0005
"""For each foreign key to a partition: 576 of them took 0.3 to 0.6 s on 14, 2 cores with other work on them."""


@dataclass(frozen=True, slots=True)
class References:
    """Those that reference the column of `twin`. As a rule their like on the twin is there and valid before the swap. What rests on the
    primary key of a partitioned table cannot be: no index becomes that key, so that both are made in the swap, the foreign key NOT VALID.
    Each write is checked before it and after it; the rows are compared before, and validated afterwards."""

    twin: Twin

    @property
    def keys(self) -> list[ForeignKey]:
        catalog, column = self.twin.catalog, self.twin.column.name
        found = (k for table in self.twin.tables for k in catalog.foreign_keys_to(table.name))
        own = [k for k in found if not k.inherited and column in k.referenced_columns]
        return [ForeignKey.of(k, catalog) for k in own]

    @property
    def late(self) -> bool:
        """Whether they are made in the swap."""
        keys = (t.primary_key for t in self.twin.tables if self.twin.table.kind is TableKind.PARTITIONED)
        return any(self.twin.column.name in key.columns for key in keys if key is not None)

    def too_many(self, budget_s: float) -> Iterator[str]:
        """Why they cannot all be made in the swap: each one is made again for each partition that it references."""
        number = sum(len(key.checked) for key in self.keys) * len(self.twin.tables) if self.late else 0
        if number * _MADE_S > budget_s:
            yield (
                f"the swap would make {number} foreign keys, from each partition to each partition of {self.twin.table.name}, which takes "
                "longer than the stall budget: PostgreSQL 18 needs one for all that reference it; or raise the stall budget for it"
            )

    @property
    def trees(self) -> list[tuple[Table, ...]]:
        """The tables that hold them, with all below."""
        return list(dict.fromkeys(key.tables for key in self.keys))

    def made(self) -> Iterator[Part]:
        """Before the swap."""
        for key in self.keys:
            if not self.late:
                yield from key.made(self._of(key, self.twin.new), again=True)
            else:
                reason = f"each row finds its own by the twin as well, so that {key.name} can be made in the swap"
                settled = Settled(first=tuple(key.proved_again()))
                yield Part(self._partners(key, self.twin.new), reason, PhaseName.MIGRATE, settled=settled)

    def exchanged(self, primary_key: Iterable[Exchange]) -> Iterator[Exchange]:
        """Around that of the primary key, which cannot go while they rest on it; the columns have their former names."""
        for key in self.keys:
            back = key.put(key.whole.definition) if self.late else key.renamed(self._aside(key))
            first, *more = key.all_dropped if self.late else (key.dropped,)
            yield first, ";\n".join(there for there, _ in back)
            yield from ((drop, "") for drop in more)
        yield from primary_key
        for key in self.keys:
            if self.late:
                yield from key.put(self._of(key, self.twin.new))
            else:
                (first, _), *parts = key.renamed(self._new(key))
                yield first, key.dropped  # it rests on what goes with the primary key
                yield from ((there, "") for there, _ in parts)

    def proved(self, phase: PhaseName = PhaseName.MIGRATE) -> Iterator[Part]:
        """After the swap, and at once."""
        for key in self.keys if self.late else ():
            yield from key.proved(self._of(key, self.twin.to or self.twin.column.name), phase)

    def first_on_the_way_back(self) -> Iterator[Undo]:
        """What the old column must have before it takes its place again, made while nobody waits; its index is there."""
        for key in self.keys:
            if self.late:
                yield Undo(StepKind.TRANSACTION, self._partners(key, self.twin.old))
            else:
                yield from key.made_back(self._of(key, self.twin.old), self._aside(key))

    def if_kept(self) -> Iterator[Undo]:
        for key in self.keys if not self.late else ():
            yield key.gone(self._aside(key))

    def freed(self) -> Iterator[str]:
        """Before the column of another name goes for good."""
        yield from (key.dropped for key in self.keys)

    def taken_over(self) -> Iterator[str]:
        """Once it is gone, and the primary key is made of the twin."""
        for key in self.keys:
            named = key.put(self._of(key, self.twin.new)) if self.late else key.renamed(self._new(key))
            yield from (there for there, _ in named)

    @staticmethod
    def _new(key: ForeignKey) -> str:
        return quote(helper_name(key.whole.name, "new"))

    def _aside(self, key: ForeignKey) -> str:
        """What the old column's is called on the way back. The column is in it: a key on two columns changes hands for each."""
        return quote(helper_name(key.whole.name, self.twin.column.name, "old"))

    def _of(self, key: ForeignKey, new: str) -> str:
        """The definition with another name for the column, which a key of its own table may have on both sides."""
        whole, old = key.whole, self.twin.column.name
        definition: str | None = whole.definition
        if any(t.name == whole.table for t in self.twin.tables) and old in whole.columns:
            definition = key_with(whole.definition, old, new)
        return kept(whole, key_with(definition, old, new, whole.referenced_columns) if definition else None)

    def _partners(self, key: ForeignKey, column: str) -> str:
        """One statement that fails where a row finds no partner by this name of the column."""
        whole, own = key.whole, any(t.name == key.whole.table for t in self.twin.tables)
        columns = [column if own and c == self.twin.column.name else c for c in whole.columns]
        referenced = [column if c == self.twin.column.name else c for c in whole.referenced_columns]
        given = " AND ".join(f"child.{quote(c)} IS NOT NULL" for c in columns)
        same = " AND ".join(f"parent.{quote(p)} = child.{quote(c)}" for p, c in zip(referenced, columns, strict=True))
        rows = f"SELECT FROM {whole.table} AS child WHERE {given} AND NOT EXISTS (SELECT FROM {whole.references} AS parent WHERE {same})"
        if not unchecked(whole):
            rows = "SELECT WHERE false"
        body = f"""
BEGIN
    IF EXISTS ({rows}) THEN
        RAISE EXCEPTION 'rows of % would reference no row of %', {literal(str(whole.table))}, {literal(str(whole.references))};
    END IF;
END
"""
        return f"DO {literal(body)}"
