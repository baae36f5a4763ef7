"""Which table belongs to which tool, and how its rows are understood. Each is what the tool's own source makes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgsluice.model.foreign_history import ForeignEntry

Row = Mapping[str, Any]
Reader = Callable[[Sequence[Row]], Iterable[ForeignEntry]]


@dataclass(frozen=True, slots=True)
class ToolTable:
    """`columns` are those that tell it from another tool's table of the same name, `without` one that it does not have."""

    name: str
    columns: frozenset[str]
    read: Reader
    up_to: bool = False
    without: str = ""

    def is_one(self, name: str, columns: Sequence[str]) -> bool:
        """Whether a table of that name and with those columns is this tool's."""
        return name == self.name and self.columns <= set(columns) and self.without not in columns


def _golang_migrate(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """database/postgres: one row; dirty while a migration runs, and after it has failed."""
    for row in rows:
        problem = "golang-migrate failed in it, or is running it (dirty)" if row["dirty"] else None
        yield ForeignEntry(str(row["version"]), problem=problem)


def _versions(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """dbmate, diesel, Supabase: a row for each."""
    return (ForeignEntry(str(row["version"])) for row in rows)


def _goose(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """The last row of a version counts; older releases wrote a row with is_applied = false when they went back. Version 0 is goose's
    own beginning."""
    latest = {row["version_id"]: row["is_applied"] for row in sorted(rows, key=lambda row: int(row["id"]))}
    return (ForeignEntry(str(version)) for version, applied in latest.items() if applied and version != 0)


def _sqlx(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    for row in rows:
        yield ForeignEntry(str(row["version"]), bytes(row["checksum"]).hex(), None if row["success"] else "sqlx failed in it")


def _flyway(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """Repeatable ones have no version, and are known by their script; the last row counts. Undone and deleted ones are gone."""
    found: dict[str, ForeignEntry] = {}
    for row in sorted(rows, key=lambda row: int(row["installed_rank"])):
        kind, version = str(row["type"]).upper(), row["version"] or str(row["script"]).rsplit("/", 1)[-1]
        if kind.startswith("UNDO") or kind == "DELETE":
            found.pop(version, None)
        elif kind not in ("SCHEMA", "BASELINE"):
            checksum = None if row["checksum"] is None else str(row["checksum"])
            found[version] = ForeignEntry(version, checksum, None if row["success"] else "Flyway failed in it")
        elif kind == "BASELINE":
            found[f"<={version}"] = ForeignEntry(f"<={version}")
    return found.values()


def _atlas(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """Atlas writes a row of its own beside those of the files; type 1 is a baseline, which covers what comes before it, too."""
    for row in rows:
        if str(row["version"]).startswith("."):
            continue
        whole = row["applied"] == row["total"] and not row["error"]
        problem = None if whole else f"Atlas applied {row['applied']} of its {row['total']} statements"
        baseline = "<=" if row["type"] == 1 else ""
        yield ForeignEntry(f"{baseline}{row['version']}", row["hash"] or None, problem)


def _prisma(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """One that failed and was resolved has a row that was rolled back, and perhaps one that was finished."""
    for row in rows:
        if row["rolled_back_at"] is None:
            problem = "Prisma failed in it, or is running it" if row["finished_at"] is None else None
            yield ForeignEntry(row["migration_name"], row["checksum"], problem)


def _drizzle(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    """Everything up to the newest time is done (pg-core/dialect.ts)."""
    times = [int(row["created_at"]) for row in rows if row["created_at"] is not None]
    return [ForeignEntry(str(max(times)))] if times else []


def _liquibase(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    return (ForeignEntry(f"{row['id']}::{row['author']}") for row in rows)


def _alembic(rows: Sequence[Row]) -> Iterable[ForeignEntry]:
    return (ForeignEntry(row["version_num"]) for row in rows)


TABLES: Mapping[str, ToolTable] = {
    "golang-migrate": ToolTable("schema_migrations", frozenset({"version", "dirty"}), _golang_migrate, up_to=True),
    "dbmate": ToolTable("schema_migrations", frozenset({"version"}), _versions, without="dirty"),
    "goose": ToolTable("goose_db_version", frozenset({"id", "version_id", "is_applied"}), _goose),
    "sqlx": ToolTable("_sqlx_migrations", frozenset({"version", "success", "checksum"}), _sqlx),
    "diesel": ToolTable("__diesel_schema_migrations", frozenset({"version"}), _versions),
    "flyway": ToolTable(
        "flyway_schema_history", frozenset({"installed_rank", "version", "type", "script", "checksum", "success"}), _flyway
    ),
    "atlas": ToolTable("atlas_schema_revisions", frozenset({"version", "type", "applied", "total", "error", "hash"}), _atlas),
    "prisma": ToolTable("_prisma_migrations", frozenset({"migration_name", "checksum", "finished_at", "rolled_back_at"}), _prisma),
    "supabase": ToolTable("schema_migrations", frozenset({"version", "statements"}), _versions, without="dirty"),
    "drizzle": ToolTable("__drizzle_migrations", frozenset({"hash", "created_at"}), _drizzle, up_to=True),
    "liquibase": ToolTable("databasechangelog", frozenset({"id", "author", "filename"}), _liquibase),
    "alembic": ToolTable("alembic_version", frozenset({"version_num"}), _alembic, up_to=True),
}
