"""Finding the table of another tool, and reading what it holds."""

from collections.abc import Mapping
from typing import Any

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.foreign.tables import TABLES
from pgsluice.model.errors import RefusedError
from pgsluice.model.foreign_history import ForeignHistory
from pgsluice.model.postgres.identifiers import QualifiedName

_QUERIES = named_queries(__package__)
_SUPABASE = "supabase_migrations"


def read_history(session: Session, tool: str | None, likely: str | None) -> ForeignHistory:
    """The history that the table of `tool` holds; without one that of the only tool that has a table here, or of the `likely` one
    among several. Changes nothing.

    Raises RefusedError `no-foreign-history` and `foreign-history-unclear`."""
    found = find_tables(session)
    chosen = tool or (next(iter(found)) if len(found) == 1 else likely)
    if chosen is None and found:
        named = ", ".join(f"{name} ({table})" for name, table in found.items())
        raise RefusedError(
            "foreign-history-unclear",
            f"{len(found)} tools have a table here: {named}",
            next="say whose history is meant with --history-of TOOL",
        )
    if chosen is None or chosen not in found:
        whose = f"table of {chosen}" if chosen else "table of a migration tool that is known here"
        raise RefusedError(
            "no-foreign-history",
            f"this database holds no {whose}",
            next="see to the database and the role; `run --start-after NAME` says it without a table",
        )
    table = str(found[chosen])
    rows = session.rows(_QUERIES["rows_of"].format(table=table))
    return ForeignHistory(chosen, table, tuple(TABLES[chosen].read(rows)), TABLES[chosen].up_to)


def find_tables(session: Session) -> dict[str, QualifiedName]:
    """The table of each tool that has one here: the one that the search path finds, where there are several."""
    rows = session.rows(_QUERIES["candidates"], {"names": sorted({table.name for table in TABLES.values()})})
    found: dict[str, QualifiedName] = {}
    for row in rows:
        tool = _tool(row)
        if tool is not None:
            found.setdefault(tool, QualifiedName(row["schema"], row["name"]))
    return found


def _tool(row: Mapping[str, Any]) -> str | None:
    if row["schema"] == _SUPABASE:
        return "supabase" if row["name"] == TABLES["supabase"].name else None
    fitting = (tool for tool, table in TABLES.items() if tool != "supabase" and table.is_one(row["name"], row["columns"]))
    return next(fitting, None)
