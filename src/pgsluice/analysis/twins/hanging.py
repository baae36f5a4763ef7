"""What hangs on a column, made anew on its twin while nobody waits, and the names that change hands in the swap."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.column_names import check_with, index_with, key_with
from pgsluice.analysis.parsing.surgery import index_named
from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import Constraint, ConstraintKind, Index, TableKind
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, StepKind, Undo


class NotKeptError(Exception):
    """Something hangs on the column that would not be the same on the twin; the text names it."""


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
    def keys(self) -> list[Constraint]:
        """Foreign keys of the table; not those that reference the column as well."""
        to = self.keys_to
        return [c for c in self._own() if c.kind is ConstraintKind.FOREIGN_KEY and not c.inherited and c not in to]

    @property
    def keys_to(self) -> list[Constraint]:
        """Foreign keys of any table that reference the column."""
        found = self.twin.catalog.foreign_keys_to(self.twin.table.name)
        return [k for k in found if self.twin.column.name in k.referenced_columns]

    def _key_to_with(self, key: Constraint, new: str) -> str | None:
        """A foreign key that references the column, and may be of the same table and have it on both sides, with another name for it."""
        old, definition = self.twin.column.name, key.definition
        if key.table == self.twin.table.name and old in key.columns:
            definition = key_with(definition, old, new) or ""
        return key_with(definition, old, new, key.referenced_columns) if definition else None

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
            yield from self._added(check, check_with(check.definition, self.twin.column.name, self.twin.new))
        for key in self.keys:
            yield from self._key(key, key_with(key.definition, self.twin.column.name, self.twin.new))
        for key in self.keys_to:
            yield from self._added(key, self._key_to_with(key, self.twin.new), again=True)

    def _unique(self, constraint: Constraint, index: Index) -> Part:
        new = helper_name(index.name.name, "new")
        add = f"ALTER TABLE {constraint.table} ADD CONSTRAINT {quote(new)} UNIQUE USING INDEX {quote(new)}{_deferrable(constraint)}"
        if index.partitioned:
            listed = self._listed(index, self.twin.new)
            add = f"ALTER TABLE ONLY {constraint.table} ADD CONSTRAINT {quote(new)} UNIQUE{listed}{_deferrable(constraint)}"
        undo = "" if index.parent else f"ALTER TABLE {constraint.table} DROP CONSTRAINT IF EXISTS {quote(new)}"
        return Part(add, f"{quote(constraint.name)} on the twin", PhaseName.MIGRATE, settled=Settled(undo, again=False))

    def _added(self, constraint: Constraint, definition: str | None, *, again: bool = False) -> Iterator[Part]:
        if definition is None:
            raise NotKeptError(
                f"constraint {quote(constraint.name)} of {constraint.table} was changed by an earlier statement of this file"
            )
        alter, new = f"ALTER TABLE {constraint.table}", quote(helper_name(constraint.name, "new"))
        later = "" if not constraint.validated or not constraint.enforced else " NOT VALID"
        reason = f"{quote(constraint.name)} for the twin: new rows are checked from here on"
        drop = f"{alter} DROP CONSTRAINT IF EXISTS {new}"
        yield Part(f"{alter} ADD CONSTRAINT {new} {definition}{later}", reason, PhaseName.MIGRATE, settled=Settled(drop, again=again))
        if later:
            validate, why = f"{alter} VALIDATE CONSTRAINT {new}", "checks the rows that were there before, while nobody waits"
            yield Part(validate, why, PhaseName.MIGRATE, settled=Settled(again=again))

    def _key(self, key: Constraint, definition: str | None) -> Iterator[Part]:
        """Up to 17 one of a partitioned table is never NOT VALID: each partition gets its own, which the parent's takes for its parts."""
        leaves = [t for t in self.twin.tables[1:] if t.kind is TableKind.TABLE]
        for leaf in leaves:
            yield from self._added(replace(key, table=leaf.name), definition)
        if not self.twin.tables[1:]:
            yield from self._added(key, definition)
            return
        new, alter = quote(helper_name(key.name, "new")), f"ALTER TABLE {key.table}"
        later = "" if key.validated or not leaves else " NOT VALID"
        reason = f"{quote(key.name)} for the twin, of which the partitions have each their part"
        drop = Settled(f"{alter} DROP CONSTRAINT IF EXISTS {new}")
        yield Part(f"{alter} ADD CONSTRAINT {new} {definition}{later}", reason, PhaseName.MIGRATE, settled=drop)

    def _parts(self, key: Constraint) -> Iterator[Constraint]:
        """The foreign keys of the partitions that are parts of one of the table."""
        for table in self.twin.tables[1:]:
            yield from (k for k in table.foreign_keys if k.inherited and k.definition == key.definition)

    def swapped(self) -> Iterator[tuple[str, str]]:
        """The statements of the swap that exchange names, each with what takes it back."""
        for index in self.indexes:
            if index.constraint is None:
                yield from _exchanged(index.name, self._aside(index.name.name))
        for constraint in (*(c for c, _ in self.unique), *self.checks, *self.keys):
            yield from self._renamed(constraint)
        for key in self.keys:
            for part in self._parts(key):
                yield from self._renamed(part, key)

    def _renamed(self, constraint: Constraint, whole: Constraint | None = None) -> Iterator[tuple[str, str]]:
        rename = f"ALTER TABLE {constraint.table} RENAME CONSTRAINT"
        name, old = quote(constraint.name), quote(self._aside(constraint.name))
        yield f"{rename} {name} TO {old}", f"{rename} {old} TO {name}"
        yield self._named(constraint, whole)

    def _named(self, constraint: Constraint, whole: Constraint | None = None) -> tuple[str, str]:
        """The twin's constraint gets the name of the column's, which is free. `whole`: that of the table of which it is a part."""
        rename = f"ALTER TABLE {constraint.table} RENAME CONSTRAINT"
        index = next((i for c, i in self.unique if c is constraint), None)
        name, made = quote(constraint.name), quote(helper_name(index.name.name if index else (whole or constraint).name, "new"))
        return f"{rename} {made} TO {name}", f"{rename} {name} TO {made}"

    def freed(self) -> Iterator[str]:
        """What goes before the column, and does not go with it."""
        yield from (f"ALTER TABLE {key.table} DROP CONSTRAINT {quote(key.name)}" for key in self.keys_to)

    def taken_over(self) -> Iterator[str]:
        """Once the column is gone with all that was its own: what its twin has takes the names, and the primary key is made of it."""
        for index in self.indexes:
            if index.constraint is None:
                yield _index_named(index.name)[0]
        yield from self._primary_key_made()
        yield from (self._named(constraint)[0] for constraint in (*(c for c, _ in self.unique), *self.checks, *self.keys, *self.keys_to))
        yield from (self._named(part, key)[0] for key in self.keys for part in self._parts(key))

    def exchanged_keys(self) -> Iterator[tuple[str, str]]:
        """The primary key changes hands: a table has one at a time, and the foreign keys that rest on it cannot stand without."""
        primary = self.primary_key
        if primary is None:
            for key in self.keys_to:
                yield from self._renamed(key)
            return
        for key in self.keys_to:
            alter, name, old = f"ALTER TABLE {key.table}", quote(key.name), quote(self._aside(key.name))
            yield f"{alter} DROP CONSTRAINT {name}", f"{alter} RENAME CONSTRAINT {old} TO {name}"
        yield from self._exchanged_primary_key(*primary)
        for key in self.keys_to:
            alter, name, new = f"ALTER TABLE {key.table}", quote(key.name), quote(helper_name(key.name, "new"))
            yield f"{alter} RENAME CONSTRAINT {new} TO {name}", f"{alter} DROP CONSTRAINT {name}"

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

    def _exchanged_primary_key(self, constraint: Constraint, index: Index) -> Iterator[tuple[str, str]]:
        drop = f"{self.twin.alter} DROP CONSTRAINT {quote(constraint.name)}"
        old = self._primary_key_using(constraint, self._aside(index.name.name))
        *first, last = self._primary_key_made()
        yield drop, ";\n".join(self._partitioned_keys(self.twin.column.name, self._aside)) if index.partitioned else old
        yield from ((sql, "") for sql in first)
        yield last, drop

    def first_on_the_way_back(self) -> Iterator[Undo]:
        """What the old column must have before it takes its place again, made while nobody waits."""
        if self.primary_key is None:
            return
        for index in (i for _, i in self.primary_keys if not i.partitioned):
            old = self._aside(index.name.name)
            definition = index_with(index.definition or _plain_definition(index), self.twin.column.name, self.twin.old)
            if definition is None:
                raise NotKeptError(f"index {index.name} was changed by an earlier statement of this file")
            build = index_named(action_of(definition), old, if_not_exists=True, concurrent=True)
            yield Undo(StepKind.BUILD_INDEX, build, _gentle(index.table), subject=str(QualifiedName(index.table.schema, old)))
        for key in self.keys_to:
            yield from self._key_on_the_way_back(key)

    def _key_on_the_way_back(self, key: Constraint) -> Iterator[Undo]:
        definition = self._key_to_with(key, self.twin.old)
        assert definition is not None, "it was found when the key was copied"
        alter, old = f"ALTER TABLE {key.table}", quote(self._aside(key.name))
        later = "" if not key.validated or not key.enforced else " NOT VALID"
        add = f"{alter} DROP CONSTRAINT IF EXISTS {old};\n{alter} ADD CONSTRAINT {old} {definition}{later}"
        yield Undo(StepKind.STRIKE, add, _strong(key.table, self.twin.table.name))
        if later:
            yield Undo(StepKind.TRANSACTION, f"{alter} VALIDATE CONSTRAINT {old}", _gentle(key.table))

    def if_kept(self) -> Iterator[Undo]:
        """Takes that away again: it would refuse rows for what the old column has in the place of values that its type cannot hold."""
        if self.primary_key is None:
            return
        for key in self.keys_to:
            drop = f"ALTER TABLE {key.table} DROP CONSTRAINT IF EXISTS {quote(self._aside(key.name))}"
            yield Undo(StepKind.STRIKE, drop, _strong(key.table, self.twin.table.name))
        for index in (i for _, i in self.primary_keys if not i.partitioned):
            subject = str(QualifiedName(index.table.schema, self._aside(index.name.name)))
            yield Undo(StepKind.DROP_INDEX, f"DROP INDEX CONCURRENTLY IF EXISTS {subject}", _gentle(index.table), subject=subject)


