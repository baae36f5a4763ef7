"""Constraints that are made on a twin: without a look at the rows first, then validated while nobody waits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.twin import NotKeptError, below
from pgsluice.model.catalog import Catalog, Constraint, Table, TableKind
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import HELPER_PREFIX, NAME_BYTES, QualifiedName, clip, helper_name, literal, quote
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, StepKind, Undo

Exchange = tuple[str, str]
"""A statement of the swap, and what takes it back."""

_VALIDATED = "checks the rows that were there before, while nobody waits"


def unchecked(constraint: Constraint) -> str:
    """What follows the definition, so that no row is looked at; '' where it says so already."""
    return " NOT VALID" if constraint.validated and constraint.enforced else ""


def kept(constraint: Constraint, definition: str | None) -> str:
    """The definition, which is not known where an earlier statement of the file changed the constraint."""
    if definition is None:
        raise NotKeptError(f"constraint {quote(constraint.name)} of {constraint.table} was changed by an earlier statement of this file")
    return definition


def added(constraint: Constraint, definition: str | None, *, again: bool = False) -> Iterator[Part]:
    """One of this definition under the helper's name of the constraint's; None as for `kept`."""
    alter, new = f"ALTER TABLE {constraint.table}", quote(helper_name(constraint.name, "new"))
    reason = f"{quote(constraint.name)} for the twin: new rows are checked from here on"
    add = f"{alter} ADD CONSTRAINT {new} {kept(constraint, definition)}{unchecked(constraint)}"
    drop = f"{alter} DROP CONSTRAINT IF EXISTS {new}"
    yield Part(add, reason, PhaseName.MIGRATE, settled=Settled(drop, again=again))
    if unchecked(constraint):
        yield Part(f"{alter} VALIDATE CONSTRAINT {new}", _VALIDATED, PhaseName.MIGRATE, settled=Settled(again=again))


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of a table, and its parts where that is partitioned; `tables` are the table and all below it.

    Up to 17 one of a partitioned table is never NOT VALID: it is `parted`, and each partition gets its own, which the whole one takes for
    its parts."""

    whole: Constraint
    tables: tuple[Table, ...]
    parted: bool

    @classmethod
    def of(cls, key: Constraint, catalog: Catalog) -> "ForeignKey":
        tables = below(catalog.tables[key.table], catalog)
        parted = tables[0].kind is TableKind.PARTITIONED and not catalog.version.has_not_valid_keys_of_partitioned
        return cls(key, tables, parted)

    @property
    def name(self) -> str:
        return quote(self.whole.name)

    @property
    def parts(self) -> list[Constraint]:
        below = (k for table in self.tables[1:] for k in table.foreign_keys)
        return [k for k in below if k.inherited and k.says_what(self.whole)]

    @property
    def checked(self) -> list[Constraint]:
        """Those that are made NOT VALID: the whole one, or that of each partition."""
        if not self.parted:
            return [self.whole]
        leaves, parts = [t.name for t in self.tables if t.kind is TableKind.TABLE], {p.table: p for p in self.parts}
        return [parts.get(leaf, replace(self.whole, table=leaf)) for leaf in leaves]

    def made(self, definition: str | None, *, again: bool = False) -> Iterator[Part]:
        """One of this definition under the helper's name; None as for `kept`."""
        for each in self.checked:
            yield from added(replace(self.whole, table=each.table), definition, again=again)
        if self.parted:
            new = quote(helper_name(self.whole.name, "new"))
            drop = Settled(f"ALTER TABLE {self.whole.table} DROP CONSTRAINT IF EXISTS {new}", again=again)
            yield Part(self._whole(new, kept(self.whole, definition)), self._reason, PhaseName.MIGRATE, settled=drop)

    def renamed(self, other: str) -> Iterator[Exchange]:
        """The whole one and its parts, which are all called `other` (quoted), get their names."""
        for each in (self.whole, *self.parts):
            rename, name = f"ALTER TABLE {each.table} RENAME CONSTRAINT", quote(each.name)
            yield f"{rename} {other} TO {name}", f"{rename} {name} TO {other}"

    @property
    def dropped(self) -> str:
        """The parts go with the whole one."""
        return f"ALTER TABLE {self.whole.table} DROP CONSTRAINT {self.name}"

    @property
    def all_dropped(self) -> list[str]:
        """The same, also where the partitions have each their own: a way back that broke off has not made the whole one."""
        parts = self.checked if self.parted else []
        return [f"ALTER TABLE {k.table} DROP CONSTRAINT IF EXISTS {quote(k.name)}" for k in (self.whole, *parts)]

    def put(self, definition: str) -> Iterator[Exchange]:
        """One of this definition, brief: each partition has its own, which is not validated yet."""
        for each in self.checked:
            alter, name = f"ALTER TABLE {each.table}", quote(each.name)
            yield f"{alter} ADD CONSTRAINT {name} {definition}{unchecked(self.whole)}", f"{alter} DROP CONSTRAINT {name}"

    def proved(self, definition: str, phase: PhaseName) -> Iterator[Part]:
        """What was put, of this definition, is validated, the whole one made of its parts; taken back, each is apart again, valid."""
        settled = Settled() if phase is not PhaseName.CONTRACT else Settled(None)
        for each in self.checked if unchecked(self.whole) else ():
            yield Part(f"ALTER TABLE {each.table} VALIDATE CONSTRAINT {quote(each.name)}", _VALIDATED, phase, settled=settled)
        if not self.parted:
            return
        if phase is not PhaseName.CONTRACT:
            apart = quote(helper_name(self.whole.name, "apart"))
            back = [f"ALTER TABLE {each.table} RENAME CONSTRAINT {apart} TO {quote(each.name)}" for each in self.checked]
            first = (self.gone(apart), *self._made_of_each(definition, apart))
            settled = Settled(";\n".join([self.dropped, *back]), first, (self.gone(apart),))
        yield Part(self._whole(self.name, definition), self._reason, phase, settled=settled)

    def proved_again(self) -> Iterator[Undo]:
        """The same on the way back, also where nothing was put."""
        for each in self.checked if unchecked(self.whole) else ():
            yield Undo(StepKind.TRANSACTION, f"ALTER TABLE {each.table} VALIDATE CONSTRAINT {quote(each.name)}", gentle(each.table))
        if self.parted:
            there = f"conrelid = {literal(str(self.whole.table))}::pg_catalog.regclass AND conname = {literal(self.whole.name)}"
            add = f"IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE {there}) THEN"
            body = f"\nBEGIN\n    {add}\n        {self._whole(self.name, self.whole.definition)};\n    END IF;\nEND\n"
            yield Undo(StepKind.STRIKE, f"DO {literal(body)}", self._locks)

    def made_back(self, definition: str, name: str) -> Iterator[Undo]:
        """One of this definition, and its parts, all of this name (quoted), made while nobody waits; may be repeated."""
        yield self.gone(name)
        yield from self._made_of_each(definition, name)
        if self.parted:
            yield Undo(StepKind.STRIKE, self._whole(name, definition), self._locks)

    def _made_of_each(self, definition: str, name: str) -> Iterator[Undo]:
        for each in self.checked:
            add = f"ALTER TABLE {each.table} ADD CONSTRAINT {name} {definition}{unchecked(self.whole)}"
            yield Undo(StepKind.STRIKE, add, self._locks)
            if unchecked(self.whole):
                yield Undo(StepKind.TRANSACTION, f"ALTER TABLE {each.table} VALIDATE CONSTRAINT {name}", gentle(each.table))

    def gone(self, name: str) -> Undo:
        """Takes away what has this name (quoted)."""
        tables = dict.fromkeys((self.whole.table, *(each.table for each in self.checked)))
        drops = [f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}" for table in tables]
        return Undo(StepKind.STRIKE, ";\n".join(drops), self._locks)

    @property
    def copies_renamed(self) -> str:
        """One statement: what the server has made for each partition of the table that it references, named after it as it was called then,
        gets names like those that the server would choose (18) for it as it is called now."""
        table, base = literal(str(self.whole.table)), clip(self.whole.name, NAME_BYTES - 6)
        body = f"""
DECLARE
    _copy name;
    _number integer := 0;
BEGIN
    FOR _copy IN WITH RECURSIVE below AS (
            SELECT oid, conname FROM pg_catalog.pg_constraint
            WHERE conrelid = {table}::pg_catalog.regclass AND conname = {literal(self.whole.name)}
            UNION ALL
            SELECT c.oid, c.conname FROM pg_catalog.pg_constraint c JOIN below b ON c.conparentid = b.oid
            WHERE c.conrelid = {table}::pg_catalog.regclass)
        SELECT conname FROM below WHERE pg_catalog.strpos(conname, {literal(HELPER_PREFIX)}) > 0 ORDER BY oid
    LOOP
        LOOP
            _number := _number + 1;
            EXIT WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = {table}::pg_catalog.regclass
                                  AND conname = ({literal(base + "_")} || _number)::name);
        END LOOP;
        EXECUTE pg_catalog.format('ALTER TABLE {str(self.whole.table).replace("%", "%%").replace("'", "''")} RENAME CONSTRAINT %I TO %I',
                                  _copy, {literal(base + "_")} || _number);
    END LOOP;
END
"""
        return f"DO {literal(body)}"

    def _whole(self, name: str, definition: str) -> str:
        return f"ALTER TABLE {self.whole.table} ADD CONSTRAINT {name} {definition}"

    @property
    def _reason(self) -> str:
        return f"{self.name}, of which the partitions have each their part"

    @property
    def _locks(self) -> tuple[Lock, ...]:
        references = self.whole.references
        return strong(*(t.name for t in self.tables), *((references,) if references else ()))


def gentle(table: QualifiedName) -> tuple[Lock, ...]:
    return (Lock(str(table), LockMode.SHARE_UPDATE_EXCLUSIVE),)


def strong(*tables: QualifiedName) -> tuple[Lock, ...]:
    return tuple(Lock(str(t), LockMode.ACCESS_EXCLUSIVE) for t in dict.fromkeys(tables))
