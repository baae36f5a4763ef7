"""NOT NULL of a column, proved for its twin while nobody waits, and what becomes of the old column's."""

from collections.abc import Iterator
from dataclasses import dataclass

from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import quote
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
        elif self._loosened:
            set_ = f"{alter} ALTER COLUMN {self.twin.name} SET NOT NULL;\n{alter} DROP CONSTRAINT {self._helper('old')}"
            yield f"{alter} ALTER COLUMN {self.twin.name} DROP NOT NULL", set_
        elif self._named:
            old = self._helper("old")
            yield f"{alter} RENAME CONSTRAINT {name} TO {old}", f"{alter} RENAME CONSTRAINT {old} TO {name}"
        if self._named:
            new = self._helper("new")
            yield f"{alter} RENAME CONSTRAINT {new} TO {name}", f"{alter} RENAME CONSTRAINT {name} TO {new}"

    def first_on_the_way_back(self) -> Iterator[Undo]:
        """The old column's, proved before it takes its place again; the columns have their later names."""
        if not self._loosened:
            return
        alter, old, helper = self.twin.alter, quote(self.twin.old), self._helper("old")
        clause = f"NOT NULL {old}" if self._named else f"CHECK ({old} IS NOT NULL)"
        anew = f"{alter} DROP CONSTRAINT IF EXISTS {helper};\n{alter} ADD CONSTRAINT {helper} {clause} NOT VALID"
        table = str(self.twin.table.name)
        yield Undo(StepKind.STRIKE, anew, (Lock(table, _STRONG),))
        if self.twin.column.not_null_validated:
            yield Undo(StepKind.TRANSACTION, f"{alter} VALIDATE CONSTRAINT {helper}", (Lock(table, _GENTLE),))

    def if_kept(self) -> Iterator[Undo]:
        """Takes that away again: it would refuse values that the old type cannot hold."""
        if self._loosened:
            drop = f"{self.twin.alter} DROP CONSTRAINT IF EXISTS {self._helper('old')}"
            yield Undo(StepKind.STRIKE, drop, (Lock(str(self.twin.table.name), _STRONG),))


def _part(sql: str, reason: str, undo: str, *, with_next: bool = False) -> Part:
    return Part(sql, reason, PhaseName.MIGRATE, with_next=with_next, settled=Settled(undo))
