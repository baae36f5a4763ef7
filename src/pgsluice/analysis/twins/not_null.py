"""NOT NULL of a column, proved for its twin while nobody waits, and what becomes of the old column's."""

from collections.abc import Iterator
from dataclasses import dataclass

from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, StepKind, Undo

_GENTLE, _STRONG = LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE


@dataclass(frozen=True, slots=True)
class NotNull:
    """From the swap on the old column may be NULL where no old value stands for the new one; on the way back it is proved again."""

    twin: Twin

    @property
    def _named(self) -> bool:
        return self.twin.catalog.version.has_not_null_constraints

    @property
    def _loosened(self) -> bool:
        return self.twin.column.not_null and not self.twin.always_down

    def _helper(self, role: str) -> str:
        return quote(self.twin.helper(f"{role}_not_null"))

    def proved(self) -> Iterator[Part]:
        """The twin's own, before the swap; nothing where the column may be NULL."""
        if not self.twin.column.not_null:
            return
        alter, new, helper = self.twin.alter, quote(self.twin.new), self._helper("new")
        reason, drop = "new rows are checked from here on", f"{self.twin.alter} DROP CONSTRAINT IF EXISTS {helper}"
        clause = f"NOT NULL {new}" if self._named else f"CHECK ({new} IS NOT NULL)"
        yield _part(f"{alter} ADD CONSTRAINT {helper} {clause} NOT VALID", reason, drop)
        if self.twin.column.not_null_validated:
            yield _part(f"{alter} VALIDATE CONSTRAINT {helper}", "checks the rows that were there before, while nobody waits", "")
        if not self._named:
            set_ = f"{alter} ALTER COLUMN {new} SET NOT NULL"
            yield _part(set_, "the check proves it, so nothing is scanned", f"{alter} ALTER COLUMN {new} DROP NOT NULL", with_next=True)
            # going forward again after a way back, the check is needed once more
            again = f"{alter} ADD CONSTRAINT {helper} {clause} NOT VALID"
            yield _part(f"{alter} DROP CONSTRAINT {helper}", "the check has done its work", again)

    def exchanged(self) -> Iterator[tuple[str, str]]:
        """The statements of the swap, each with what takes it back; the columns have their former names still."""
        column, alter = self.twin.column, self.twin.alter
        if not column.not_null:
            return
        name = quote(column.not_null_constraint or "")
        if self._loosened and self._named:
            back = f"{alter} RENAME CONSTRAINT {self._helper('old')} TO {name}"
            yield f"{alter} ALTER COLUMN {self.twin.name} DROP NOT NULL", back
            # a partition's own primary key has made that of its column its own, too
            for table in self.twin.tables[1:]:
                yield f"ALTER TABLE {table.name} ALTER COLUMN {self.twin.name} DROP NOT NULL", ""
        elif self._loosened:
            set_ = f"{alter} ALTER COLUMN {self.twin.name} SET NOT NULL;\n{alter} DROP CONSTRAINT {self._helper('old')}"
            yield f"{alter} ALTER COLUMN {self.twin.name} DROP NOT NULL", set_
        elif self._named:
            old = self._helper("old")
            yield f"{alter} RENAME CONSTRAINT {name} TO {old}", f"{alter} RENAME CONSTRAINT {old} TO {name}"
        if self._named:
            yield self._renamed()

    def _renamed(self) -> tuple[str, str]:
        """The twin's constraint gets the name of the column's, which is free."""
        rename, new, name = f"{self.twin.alter} RENAME CONSTRAINT", self._helper("new"), quote(self.twin.column.not_null_constraint or "")
        return f"{rename} {new} TO {name}", f"{rename} {name} TO {new}"

    def taken_over(self) -> Iterator[str]:
        """Once the column is gone, the twin's takes its name."""
        if self._named and self.twin.column.not_null:
            yield self._renamed()[0]

    @property
    def _proof(self) -> "Proof":
        return Proof(self.twin.table.name, self.twin.old, self._helper("old"), self._named, self.twin.column.not_null_validated)

    def first_on_the_way_back(self) -> tuple[Undo, ...]:
        """The old column's, proved before it takes its place again; the columns have their later names."""
        return self._proof.made() if self._loosened else ()

    def if_kept(self) -> tuple[Undo, ...]:
        """Takes that away again: it would refuse values that the old type cannot hold."""
        return self._proof.gone() if self._loosened else ()


@dataclass(frozen=True, slots=True)
class Proof:
    """NOT NULL of a column of a table, proved by the constraint `helper` (quoted) while nobody waits, before a way back needs it.
    `named`: it is a NOT NULL constraint, which becomes the column's by its name alone; else a CHECK, which SET NOT NULL takes for one."""

    table: QualifiedName
    column: str
    helper: str
    named: bool
    validated: bool = True

    def made(self) -> tuple[Undo, ...]:
        """May be repeated."""
        alter, name = f"ALTER TABLE {self.table}", quote(self.column)
        clause = f"NOT NULL {name}" if self.named else f"CHECK ({name} IS NOT NULL)"
        anew = f"{alter} DROP CONSTRAINT IF EXISTS {self.helper};\n{alter} ADD CONSTRAINT {self.helper} {clause} NOT VALID"
        made = (Undo(StepKind.STRIKE, anew, (Lock(str(self.table), _STRONG),)),)
        validate = Undo(StepKind.TRANSACTION, f"{alter} VALIDATE CONSTRAINT {self.helper}", (Lock(str(self.table), _GENTLE),))
        return (*made, validate) if self.validated else made

    def used(self, constraint: str | None) -> str:
        """What makes the column NOT NULL, brief; `constraint` is the name of the column's own, where it is `named`."""
        alter = f"ALTER TABLE {self.table}"
        if self.named:
            return f"{alter} RENAME CONSTRAINT {self.helper} TO {quote(constraint or '')}"
        return f"{alter} ALTER COLUMN {quote(self.column)} SET NOT NULL;\n{alter} DROP CONSTRAINT {self.helper}"

    def gone(self) -> tuple[Undo, ...]:
        """Takes the helper away; may be repeated."""
        drop = f"ALTER TABLE {self.table} DROP CONSTRAINT IF EXISTS {self.helper}"
        return (Undo(StepKind.STRIKE, drop, (Lock(str(self.table), _STRONG),)),)


def _part(sql: str, reason: str, undo: str, *, with_next: bool = False) -> Part:
    return Part(sql, reason, PhaseName.MIGRATE, with_next=with_next, settled=Settled(undo))
