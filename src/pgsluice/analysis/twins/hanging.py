"""What hangs on a column, made anew on its twin while nobody waits, and the names that change hands in the swap."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.column_names import check_with, index_with, key_with
from pgsluice.analysis.parsing.surgery import index_named
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.constraints import Exchange, ForeignKey, added, gentle
from pgsluice.analysis.twins.references import References
from pgsluice.analysis.twins.twin import NotKeptError, Twin
from pgsluice.model.catalog import Constraint, ConstraintKind, Index, TableKind
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote
from pgsluice.model.steps import StepKind, Undo


@dataclass(frozen=True, slots=True)
class Copies:
    """What hangs on the column of `twin`. Raises NotKeptError where something of it cannot be kept."""

    twin: Twin

    @property
    def indexes(self) -> list[Index]:
        found = (i for table in self.twin.tables for i in table.indexes if self.twin.column.name in i.columns)
        return sorted(found, key=lambda i: i.name)

    @property
    def unique(self) -> list[tuple[Constraint, Index]]:
        """UNIQUE constraints with their indexes."""
        return [(c, i) for c, i in self._indexed() if c.kind is ConstraintKind.UNIQUE]

    @property
    def primary_key(self) -> tuple[Constraint, Index] | None:
        return next(((c, i) for c, i in self.primary_keys if c.table == self.twin.table.name), None)

    @property
    def primary_keys(self) -> list[tuple[Constraint, Index]]:
        """That of the table and those of its partitions."""
        return [(c, i) for c, i in self._indexed() if c.kind is ConstraintKind.PRIMARY_KEY]

    @property
    def checks(self) -> list[Constraint]:
        return [c for c in self._own() if c.kind is ConstraintKind.CHECK and not c.inherited]

    @property
    def keys(self) -> list[ForeignKey]:
        """Foreign keys of the table; not those that reference the column as well."""
        to = {(key.whole.table, key.whole.name) for key in self.references.keys}
        own = [c for c in self._own() if c.kind is ConstraintKind.FOREIGN_KEY and not c.inherited and (c.table, c.name) not in to]
        return [ForeignKey.of(k, self.twin.catalog) for k in own]

    @property
    def references(self) -> References:
        return References(self.twin)

    def _aside(self, name: str) -> str:
        """What is called so from the swap to contract. The column is in it: what hangs on two columns changes hands for each."""
        return helper_name(name, self.twin.column.name, "old")

    def _own(self) -> list[Constraint]:
        return [c for table in self.twin.tables for c in table.constraints if self.twin.column.name in c.columns]

    def _indexed(self) -> list[tuple[Constraint, Index]]:
        named = {(i.table, i.constraint): i for i in self.indexes if i.constraint}
        return [(c, named[c.table, c.name]) for c in self._own() if (c.table, c.name) in named]

    def built(self) -> Iterator[Part]:
        """The indexes, concurrently; those of a partitioned table alone, with those of its partitions attached."""
        for index in self.indexes:
            made, new = action_of(self._index_on_twin(index)), helper_name(index.name.name, "new")
            if not index.partitioned:
                reason = f"{quote(index.name.name)} on the twin, built while reads and writes go on"
                sql = index_named(made, new, concurrent=True)
                yield Part(sql, reason, PhaseName.MIGRATE, settled=Settled(again=index.primary))
            elif index.constraint is None:
                # one that is attached goes with its parent's
                drop = Settled("" if index.parent else f"DROP INDEX IF EXISTS {QualifiedName(index.name.schema, new)}")
                reason = f"brief: makes {quote(index.name.name)} on the twin of the parent alone"
                yield Part(index_named(made, new), reason, PhaseName.MIGRATE, settled=drop)
        yield from (attached(i, "new") for i in self.indexes if i.parent is not None and i.constraint is None)

    def _index_on_twin(self, index: Index) -> str:
        text = index.definition or _plain_definition(index)
        changed = index_with(text, self.twin.column.name, self.twin.new) if text else None
        if changed is None:
            raise NotKeptError(f"index {index.name} was changed by an earlier statement of this file")
        return changed

    def made(self) -> Iterator[Part]:
        """The constraints: without looking at rows first, then validated while nobody waits."""
        for constraint, index in sorted(self.unique, key=lambda pair: pair[1].partitioned):
            yield self._unique(constraint, index)
        yield from (attached(i, "new") for _, i in self.unique if i.parent is not None)
        for check in self.checks:
            yield from added(check, check_with(check.definition, self.twin.column.name, self.twin.new))
        for key in self.keys:
            yield from key.made(key_with(key.whole.definition, self.twin.column.name, self.twin.new))
        yield from self.references.made()

    def _unique(self, constraint: Constraint, index: Index) -> Part:
        new = helper_name(index.name.name, "new")
        add = f"ALTER TABLE {constraint.table} ADD CONSTRAINT {quote(new)} UNIQUE USING INDEX {quote(new)}{_deferrable(constraint)}"
        if index.partitioned:
            listed = self._listed(index, self.twin.new)
            add = f"ALTER TABLE ONLY {constraint.table} ADD CONSTRAINT {quote(new)} UNIQUE{listed}{_deferrable(constraint)}"
        undo = "" if index.parent else f"ALTER TABLE {constraint.table} DROP CONSTRAINT IF EXISTS {quote(new)}"
        return Part(add, f"{quote(constraint.name)} on the twin", PhaseName.MIGRATE, settled=Settled(undo, again=False))

    def swapped(self) -> Iterator[Exchange]:
        """The statements of the swap that exchange names, each with what takes it back."""
        for index in self.indexes:
            if index.constraint is None:
                yield from _exchanged(index.name, self._aside(index.name.name))
        for constraint in (*(c for c, _ in self.unique), *self.checks):
            yield self._laid_aside(constraint)
            yield self._named(constraint)
        for key in self.keys:
            yield from map(self._laid_aside, (key.whole, *key.parts))
            yield from key.renamed(quote(helper_name(key.whole.name, "new")))

    def _laid_aside(self, constraint: Constraint) -> Exchange:
        rename = f"ALTER TABLE {constraint.table} RENAME CONSTRAINT"
        name, old = quote(constraint.name), quote(self._aside(constraint.name))
        return f"{rename} {name} TO {old}", f"{rename} {old} TO {name}"

    def _named(self, constraint: Constraint) -> Exchange:
        """The twin's constraint gets the name of the column's, which is free."""
        rename = f"ALTER TABLE {constraint.table} RENAME CONSTRAINT"
        index = next((i for c, i in self.unique if c is constraint), None)
        name, made = quote(constraint.name), quote(helper_name(index.name.name if index else constraint.name, "new"))
        return f"{rename} {made} TO {name}", f"{rename} {name} TO {made}"

    def taken_over(self) -> Iterator[str]:
        """Once the column is gone with all that was its own: what its twin has takes the names, and the primary key is made of it."""
        for index in self.indexes:
            if index.constraint is None:
                yield _index_named(index.name)[0]
        yield from self._primary_key_made()
        yield from (self._named(constraint)[0] for constraint in (*(c for c, _ in self.unique), *self.checks))
        for key in self.keys:
            yield from (there for there, _ in key.renamed(quote(helper_name(key.whole.name, "new"))))
        yield from self.references.taken_over()

    def copies_renamed(self) -> Iterator[str]:
        """At the end, once what had those names is gone."""
        for key in (*self.keys, *self.references.keys):
            references = key.whole.references and self.twin.catalog.table(key.whole.references)
            if references and references.kind is TableKind.PARTITIONED:
                yield key.copies_renamed

    def exchanged_keys(self) -> Iterator[Exchange]:
        """The primary key changes hands: a table has one at a time, and the foreign keys that rest on it cannot stand without."""
        primary = self.primary_key
        yield from self.references.exchanged(self._exchanged_primary_key(*primary) if primary is not None else ())

    def _listed(self, index: Index, column: str) -> str:
        """The columns of a key of a partitioned table, with another name for the twin's."""
        named = [quote(column if key == self.twin.column.name else key or "") for key in index.keys]
        include = [quote(column if key == self.twin.column.name else key) for key in index.include]
        apart = " NULLS NOT DISTINCT" if index.nulls_not_distinct else ""
        return f"{apart} ({', '.join(named)})" + (f" INCLUDE ({', '.join(include)})" if include else "")

    def _partitioned_keys(self, column: str, index_of: Callable[[str], str]) -> Iterator[str]:
        """The primary keys of a partitioned table, without a look at rows: those of its partitions from their indexes, then its own."""
        keys = sorted(self.primary_keys, key=lambda pair: pair[1].partitioned)
        for constraint, index in keys:
            add = f"ADD CONSTRAINT {quote(constraint.name)} PRIMARY KEY"
            if index.partitioned:
                yield f"ALTER TABLE ONLY {constraint.table} {add}{self._listed(index, column)}{_deferrable(constraint)}"
            else:
                yield f"ALTER TABLE {constraint.table} {add} USING INDEX {quote(index_of(index.name.name))}{_deferrable(constraint)}"
        yield from (attached(index).sql for _, index in keys if index.parent is not None)

    def _primary_key_made(self) -> Iterator[str]:
        primary = self.primary_key
        if primary is not None and primary[1].partitioned:
            yield from self._partitioned_keys(self.twin.new, lambda name: helper_name(name, "new"))
        elif primary is not None:
            yield self._primary_key_using(primary[0], helper_name(primary[1].name.name, "new"))

    def _primary_key_using(self, key: Constraint, index: str) -> str:
        return f"{self.twin.alter} ADD CONSTRAINT {quote(key.name)} PRIMARY KEY USING INDEX {quote(index)}{_deferrable(key)}"

    def _exchanged_primary_key(self, constraint: Constraint, index: Index) -> Iterator[Exchange]:
        drop = f"{self.twin.alter} DROP CONSTRAINT {quote(constraint.name)}"
        old = self._primary_key_using(constraint, self._aside(index.name.name))
        *first, last = self._primary_key_made()
        yield drop, ";\n".join(self._partitioned_keys(self.twin.column.name, self._aside)) if index.partitioned else old
        yield from ((sql, "") for sql in first)
        yield last, drop

    def first_on_the_way_back(self) -> Iterator[Undo]:
        """What the old column must have before it takes its place again, made while nobody waits."""
        for index in (i for _, i in self.primary_keys if not i.partitioned):
            old = self._aside(index.name.name)
            definition = index_with(index.definition or _plain_definition(index), self.twin.column.name, self.twin.old)
            if definition is None:
                raise NotKeptError(f"index {index.name} was changed by an earlier statement of this file")
            build = index_named(action_of(definition), old, if_not_exists=True, concurrent=True)
            yield Undo(StepKind.BUILD_INDEX, build, gentle(index.table), subject=str(QualifiedName(index.table.schema, old)))
        yield from self.references.first_on_the_way_back()

    def if_kept(self) -> Iterator[Undo]:
        """Takes that away again: it would refuse rows for what the old column has in the place of values that its type cannot hold."""
        yield from self.references.if_kept()
        for index in (i for _, i in self.primary_keys if not i.partitioned):
            subject = str(QualifiedName(index.table.schema, self._aside(index.name.name)))
            yield Undo(StepKind.DROP_INDEX, f"DROP INDEX CONCURRENTLY IF EXISTS {subject}", gentle(index.table), subject=subject)