def attached(index: Index, role: str = "") -> Part:
    """The index of a partition becomes a part of its parent's; `role`: of the helpers that stand for both."""
    assert index.parent is not None
    above, own = (QualifiedName(n.schema, helper_name(n.name, role)) if role else n for n in (index.parent, index.name))
    reason = f"the index of {index.table} becomes a part of the parent's"
    return Part(f"ALTER INDEX {above} ATTACH PARTITION {own}", reason, PhaseName.MIGRATE, settled=Settled())


def _deferrable(constraint: Constraint) -> str:
    _, bracket, tail = constraint.definition.rpartition(")")
    return tail if bracket and "DEFERRABLE" in tail else ""


def _exchanged(this: QualifiedName, aside: str) -> Iterator[tuple[str, str]]:
    old = QualifiedName(this.schema, aside)
    yield f"ALTER INDEX {this} RENAME TO {quote(old.name)}", f"ALTER INDEX {old} RENAME TO {quote(this.name)}"
    yield _index_named(this)


def _index_named(this: QualifiedName) -> tuple[str, str]:
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


def _gentle(table: QualifiedName) -> tuple[Lock, ...]:
    return (Lock(str(table), LockMode.SHARE_UPDATE_EXCLUSIVE),)


def _strong(*tables: QualifiedName) -> tuple[Lock, ...]:
    return tuple(Lock(str(t), LockMode.ACCESS_EXCLUSIVE) for t in dict.fromkeys(tables))
