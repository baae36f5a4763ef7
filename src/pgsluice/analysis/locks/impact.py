"""What one action does to the traffic on the relations that it touches."""

from dataclasses import dataclass

from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.steps import Lock


@dataclass(frozen=True, slots=True)
class Impact:
    """`locks` are those on relations that exist before the action, strongest mode each, in the order in which the
    server takes them. `scans` are the relations read from end to end under those locks, `rewrites` the ones written
    anew, `builds` the ones for which an index is built. `in_transaction`: whether it may run inside a transaction block.
    `analysed` False: not understood, ACCESS EXCLUSIVE on everything it may touch is assumed."""

    locks: tuple[Lock, ...] = ()
    scans: tuple[QualifiedName, ...] = ()
    rewrites: tuple[QualifiedName, ...] = ()
    builds: tuple[QualifiedName, ...] = ()
    in_transaction: bool = True
    analysed: bool = True

    @property
    def blocks(self) -> bool:
        """Whether an application query can wait for one of the locks."""
        return any(lock.mode.blocks_application for lock in self.locks)

    @property
    def works(self) -> frozenset[QualifiedName]:
        """The relations for which the work grows with their size."""
        return frozenset((*self.scans, *self.rewrites, *self.builds))