def attached(index: Index, role: str = "") -> Part:
    """The index of a partition becomes a part of its parent's; `role`: of the helpers that stand for both."""
    assert index.parent is not None
    above, own = (QualifiedName(n.schema, helper_name(n.name, role)) if role else n for n in (index.parent, index.name))
    reason = f"the index of {index.table} becomes a part of the parent's"
    return Part(f"ALTER INDEX {above} ATTACH PARTITION {own}", reason, PhaseName.MIGRATE, settled=Settled())


def _deferrable(constraint: Constraint) -> str:
    _, bracket, tail = constraint.definition.rpartition(")")
    return tail if bracket and "DEFERRABLE" in tail else ""


def _exchanged(this: QualifiedName, aside: str) -> Iterator[Exchange]:
    old = QualifiedName(this.schema, aside)
    yield f"ALTER INDEX {this} RENAME TO {quote(old.name)}", f"ALTER INDEX {old} RENAME TO {quote(this.name)}"
    yield _index_named(this)


def _index_named(this: QualifiedName) -> Exchange:
    """The twin's index gets the name of the column's, which is free."""
    new = QualifiedName(this.schema, helper_name(this.name, "new"))
    return f"ALTER INDEX {new} RENAME TO {quote(this.name)}", f"ALTER INDEX {this} RENAME TO {quote(new.name)}"


def _plain_definition(index: Index) -> str:
    """As pg_get_indexdef prints it; '' for one that has more than plain keys."""
    keys = [k for k in index.keys if k is not None]
    if not index.plain or len(keys) < len(index.keys) or index.include or index.nulls_not_distinct:
        return ""
    listed, only = ", ".join(map(quote, keys)), "ONLY " if index.partitioned else ""
    return f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {quote(index.name.name)} ON {only}{index.table} USING btree ({listed})"
