"""Server majors and what each can do: code asks for a capability, not for a number."""

from dataclasses import dataclass

OLDEST, NEWEST = 14, 18
MAJORS = tuple(range(OLDEST, NEWEST + 1))


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """A server's version; `number` is server_version_num (180006 for 18.6)."""

    number: int

    @classmethod
    def of_major(cls, major: int) -> "ServerVersion":
        """The first release of a major, for planning without a server."""
        return cls(major * 10000)

    @property
    def major(self) -> int:
        return self.number // 10000

    @property
    def has_not_null_constraints(self) -> bool:
        """NOT NULL as a named constraint that can be NOT VALID (18)."""
        return self.major >= 18

    @property
    def has_transaction_timeout(self) -> bool:
        return self.major >= 17

    @property
    def has_nulls_not_distinct(self) -> bool:
        return self.major >= 15

    @property
    def has_schema_publications(self) -> bool:
        """CREATE PUBLICATION ... FOR TABLES IN SCHEMA (15)."""
        return self.major >= 15

    @property
    def has_security_invoker(self) -> bool:
        """Views that ask who uses them, not their owner, for the rights on what they read (15)."""
        return self.major >= 15

    @property
    def has_soft_input_errors(self) -> bool:
        """pg_input_is_valid (16)."""
        return self.major >= 16

    @property
    def has_virtual_columns(self) -> bool:
        return self.major >= 18

    @property
    def has_unlogged_sequences(self) -> bool:
        """Sequences of unlogged tables that are unlogged themselves (15)."""
        return self.major >= 15

    @property
    def has_not_valid_keys_of_partitioned(self) -> bool:
        """Foreign keys of a partitioned table that are NOT VALID (18)."""
        return self.major >= 18

    def __str__(self) -> str:
        minor = self.number % 10000
        return f"{self.major}.{minor}" if minor else str(self.major)
