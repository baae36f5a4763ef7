"""Relation lock modes and which of them conflict.

Source: PostgreSQL documentation, "Explicit Locking", table 13.2 (the same in 14 to 18).
"""

from enum import StrEnum


class LockMode(StrEnum):
    """A relation lock by PostgreSQL's own name, weakest first."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @property
    def strength(self) -> int:
        """0 for ACCESS SHARE up to 7 for ACCESS EXCLUSIVE."""
        return _ORDER.index(self)

    @property
    def pg_locks_name(self) -> str:
        """The spelling of the column `mode` of pg_locks, such as `AccessExclusiveLock`."""
        return self.value.title().replace(" ", "") + "Lock"

    def conflicts_with(self, other: "LockMode") -> bool:
        """Whether two transactions cannot hold the two modes on one relation at once."""
        return other in _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        """Whether a plain SELECT waits for it."""
        return self.conflicts_with(LockMode.ACCESS_SHARE)

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait for it."""
        return self.conflicts_with(LockMode.ROW_EXCLUSIVE)

    @property
    def blocks_application(self) -> bool:
        """Whether any query of an ordinary application waits for it (SELECT FOR UPDATE included)."""
        return self.blocks_writes or self.conflicts_with(LockMode.ROW_SHARE)


def from_pg_locks(name: str) -> LockMode:
    """The mode that pg_locks spells `name`; raises KeyError for a name that is no relation lock."""
    return _BY_PG_LOCKS_NAME[name]


_ORDER = list(LockMode)
_AS, _RS, _RE, _SUE, _S, _SRE, _E, _AE = _ORDER
_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    _AS: frozenset({_AE}),
    _RS: frozenset({_E, _AE}),
    _RE: frozenset({_S, _SRE, _E, _AE}),
    _SUE: frozenset({_SUE, _S, _SRE, _E, _AE}),
    _S: frozenset({_RE, _SUE, _SRE, _E, _AE}),
    _SRE: frozenset({_RE, _SUE, _S, _SRE, _E, _AE}),
    _E: frozenset({_RS, _RE, _SUE, _S, _SRE, _E, _AE}),
    _AE: frozenset(_ORDER),
}
_BY_PG_LOCKS_NAME = {mode.pg_locks_name: mode for mode in LockMode}
