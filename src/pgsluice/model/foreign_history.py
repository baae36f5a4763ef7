"""What another migration tool recorded as done in its own table."""

from dataclasses import dataclass

from pgsluice.model.errors import RefusedError

RECORDING_TOOLS = ("golang-migrate", "dbmate", "goose", "sqlx", "diesel", "flyway", "atlas", "prisma", "supabase")
"""Into whose tables `run --record-as` writes."""

HISTORY_TOOLS = (*RECORDING_TOOLS, "drizzle", "liquibase", "alembic")
"""Whose tables `import-history` reads."""


@dataclass(frozen=True, slots=True)
class ForeignEntry:
    """A migration that a tool's table names: `version` as it is written there, `checksum` as it stands there, None where the tool
    keeps none. `problem`: why it is neither done nor not done."""

    version: str
    checksum: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignHistory:
    """`table` is quoted and qualified. `up_to`: only the last migration is named, and all before it are done."""

    tool: str
    table: str
    entries: tuple[ForeignEntry, ...]
    up_to: bool = False

    def refuse_problems(self) -> None:
        """Raises RefusedError where the tool itself does not know how far it came with one."""
        for entry in self.entries:
            if entry.problem is not None:
                raise RefusedError(
                    "foreign-history-failed",
                    f"{self.table} says of {entry.version}: {entry.problem}",
                    next=f"see what it has done, put that right with {self.tool}, and call again; nothing was changed",
                )


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """How a tool would record one migration: what its table calls it, says of it, where its file is, and the checksum in the
    tool's own way (hex for bytes); '' where it has none of these. `statements`: how many there are."""

    version: str
    description: str = ""
    script: str = ""
    checksum: str = ""
    statements: int = 0


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What was taken over from the `table` of a `tool`: `adopted` are new to the journal, `known` were there, `left` are to run."""

    tool: str
    table: str
    adopted: tuple[str, ...]
    known: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...] = ()
